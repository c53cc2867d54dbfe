#pragma once

#include "gpu/megakernel/output_queue.cuh"
#include "gpu/megakernel/tell.cuh"

/// Levels whose frontier one block can hold. It stays in shared memory together with the first neighbours of
/// its vertices, which were read when the vertices were found, and with the bitmap of the visited where there
/// is room for that: a level then takes one read of device memory, that of the found vertices' neighbours, and
/// no barrier between blocks.
namespace megabed::gpu {

inline constexpr std::uint32_t kSoloVerticesMost = 2048;
/// Arcs of a frontier for each vertex that there is room for.
inline constexpr std::uint32_t kSoloArcsPerVertex = 4;

/// The fixed part, in static shared memory.
struct SoloShared {
    std::uint64_t next;      ///< tally of the queue that is being filled
    std::uint32_t heavy[2];  ///< of each queue: not 0 if a vertex may have more neighbours than its head tells
    std::uint32_t current;   ///< which one holds the frontier
    bool filled;             ///< whether the frontier is here, rather than in device memory
    bool bases_known;        ///< of all vertices of the frontier
};

/// The dynamic part, by how many vertices a frontier may have, and by the words of the bitmap: 0 where it stays
/// in device memory.
class SoloArrays {
public:
    __device__ SoloArrays(unsigned char* memory, std::uint32_t vertices, std::uint32_t words)
        : memory_(memory), vertices_(vertices), words_(words) {}

    [[nodiscard]] static constexpr std::uint32_t bytes(std::uint32_t vertices, std::uint32_t words) {
        constexpr std::uint32_t kLists = 5;  // two prefixes, two bases, vertices
        constexpr std::uint32_t kTail = 2;   // the prefixes have an entry more
        const auto head = static_cast<std::uint32_t>(sizeof(HeadNeighbours));
        const auto word = static_cast<std::uint32_t>(sizeof(std::uint32_t));
        return vertices * (head + kLists * word) + (words + kTail) * word;
    }

    [[nodiscard]] __device__ std::uint32_t vertices() const { return vertices_; }
    [[nodiscard]] __device__ std::uint32_t words() const { return words_; }
    /// The first neighbours of the frontier's vertices: there is one such list, so that a lane keeps what it
    /// has to read before others write the next level's.
    [[nodiscard]] __device__ HeadNeighbours* head() const { return reinterpret_cast<HeadNeighbours*>(memory_); }
    [[nodiscard]] __device__ std::uint32_t* bitmap() const {
        return reinterpret_cast<std::uint32_t*>(memory_ + vertices_ * sizeof(HeadNeighbours));
    }
    /// As `head`, one list.
    [[nodiscard]] __device__ Vertex* vertex() const { return bitmap() + words_; }
    /// Of the row in the columns, less the prefix.
    [[nodiscard]] __device__ std::uint32_t* base(std::uint32_t queue) const {
        return vertex() + (1 + queue) * vertices_;
    }
    /// Arcs of the vertices before, with one more that closes the last row.
    [[nodiscard]] __device__ std::uint32_t* prefix(std::uint32_t queue) const {
        return vertex() + 3 * vertices_ + queue * (vertices_ + 1);
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

/// A block's view of the levels that it keeps.
class SoloLevels {
public:
    __device__ SoloLevels(const RunArguments& run, SoloShared& shared, const SoloArrays& arrays)
        : run_(run), shared_(shared), arrays_(arrays) {}

    /// Takes the frontier over from device memory. All threads of the block call it; it ends with a barrier.
    __device__ void load(const LoopState& state) {
        const QueueEntry* const from = run_.arrays.queue[state.queue];
        for (std::uint32_t at = threadIdx.x; at < state.frontier.vertices; at += blockDim.x) {
            const QueueEntry entry = from[at];
            arrays_.prefix(0)[at] = entry.first_arc;
            arrays_.base(0)[at] = run_.graph.row[entry.vertex] - entry.first_arc;
            arrays_.vertex()[at] = entry.vertex;
        }
        load_bitmap(state);
        if (threadIdx.x == 0) {
            arrays_.prefix(0)[state.frontier.vertices] = static_cast<std::uint32_t>(state.frontier.arcs);
            shared_.current = 0;
            shared_.heavy[0] = 1;  // nobody has looked, and the heads are not here
            shared_.heavy[1] = 0;
            shared_.next = 0;
            shared_.filled = true;
            shared_.bases_known = true;
        }
        __syncthreads();
    }

    /// Gives the frontier back to device memory. All threads of the block call it; it ends with a barrier.
    __device__ void store(const LoopState& state) {
        QueueEntry* const to = run_.arrays.queue[state.queue];
        const std::uint32_t count = min(state.frontier.vertices, arrays_.vertices());
        const std::uint32_t* const prefix = arrays_.prefix(shared_.current);
        for (std::uint32_t at = threadIdx.x; at < count; at += blockDim.x) {
            to[at] = {arrays_.vertex()[at], prefix[at]};
        }
        // Early in a search nearly all of the bitmap is empty, there as here.
        auto* const bitmap = reinterpret_cast<uint4*>(run_.arrays.visited[state.bitmap]);
        for (std::uint32_t at = threadIdx.x; at < arrays_.words() / 4; at += blockDim.x) {
            const uint4 words = reinterpret_cast<const uint4*>(arrays_.bitmap())[at];
            if ((words.x | words.y | words.z | words.w) != 0) {
                bitmap[at] = words;
            }
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            shared_.filled = false;
        }
        __syncthreads();
    }

    /// Expands one level: a vertex a lane where four neighbours are all, else an arc a lane. What does not fit
    /// the queue goes on behind it in device memory: `store` joins the two. All threads of the block call it;
    /// those below `lanes` take part. It ends with a barrier.
    __device__ void push(const LoopState& state, std::uint32_t lanes) {
        const Level level{state.frontier.vertices,
                          static_cast<std::uint32_t>(state.frontier.arcs),
                          state.wave + 1,
                          shared_.current,
                          shared_.heavy[shared_.current] != 0,
                          run_.arrays.visited[state.bitmap],
                          run_.arrays.queue[1 - state.queue]};
        constexpr std::uint32_t kHeadsOfLane = 2;
        if (!level.mixed && level.vertices <= kHeadsOfLane * lanes) {
            HeadNeighbours head[kHeadsOfLane];
#pragma unroll
            for (std::uint32_t at = 0; at < kHeadsOfLane; ++at) {
                const std::uint32_t entry = at * lanes + threadIdx.x;
                if (entry < level.vertices) {
                    head[at] = arrays_.head()[entry];
                }
            }
            __syncthreads();
#pragma unroll
            for (std::uint32_t at = 0; at < kHeadsOfLane; ++at) {
                if (threadIdx.x < lanes && at * lanes + threadIdx.x - lane_of_warp() < level.vertices) {
                    const bool there = at * lanes + threadIdx.x < level.vertices;
                    const bool open[kTogether] = {there, there, there, there};
                    discover(level, open, head[at].at);
                }
            }
        } else {
            push_arcs(level, lanes);
        }
        __syncthreads();
    }

    /// The queue that was filled becomes the frontier. Returns its tally. Called by one thread, behind the
    /// barrier of `push`.
    [[nodiscard]] __device__ std::uint64_t turn() {
        const std::uint64_t next = shared_.next;
        const std::uint32_t current = shared_.current;
        const bool mixed = shared_.heavy[current] != 0;
        shared_.next = 0;
        shared_.heavy[current] = 0;
        shared_.current = 1 - current;
        shared_.bases_known = mixed;
        if (tally_vertices(next) <= arrays_.vertices()) {
            arrays_.prefix(1 - current)[tally_vertices(next)] = tally_arcs(next);
        }
        return next;
    }

private:
    static constexpr std::uint32_t kTogether = 4;  ///< neighbours of a lane whose accesses overlap

    /// What the lanes have to know of the level.
    struct Level {
        std::uint32_t vertices;
        std::uint32_t arcs;
        std::uint32_t number;  ///< of the level that is found
        std::uint32_t queue;
        bool mixed;              ///< some vertex of the frontier has more neighbours than its head tells
        std::uint32_t* visited;  ///< in device memory
        QueueEntry* overflow;
    };

    /// Before the first wave there is only the root.
    __device__ void load_bitmap(const LoopState& state) {
        auto* const to = reinterpret_cast<uint4*>(arrays_.bitmap());
        const auto* const from = reinterpret_cast<const uint4*>(run_.arrays.visited[state.bitmap]);
        const bool empty = state.wave == 0;
        for (std::uint32_t at = threadIdx.x; at < arrays_.words() / 4; at += blockDim.x) {
            to[at] = empty ? uint4{0, 0, 0, 0} : from[at];
        }
        if (empty && arrays_.words() != 0) {
            __syncthreads();
            if (threadIdx.x == 0) {
                const Vertex root = run_.arrays.queue[state.queue][0].vertex;
                arrays_.bitmap()[root / 32] = 1U << root % 32;
            }
        }
    }

    __device__ void push_arcs(const Level& level, std::uint32_t lanes) {
        std::uint32_t* const base = arrays_.base(level.queue);
        const std::uint32_t* const prefix = arrays_.prefix(level.queue);
        if (!shared_.bases_known) {
            for (std::uint32_t at = threadIdx.x; at < level.vertices; at += blockDim.x) {
                base[at] = __ldg(&run_.graph.row[arrays_.vertex()[at]]) - prefix[at];
            }
            __syncthreads();
        }
        if (threadIdx.x >= lanes) {
            return;
        }
        for (std::uint32_t first = threadIdx.x - lane_of_warp(); first < level.arcs;
             first += kTogether * lanes) {
            bool open[kTogether];
            Vertex to[kTogether];
#pragma unroll
            for (std::uint32_t arc = 0; arc < kTogether; ++arc) {
                const std::uint32_t own = first + arc * lanes + lane_of_warp();
                open[arc] = own < level.arcs;
                to[arc] = 0;
                if (open[arc]) {
                    to[arc] = __ldg(&run_.graph.column[base[row_of_arc(prefix, level.vertices, own)] + own]);
                }
            }
            discover(level, open, to);
        }
    }

    /// Whether this lane is the first to come to each vertex.
    __device__ void find(const Level& level, const bool (&open)[kTogether], const Vertex (&to)[kTogether],
                         bool (&found)[kTogether]) {
        std::uint32_t before[kTogether];
        if (arrays_.words() != 0) {
            std::uint32_t* const bitmap = arrays_.bitmap();
#pragma unroll
            for (std::uint32_t at = 0; at < kTogether; ++at) {
                before[at] = open[at] ? atomicOr(&bitmap[to[at] / 32], 1U << to[at] % 32) : 0xFFFF'FFFF;
            }
        } else {
#pragma unroll
            for (std::uint32_t at = 0; at < kTogether; ++at) {
                before[at] = open[at] ? atomicOr(&level.visited[to[at] / 32], 1U << to[at] % 32) : 0xFFFF'FFFF;
            }
        }
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            found[at] = (before[at] >> to[at] % 32 & 1) == 0;
        }
    }

    /// Tells up to four neighbours of each lane of a warp.
    __device__ void discover(const Level& level, const bool (&open)[kTogether], const Vertex (&to)[kTogether]) {
        bool found[kTogether];
        find(level, open, to, found);
        if (!__any_sync(0xFFFF'FFFFU, found[0] || found[1] || found[2] || found[3])) {
            return;
        }
        const bool mixed = level.mixed;
        HeadNeighbours head[kTogether];
        std::uint32_t row[kTogether];
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            row[at] = 0;
            if (found[at]) {
                head[at] = load_head(to[at]);
                if (mixed) {
                    row[at] = __ldg(&run_.graph.row[to[at]]);
                }
            }
        }
        std::uint32_t degree[kTogether];
        bool longer = false;
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            degree[at] = 0;
            if (found[at]) {
                run_.arrays.value[to[at]] = level.number;
                degree[at] =
                    is_whole_row(head[at]) ? degree_of_head(head[at], to[at]) : degree_of(run_.graph, to[at]);
                longer = longer || !is_whole_row(head[at]);
            }
        }
        const std::uint32_t output = 1 - level.queue;
        const bool heavy = __any_sync(0xFFFF'FFFFU, longer);
        if (heavy && lane_of_warp() == 0) {
            atomicOr(&shared_.heavy[output], 1U);
        }
        std::uint64_t place = heavy ? places_of_any(found, degree) : places_of_light(found, degree);
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            if (!found[at]) {
                continue;
            }
            const std::uint32_t position = tally_vertices(place);
            const std::uint32_t prefix = tally_arcs(place);
            place += tally(1, degree[at]);
            if (position < arrays_.vertices()) {
                arrays_.head()[position] = head[at];
                arrays_.vertex()[position] = to[at];
                arrays_.prefix(output)[position] = prefix;
                if (mixed) {
                    arrays_.base(output)[position] = row[at] - prefix;
                }
            } else {
                level.overflow[position] = {to[at], prefix};
            }
        }
    }

    [[nodiscard]] __device__ std::uint64_t add_next(std::uint64_t all) {
        return atomicAdd(reinterpret_cast<unsigned long long*>(&shared_.next), all);
    }

    [[nodiscard]] __device__ std::uint64_t places_of_any(const bool (&found)[kTogether],
                                                         const std::uint32_t (&degree)[kTogether]) {
        std::uint64_t own = 0;
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            own += found[at] ? tally(1, degree[at]) : 0;
        }
        return take_places(own, [&](std::uint64_t all) { return add_next(all); });
    }

    /// The same where no degree is over kTogether: a warp's tally fits half words.
    [[nodiscard]] __device__ std::uint64_t places_of_light(const bool (&found)[kTogether],
                                                           const std::uint32_t (&degree)[kTogether]) {
        constexpr std::uint32_t kHalf = 16;
        std::uint32_t own = 0;
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            own += found[at] ? (1U << kHalf) + degree[at] : 0;
        }
        std::uint32_t up_to = own;
        for (std::uint32_t step = 1; step < kWarpLanes; step *= 2) {
            const std::uint32_t below = __shfl_up_sync(0xFFFF'FFFFU, up_to, step);
            up_to += lane_of_warp() >= step ? below : 0;
        }
        std::uint64_t first = 0;
        if (lane_of_warp() == kWarpLanes - 1) {
            first = add_next(tally(up_to >> kHalf, up_to & 0xFFFFU));
        }
        const std::uint32_t below = up_to - own;
        return __shfl_sync(0xFFFF'FFFFU, first, kWarpLanes - 1) + tally(below >> kHalf, below & 0xFFFFU);
    }

    [[nodiscard]] __device__ HeadNeighbours load_head(Vertex vertex) const {
        const uint4 four = __ldg(reinterpret_cast<const uint4*>(run_.graph.head) + vertex);
        return {{four.x, four.y, four.z, four.w}};
    }

    const RunArguments& run_;
    SoloShared& shared_;
    SoloArrays arrays_;
};

}  // namespace megabed::gpu
