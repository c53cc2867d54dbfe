#pragma once

#include "gpu/megakernel/output_queue.cuh"
#include "gpu/megakernel/tell.cuh"

/// Levels whose frontier one block can hold. It stays in shared memory together with the heads of its rows,
/// which were read when the vertices were found, and with the bitmap of the visited where there is room for
/// that: a level then takes one read of device memory, that of the found vertices' heads, and no barrier
/// between blocks.
///
/// Warp 0 concludes levels and decides launches. All others, the crew, look ahead meanwhile: they find out
/// which neighbours of the new frontier nobody has visited, bring near what there is to know of these, and
/// change nothing. When the decision is there, they claim what they have seen, or forget it, if the launch is
/// for more.
namespace megabed::gpu {

/// Arcs of a frontier for each vertex that there is room for.
inline constexpr std::uint32_t kSoloArcsPerVertex = 4;
inline constexpr std::uint32_t kCrewLanes = kBlockLanes - kWarpLanes;

/// Of a queue.
struct SoloTally {
    std::uint32_t vertices;
    std::uint32_t arcs;
    std::uint32_t heavy;  ///< not 0: some vertex may have more than four neighbours
};

/// The fixed part, in static shared memory.
struct SoloShared {
    SoloTally tally[2];  ///< the frontier's, and that of the queue which is being filled; they take turns
    std::uint32_t warp_sums[kCrewLanes / kWarpLanes];
};

/// The dynamic part, rows and bitmap, by how many vertices a frontier may have, and by the words of the bitmap:
/// 0 where it stays in device memory.
class SoloArrays {
public:
    __device__ SoloArrays(unsigned char* memory, std::uint32_t vertices, std::uint32_t words)
        : memory_(memory), vertices_(vertices), words_(words) {}

    [[nodiscard]] static constexpr std::uint32_t bytes(std::uint32_t vertices, std::uint32_t words) {
        constexpr std::uint32_t kQueues = 2;
        const auto row = static_cast<std::uint32_t>(sizeof(RowHead));
        const auto word = static_cast<std::uint32_t>(sizeof(std::uint32_t));
        return vertices * kQueues * row + words * word;
    }

    [[nodiscard]] __device__ std::uint32_t vertices() const { return vertices_; }
    [[nodiscard]] __device__ std::uint32_t words() const { return words_; }
    /// Of the vertices of either queue.
    [[nodiscard]] __device__ RowHead* row(std::uint32_t queue) const {
        return reinterpret_cast<RowHead*>(memory_) + queue * vertices_;
    }
    [[nodiscard]] __device__ std::uint32_t* bitmap() const {
        return reinterpret_cast<std::uint32_t*>(memory_ + 2 * vertices_ * sizeof(RowHead));
    }

private:
    unsigned char* memory_;
    std::uint32_t vertices_;
    std::uint32_t words_;
};

/// Whether a launch may stay in one block: what it asks for is then an upper bound of what takes part.
[[nodiscard]] __device__ inline bool fits_solo(const RunArguments& run, const LoopState& state,
                                               const WaveOrders& orders) {
    const bool pushes = orders.topology == DispatchTopology::SparseFrontier ||
                        orders.topology == DispatchTopology::HybridFrontier ||
                        orders.topology == DispatchTopology::MemoryConstrained;
    return pushes && state.queue_filled && state.frontier.vertices <= run.solo_vertices &&
           state.frontier.arcs <= kSoloArcsPerVertex * run.solo_vertices &&
           state.frontier.arcs <= orders.capacity;
}

[[nodiscard]] __device__ inline bool is_of_crew() { return threadIdx.x >= kWarpLanes; }

/// A block's view of the levels that it keeps; every thread has one, and all of them agree.
class SoloLevels {
public:
    __device__ SoloLevels(const RunArguments& run, SoloShared& shared, SoloLists& lists,
                          const SoloArrays& arrays)
        : run_(run), shared_(shared), lists_(lists), arrays_(arrays), lane_(lane_of_warp()) {}

    /// Takes the frontier over from device memory. All threads of the block call it; it ends with a barrier.
    __device__ void load(const LoopState& state) {
        vertices_ = state.frontier.vertices;
        level_ = state.wave + 1;
        current_ = 0;
        queue_ = state.queue;
        mixed_ = true;
        visited_ = run_.arrays.visited[state.bitmap];
        const QueueEntry* const from = run_.arrays.queue[queue_];
        for (std::uint32_t at = threadIdx.x; at < vertices_; at += blockDim.x) {
            const Vertex vertex = from[at].vertex;
            lists_.vertex[at] = vertex;
            arrays_.row(0)[at] = load_head(vertex);
        }
        load_bitmap(state);
        if (threadIdx.x == 0) {
            shared_.tally[0] = {vertices_, static_cast<std::uint32_t>(state.frontier.arcs), 1};
            shared_.tally[1] = {};
        }
        meet();
    }

    /// Gives the frontier back to device memory; `queue`: not only as bits. All threads of the block call it,
    /// behind the barrier after `turn`; it ends with a barrier.
    __device__ void store(const LoopState& state, bool queue) {
        QueueEntry* const to = run_.arrays.queue[queue_];
        if (queue && is_of_crew()) {
            const auto here = [&](std::uint32_t at) { return at < arrays_.vertices(); };
            const auto degree = [&](std::uint32_t at) {
                return here(at) ? degree_of_row(arrays_.row(current_)[at], lists_.vertex[at])
                                : to[at].first_arc;
            };
            (void)sum_before(vertices_, degree, [&](std::uint32_t at, std::uint32_t arcs) {
                to[at] = {here(at) ? lists_.vertex[at] : to[at].vertex, arcs};
            });
        }
        // Early in a search nearly all of the bitmap is empty, there as here.
        auto* const bitmap = reinterpret_cast<uint4*>(run_.arrays.visited[state.bitmap]);
        for (std::uint32_t at = threadIdx.x; at < arrays_.words() / 4; at += blockDim.x) {
            const uint4 words = reinterpret_cast<const uint4*>(arrays_.bitmap())[at];
            if ((words.x | words.y | words.z | words.w) != 0) {
                bitmap[at] = words;
            }
        }
        meet();
    }

    /// Looks at what the frontier's vertices lead to, a unit a lane. The crew calls it, between `turn` and the
    /// next `claim_level`.
    __device__ void look_ahead() {
        if (vertices_ > arrays_.vertices()) {
            units_ = 0;  // the level is not for this block
            return;
        }
        units_ = mixed_ ? find_units() : vertices_;
        if (first_of_warp() < units_) {
            ahead_ = neighbours_of(crew_lane());
            close_visited(ahead_);
            touch_open(ahead_);
        }
    }

    /// Expands the level. What does not fit the queue goes on behind it in device memory: `store` joins the
    /// two. The crew calls it; the first `lanes` of it take part.
    __device__ void claim_level(std::uint32_t lanes) {
        const std::uint32_t first = first_of_warp();
        const std::uint32_t width = min(lanes, kCrewLanes);
        if (first >= width || first >= units_) {
            return;
        }
        for (std::uint32_t unit = first; unit < units_; unit += width) {
            if (unit != first) {
                ahead_ = neighbours_of(unit + lane_);
            }
            claim(ahead_);
            enqueue_open(ahead_);
        }
    }

    /// The queue that was filled becomes the frontier. All threads call it, between two barriers.
    __device__ void turn() {
        current_ = 1 - current_;
        queue_ = 1 - queue_;
        ++level_;
        const SoloTally& tally = shared_.tally[current_];
        vertices_ = tally.vertices;
        mixed_ = tally.heavy != 0;
        if (threadIdx.x == 0) {
            shared_.tally[1 - current_] = {};
        }
    }

    /// All threads of the block meet here, from wherever their warps are.
    static __device__ void meet() {
        constexpr int kBarrier = 2;
        wait_at<kBarrier, kBlockLanes>();
    }

    /// Of the frontier.
    [[nodiscard]] __device__ const SoloTally& tally() const { return shared_.tally[current_]; }

private:
    static constexpr std::uint32_t kTogether = 4;  ///< neighbours of a unit: their accesses overlap
    static constexpr std::uint32_t kAllOpen = 0xF;

    /// Neighbours that a lane looks at.
    struct Unit {
        Vertex to[kTogether];    ///< vertices of the graph, also where they are not open
        std::uint32_t open = 0;  ///< a bit of each: nobody had visited it
    };

    [[nodiscard]] static __device__ std::uint32_t crew_lane() { return threadIdx.x - kWarpLanes; }
    [[nodiscard]] __device__ std::uint32_t first_of_warp() const { return crew_lane() - lane_; }
    static __device__ void crew_barrier() {
        constexpr int kBarrier = 1;
        wait_at<kBarrier, kCrewLanes>();
    }
    /// A barrier of some warps. Lanes of a warp may come to it one after the other: unlike `bar.sync` it does
    /// not require that the compiler has brought them together before.
    template <int kBarrier, std::uint32_t kLanes>
    static __device__ void wait_at() {
        __syncwarp();
        asm volatile("barrier.sync %0, %1;" ::"n"(kBarrier), "n"(kLanes) : "memory");
    }

    [[nodiscard]] __device__ RowHead load_head(Vertex vertex) const {
        const uint4 four = __ldg(reinterpret_cast<const uint4*>(run_.graph.head) + vertex);
        return {{four.x, four.y, four.z, four.w}};
    }

    /// Before the first wave there is only the root.
    __device__ void load_bitmap(const LoopState& state) {
        auto* const to = reinterpret_cast<uint4*>(arrays_.bitmap());
        const auto* const from = reinterpret_cast<const uint4*>(run_.arrays.visited[state.bitmap]);
        const bool empty = state.wave == 0;
        for (std::uint32_t at = threadIdx.x; at < arrays_.words() / 4; at += blockDim.x) {
            to[at] = empty ? uint4{0, 0, 0, 0} : from[at];
        }
        if (empty && arrays_.words() != 0) {
            meet();
            if (threadIdx.x == 0) {
                const Vertex root = run_.arrays.queue[state.queue][0].vertex;
                arrays_.bitmap()[root / 32] = 1U << root % 32;
            }
        }
    }

    /// Calls put(entry, sum of the entries before it) for `count` entries of value(entry) each. Returns the
    /// sum of all. The crew calls it; it ends with a barrier of the crew.
    template <class Value, class Put>
    __device__ std::uint32_t sum_before(std::uint32_t count, Value value, Put put) {
        const std::uint32_t share = (count + kCrewLanes - 1) / kCrewLanes;
        const std::uint32_t first = min(crew_lane() * share, count);
        const std::uint32_t last = min(first + share, count);
        std::uint32_t own = 0;
        for (std::uint32_t at = first; at < last; ++at) {
            own += value(at);
        }
        const std::uint32_t up_to = warp_sum_up_to(own);
        const std::uint32_t warp = crew_lane() / kWarpLanes;
        if (lane_ == kWarpLanes - 1) {
            shared_.warp_sums[warp] = up_to;
        }
        crew_barrier();
        const std::uint32_t of_warp = lane_ < kCrewLanes / kWarpLanes ? shared_.warp_sums[lane_] : 0;
        std::uint32_t sum = warp_sum(lane_ < warp ? of_warp : 0) + up_to - own;
        for (std::uint32_t at = first; at < last; ++at) {
            const std::uint32_t more = value(at);
            put(at, sum);
            sum += more;
        }
        crew_barrier();
        return warp_sum(of_warp);
    }

    /// Where the units of a mixed frontier are: one of a vertex whose neighbours are known, else one for every
    /// four arcs. Returns how many. The crew calls it; it ends with a barrier of the crew.
    [[nodiscard]] __device__ std::uint32_t find_units() {
        const auto units = [&](std::uint32_t at) {
            const RowHead& row = arrays_.row(current_)[at];
            return is_whole_row(row) ? 1 : (degree_of_row(row, 0) + kTogether - 1) / kTogether;
        };
        return sum_before(vertices_, units,
                          [&](std::uint32_t at, std::uint32_t sum) { lists_.prefix[at] = sum; });
    }

    /// What a unit of the frontier leads to.
    [[nodiscard]] __device__ Unit neighbours_of(std::uint32_t number) const {
        Unit unit{};
        if (number >= units_) {
            return unit;
        }
        const std::uint32_t entry = mixed_ ? row_of_arc(lists_.prefix, vertices_, number) : number;
        const RowHead row = arrays_.row(current_)[entry];
        if (is_whole_row(row)) {
#pragma unroll
            for (std::uint32_t at = 0; at < kTogether; ++at) {
                unit.to[at] = row.at[at];
            }
            unit.open = kAllOpen;
            return unit;
        }
        const std::uint32_t first = (number - lists_.prefix[entry]) * kTogether;
        const Vertex* const column = run_.graph.column + begin_of_row(row) + first;
        const std::uint32_t left = degree_of_row(row, 0) - first;
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            const bool there = at < left;
            unit.to[at] = there ? __ldg(column + at) : 0;
            unit.open |= there ? 1U << at : 0;
        }
        return unit;
    }

    /// Closes those that somebody has visited.
    __device__ void close_visited(Unit& unit) const {
        if (arrays_.words() != 0) {
            const std::uint32_t* const bitmap = arrays_.bitmap();
#pragma unroll
            for (std::uint32_t at = 0; at < kTogether; ++at) {
                unit.open &= ~((bitmap[unit.to[at] / 32] >> unit.to[at] % 32 & 1) << at);
            }
            return;
        }
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            unit.open &= ~((read_shared(visited_[unit.to[at] / 32]) >> unit.to[at] % 32 & 1) << at);
        }
    }

    /// Brings near what there is to know of those that are open. Keeping it in registers would cost more than
    /// the second access, which is a short one.
    __device__ void touch_open(const Unit& unit) const {
        const RowHead* const heads = run_.graph.head;
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            if ((unit.open >> at & 1) != 0) {
                asm volatile("{ .reg .b32 unused; ld.global.nc.b32 unused, [%0]; }" ::"l"(heads + unit.to[at]));
            }
        }
    }

    /// Leaves those open that this lane is the first to come to. No lane branches: one that has nothing to
    /// claim sets no bit.
    __device__ void claim(Unit& unit) {
        std::uint32_t before[kTogether];
        if (arrays_.words() != 0) {
            std::uint32_t* const bitmap = arrays_.bitmap();
#pragma unroll
            for (std::uint32_t at = 0; at < kTogether; ++at) {
                before[at] = or_in_shared(bitmap[unit.to[at] / 32], (unit.open >> at & 1) << unit.to[at] % 32);
            }
        } else {
#pragma unroll
            for (std::uint32_t at = 0; at < kTogether; ++at) {
                before[at] = atomicOr(&visited_[unit.to[at] / 32], (unit.open >> at & 1) << unit.to[at] % 32);
            }
        }
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            unit.open &= ~((before[at] >> unit.to[at] % 32 & 1) << at);
        }
    }

    /// Puts those that are open into the queue. Whole warps call it. Every lane loads as many heads, so that no
    /// load waits for another; those that are not open share one access. The loads go out behind the add, which
    /// would wait behind them in the same queue.
    __device__ void enqueue_open(const Unit& unit) {
        if (__any_sync(kWholeWarp, unit.open != 0) == 0) {
            return;
        }
        SoloTally& tally = shared_.tally[1 - current_];
        const std::uint32_t lanes_before = (1U << lane_) - 1;
        std::uint32_t before = 0;
        std::uint32_t all = 0;
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            const std::uint32_t finders = __ballot_sync(kWholeWarp, (unit.open >> at & 1) != 0);
            before += static_cast<std::uint32_t>(__popc(finders & lanes_before));
            all += static_cast<std::uint32_t>(__popc(finders));
        }
        std::uint32_t place = 0;
        if (lane_ == 0) {
            place = add_in_shared(tally.vertices, all);
        }
        const RowHead* const heads = run_.graph.head;
        RowHead row[kTogether];
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            const Vertex to = (unit.open >> at & 1) != 0 ? unit.to[at] : 0;
            asm volatile("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];"
                         : "=r"(row[at].at[0]), "=r"(row[at].at[1]), "=r"(row[at].at[2]), "=r"(row[at].at[3])
                         : "l"(heads + to));
        }
        place = __shfl_sync(kWholeWarp, place, 0) + before;
        std::uint32_t* const value = run_.arrays.value;
        std::uint32_t arcs = 0;
        bool longer = false;
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            if ((unit.open >> at & 1) != 0) {
                const Vertex to = unit.to[at];
                const std::uint32_t degree = degree_of_row(row[at], to);
                if (place < arrays_.vertices()) {
                    arrays_.row(1 - current_)[place] = row[at];
                    lists_.vertex[place] = to;
                } else {
                    run_.arrays.queue[1 - queue_][place] = {to, degree};
                }
                ++place;
                value[to] = level_;
                arcs += degree;
                longer = longer || !is_whole_row(row[at]);
            }
        }
        const std::uint32_t all_arcs = warp_sum(arcs);
        const bool heavy = __any_sync(kWholeWarp, longer);
        if (lane_ == 0) {
            (void)add_in_shared(tally.arcs, all_arcs);
            if (heavy) {
                (void)or_in_shared(tally.heavy, 1);
            }
        }
    }

    /// Atomic, and these return what was there before; they stay where they stand among other such code.
    static __device__ std::uint32_t add_in_shared(std::uint32_t& word, std::uint32_t value) {
        std::uint32_t before = 0;
        asm volatile("atom.shared.add.u32 %0, [%1], %2;"
                     : "=r"(before)
                     : "r"(static_cast<std::uint32_t>(__cvta_generic_to_shared(&word))), "r"(value)
                     : "memory");
        return before;
    }
    static __device__ std::uint32_t or_in_shared(std::uint32_t& word, std::uint32_t bits) {
        std::uint32_t before = 0;
        asm volatile("atom.shared.or.b32 %0, [%1], %2;"
                     : "=r"(before)
                     : "r"(static_cast<std::uint32_t>(__cvta_generic_to_shared(&word))), "r"(bits)
                     : "memory");
        return before;
    }

    const RunArguments& run_;
    SoloShared& shared_;
    SoloLists& lists_;
    SoloArrays arrays_;
    std::uint32_t lane_;                ///< of the warp
    std::uint32_t vertices_ = 0;        ///< of the frontier
    std::uint32_t units_ = 0;           ///< four neighbours or less of one vertex each
    std::uint32_t level_ = 0;           ///< number of the one that is found next
    std::uint32_t current_ = 0;         ///< which tally and which rows are the frontier's
    std::uint32_t queue_ = 0;           ///< which queue of device memory the frontier would lie in
    bool mixed_ = false;                ///< some vertex of the frontier may have more than four neighbours
    std::uint32_t* visited_ = nullptr;  ///< in device memory
    Unit ahead_;
};

}  // namespace megabed::gpu
