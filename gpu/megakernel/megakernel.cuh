#pragma once

#include "gpu/megakernel/orders.cuh"
#include "gpu/megakernel/pull_wave.cuh"
#include "gpu/megakernel/push_wave.cuh"
#include "gpu/megakernel/solo_levels.cuh"

/// The resident kernel: launch after launch, until the host is needed. gpu/GPU.md tells the protocol.
namespace megabed::gpu {

template <TraversalKind kKind, class Decider>
class Megakernel {
public:
    __device__ Megakernel(const RunArguments& run, BlockShared& shared, SoloShared& solo,
                          const SoloArrays& arrays)
        : run_(run), shared_(shared), solo_(solo), levels_(run, solo, arrays) {}

    /// Thread 0 of every block inside concludes a wave and decides the next launch while the others wait at the
    /// barrier that stands first in the loop.
    __device__ void run() {
        begin();
        bool inside = true;
        while (true) {
            if (threadIdx.x == 0) {
                take_orders(inside);
            }
            __syncthreads();
            hand_over();
            if (shared_.orders.stop != StopReason::None) {
                break;
            }
            inside = blockIdx.x < shared_.orders.blocks;
            if (blockIdx.x == 0 && threadIdx.x == kBlockLanes - 1) {
                begin_note();
            }
            const std::uint32_t waves_max = shared_.orders.waves_max;
            const bool solo = shared_.orders.solo;
            if (!inside) {
                __syncthreads();  // all have read the orders
            }
            for (std::uint32_t wave = 1; inside; ++wave) {
                const std::uint32_t passes = expand();
                if (!solo) {
                    __syncthreads();  // all have read state, orders and counts
                }
                if (threadIdx.x == 0) {
                    conclude_wave(passes);
                }
                if (wave == waves_max) {
                    break;
                }
                __syncthreads();
                const bool is_over = shared_.state.frontier.vertices == 0 || shared_.failed != 0;
                __syncthreads();
                if (is_over) {
                    break;
                }
            }
        }
        if (leads()) {
            end();
        }
    }

private:
    [[nodiscard]] __device__ bool leads() const { return blockIdx.x == 0 && threadIdx.x == 0; }
    [[nodiscard]] __device__ WaveTally& counts() const { return run_.control->tally[shared_.state.wave % 3]; }

    __device__ void begin() {
        if (threadIdx.x == 0) {
            shared_.state = run_.control->saved;
            shared_.orders = {};
            shared_.barrier_target = 0;
            shared_.calls = 0;
            shared_.blocks_before = gridDim.x;
            shared_.failed = 0;
            shared_.total[0] = 0;
            shared_.total[1] = 0;
            shared_.begun = {static_cast<std::uint64_t>(clock64()), clock_ns()};
            shared_.launch_start = stamp(run_);
            shared_.foreign = !Decider::is_meant_for(run_);
            shared_.launched = false;
            clear_launch();
            shared_.inputs = run_.inputs;
            solo_.filled = false;
        }
        __syncthreads();
    }

    __device__ void end() {
        RunControl& control = *run_.control;
        control.saved = shared_.state;
        const bool failed = shared_.failed != 0 || read_shared(control.failure.failed) != 0;
        control.stop = failed ? StopReason::Failed : shared_.orders.stop;
        control.notes = shared_.state.noted;
        control.begun = shared_.begun;
        control.ended = {static_cast<std::uint64_t>(clock64()), clock_ns()};
        if (run_.host_decides) {
            run_.doorbell->stop = control.stop;
            const SystemWord<std::uint32_t> asked(run_.doorbell->asked);
            asked.store<WordOrder::Release>(asked.load() + 1);
        }
    }

    /// Thread 0. What is decided on the device every block that took part decides for itself, and all come to
    /// the same; the others wait for a call.
    __device__ void take_orders(bool inside) {
        if (!(run_.host_decides ? blockIdx.x == 0 : inside)) {
            await_call(run_, shared_);
            shared_.blocks_before = shared_.orders.blocks;
            shared_.calls_others = false;
            return;
        }
        if (shared_.launched) {
            conclude_launch();
        }
        WaveOrders orders{};
        orders.stop = decide(orders);
        if (orders.stop != StopReason::None) {
            orders.blocks = kAllBlocks;
        }
        shared_.launched = orders.stop == StopReason::None;
        shared_.orders = orders;
        shared_.calls_others = run_.host_decides || orders.blocks > shared_.blocks_before;
        shared_.blocks_before = orders.blocks;
        if (shared_.calls_others) {
            ++shared_.calls;
            if (blockIdx.x == 0 && !stores_solo(orders)) {
                call_blocks(run_, shared_);
            }
        }
    }

    /// Thread 0: the next launch.
    [[nodiscard]] __device__ StopReason decide(WaveOrders& orders) {
        const LoopState state = shared_.state;
        if (shared_.failed != 0) {
            return StopReason::Failed;
        }
        if (shared_.foreign) {
            return StopReason::Foreign;
        }
        if (state.frontier.vertices == 0) {
            return StopReason::Done;
        }
        Decision decision;
        if (run_.host_decides) {
            const StopReason stop = ask_host(run_, state, decision);
            if (stop != StopReason::None) {
                return stop;
            }
        } else if (state.noted >= run_.notes_max) {
            return StopReason::RecordsFull;
        } else if (!Decider::decide(run_, shared_, state, decision)) {
            return StopReason::Refused;
        } else if (!Decider::kCompiled && run_.compiles &&
                   decision.recommendation.execution_mode == ExecutionMode::Jit) {
            return StopReason::WantsCompiled;
        } else {
            shared_.state.policy = decision.next;
        }
        grant(run_, decision.recommendation, orders);
        shared_.decision.recommendation = decision.recommendation;
        shared_.decided = stamp(run_);
        if (kKind == TraversalKind::BreadthFirst && fits_solo(run_, state, orders)) {
            orders.solo = true;
            orders.lanes = min(orders.lanes * orders.blocks, kBlockLanes);
            orders.blocks = 1;
        }
        return StopReason::None;
    }

    /// The first half of the launch's note. A thread that has the least to do otherwise calls it, while the
    /// wave is under way.
    __device__ void begin_note() {
        const LoopState& state = shared_.state;
        LaunchNote& note = note_of(state);
        note.frontier = state.frontier;
        note.resident_bytes = state.resident_bytes;
        note.recommendation = shared_.decision.recommendation;
        note.start_ns = shared_.launch_start;
        note.decided_ns = shared_.decided;
        note.groups = shared_.orders.groups;
    }

    /// Thread 0: the second half of the note, and the counts of the next launch.
    __device__ void conclude_launch() {
        const std::uint64_t now = stamp(run_);
        if (blockIdx.x == 0) {
            LaunchNote& note = note_of(shared_.state);
            note.end_ns = now;
            note.items = shared_.items;
            note.arcs = shared_.arcs;
            note.waves = shared_.waves;
            note.levels = shared_.levels;
        }
        shared_.launch_start = now;
        ++shared_.state.noted;
        clear_launch();
    }
    __device__ void clear_launch() {
        shared_.items = 0;
        shared_.arcs = 0;
        shared_.waves = 0;
        shared_.levels = 0;
    }

    [[nodiscard]] __device__ LaunchNote& note_of(const LoopState& state) const {
        return run_.host_decides ? run_.doorbell->finished : run_.notes[state.noted];
    }

    /// Whether the frontier that this block has kept is wanted by others.
    [[nodiscard]] __device__ bool stores_solo(const WaveOrders& orders) const {
        return solo_.filled && !orders.solo && orders.stop != StopReason::Done;
    }

    /// A frontier that one block has kept goes to all, or comes from them. All threads call it.
    __device__ void hand_over() {
        const bool loads = !solo_.filled && shared_.orders.solo;
        const bool stores = stores_solo(shared_.orders);
        if (kKind != TraversalKind::BreadthFirst || blockIdx.x != 0 || !(loads || stores)) {
            return;
        }
        __syncthreads();  // all have read what is changed now
        if (loads) {
            levels_.load(shared_.state);
        } else {
            levels_.store(shared_.state);
            if (threadIdx.x == 0 && shared_.calls_others) {
                call_blocks(run_, shared_);
            }
        }
    }

    [[nodiscard]] __device__ bool pulls() const {
        return shared_.orders.topology == DispatchTopology::DenseFrontier ||
               shared_.orders.topology == DispatchTopology::FusedDense;
    }

    /// One wave. Returns its passes.
    __device__ std::uint32_t expand() {
        const RunArguments& run = run_;
        if (leads()) {
            run.control->tally[(shared_.state.wave + 1) % 3] = {};
            if (run.co_tenants) {
                counts().sampled_bytes =
                    run.own_bytes + SystemWord<std::uint64_t>(run.doorbell->co_tenant_bytes).load();
            }
        }
        std::uint32_t passes = 1;
        if constexpr (kKind == TraversalKind::BreadthFirst) {
            if (shared_.orders.solo) {
                levels_.push(shared_.state, shared_.orders.lanes);
                return passes;
            }
            if (pulls()) {
                pull_levels(run, shared_, counts());
                wait_for_blocks(run, shared_);
                return passes;
            }
            if (!shared_.state.queue_filled) {
                collect_frontier(run, shared_, counts());
                wait_for_blocks(run, shared_);
            }
            passes = push(run.arrays.queue[1 - shared_.state.queue]);
        } else {
            prepare_frontier();
            wait_for_blocks(run, shared_);
            QueueEntry* const output = kKind == TraversalKind::ShortestPaths
                                           ? run.arrays.changed
                                           : run.arrays.queue[1 - shared_.state.queue];
            if (pulls()) {
                pull_values<kKind>(run, shared_, counts(), output);
                wait_for_blocks(run, shared_);
            } else {
                passes = push(output);
            }
            select_frontier();
        }
        return passes;
    }

    __device__ void prepare_frontier() {
        const std::uint32_t count = shared_.state.frontier.vertices;
        const std::uint32_t lanes = shared_.orders.lanes * shared_.orders.blocks;
        if (threadIdx.x < shared_.orders.lanes) {
            for (std::uint32_t at = threadIdx.x * shared_.orders.blocks + blockIdx.x; at < count; at += lanes) {
                prepare<kKind>(run_, shared_.state.wave + 1, run_.arrays.queue[shared_.state.queue][at].vertex);
            }
        }
    }

    /// Returns the passes.
    __device__ std::uint32_t push(QueueEntry* output) {
        const std::uint64_t arcs = shared_.state.frontier.arcs;
        const std::uint64_t capacity = shared_.orders.capacity;
        const DispatchTopology topology = shared_.orders.topology;
        std::uint32_t passes = 1;
        if (topology == DispatchTopology::MemoryConstrained) {
            for (std::uint64_t first = 0; first < arcs && shared_.failed == 0; first += capacity) {
                push_arc_tiles<kKind>(run_, shared_, counts(), output, first, min(first + capacity, arcs));
                wait_for_blocks(run_, shared_);
                passes += first == 0 ? 0 : 1;
            }
            if (arcs == 0) {
                wait_for_blocks(run_, shared_);
            }
        } else {
            if (topology == DispatchTopology::HybridFrontier) {
                push_arc_tiles<kKind>(run_, shared_, counts(), output, 0, arcs);
            } else {
                push_vertices<kKind>(run_, shared_, counts(), output);
            }
            wait_for_blocks(run_, shared_);
        }
        const std::uint32_t found = tally_vertices(read_shared(counts().next));
        for (std::uint64_t admitted = capacity; admitted < found && shared_.failed == 0; admitted += capacity) {
            wait_for_blocks(run_, shared_);
            ++passes;
        }
        return passes;
    }

    /// What the wave changed becomes the next frontier, or, for ShortestPaths, what of it is in the bucket;
    /// where the bucket is empty, the next one that is not.
    __device__ void select_frontier() {
        const std::uint32_t changed = tally_vertices(read_shared(counts().next));
        const QueueEntry* const from = kKind == TraversalKind::ShortestPaths
                                           ? run_.arrays.changed
                                           : run_.arrays.queue[1 - shared_.state.queue];
        each_entry(changed, [&](std::uint32_t at, bool there) {
            const Vertex vertex = there ? from[at].vertex : 0;
            bool chosen = there;
            if constexpr (kKind == TraversalKind::ShortestPaths) {
                const std::uint32_t bucket =
                    there ? read_shared(run_.arrays.value[vertex]) / run_.settings.delta : 0;
                chosen = there && bucket == shared_.state.bucket;
                if (there && !chosen) {
                    claim_bit(run_.arrays.waiting, vertex);
                } else if (there) {
                    drop_bit(vertex);
                }
                select(chosen, vertex);
            }
            hold(chosen, vertex);
        });
        wait_for_blocks(run_, shared_);
        if constexpr (kKind == TraversalKind::ShortestPaths) {
            if (read_shared(counts().selected) == 0) {
                open_bucket();
            }
        }
    }

    /// Calls body(at, whether there is such an entry) with whole warps.
    template <class Body>
    __device__ void each_entry(std::uint32_t count, Body body) {
        const std::uint32_t warps = shared_.orders.lanes / kWarpLanes * shared_.orders.blocks;
        if (threadIdx.x >= shared_.orders.lanes) {
            return;
        }
        const std::uint64_t step = std::uint64_t{warps} * kWarpLanes;
        for (std::uint64_t at = std::uint64_t{place_of_warp(shared_).number} * kWarpLanes; at < count;
             at += step) {
            const std::uint64_t own = at + lane_of_warp();
            body(static_cast<std::uint32_t>(own), own < count);
        }
    }

    __device__ void drop_bit(Vertex vertex) {
        DeviceWord<std::uint32_t>(run_.arrays.waiting[vertex / 32]).fetch_and(~(1U << vertex % 32));
    }

    /// Puts vertices into the next frontier. Whole warps call it.
    __device__ void select(bool chosen, Vertex vertex) {
        enqueue(run_, run_.arrays.queue[1 - shared_.state.queue], counts().selected, chosen, vertex);
    }

    /// Counts vertices that no frontier has held. Whole warps call it.
    __device__ void hold(bool chosen, Vertex vertex) {
        const bool first = chosen && claim_bit(run_.arrays.held, vertex);
        if (__any_sync(0xFFFF'FFFFU, first)) {
            (void)take_places(first ? tally(1, degree_of(run_.graph, vertex)) : 0, counts().first_held);
        }
    }

    __device__ void open_bucket() {
        const std::uint32_t words = (run_.graph.vertices + 31) / 32;
        std::uint32_t least = kUnreached;
        each_entry(words * 32, [&](std::uint32_t at, bool there) {
            const bool waits = there && (read_shared(run_.arrays.waiting[at / 32]) >> at % 32 & 1) != 0;
            least = waits ? min(least, read_shared(run_.arrays.value[at])) : least;
        });
        for (int step = kWarpLanes / 2; step != 0; step /= 2) {
            least = min(least, __shfl_xor_sync(0xFFFF'FFFFU, least, step));
        }
        if (lane_of_warp() == 0 && least != kUnreached) {
            DeviceWord<std::uint32_t>(counts().nearness).fetch_max(~least);
        }
        wait_for_blocks(run_, shared_);
        const std::uint32_t nearness = read_shared(counts().nearness);
        if (nearness == 0) {
            return;  // nothing waits: the traversal is at its end
        }
        const std::uint32_t bucket = ~nearness / run_.settings.delta;
        each_entry(words * 32, [&](std::uint32_t at, bool there) {
            const bool waits = there && (read_shared(run_.arrays.waiting[at / 32]) >> at % 32 & 1) != 0;
            const bool chosen = waits && read_shared(run_.arrays.value[at]) / run_.settings.delta == bucket;
            if (chosen) {
                drop_bit(at);
            }
            select(chosen, at);
            hold(chosen, at);
        });
        wait_for_blocks(run_, shared_);
        if (threadIdx.x == 0) {
            shared_.state.bucket = bucket;
        }
        __syncthreads();
    }

    /// Thread 0: what the wave has made of the frontier.
    __device__ void conclude_wave(std::uint32_t passes) {
        LoopState state = shared_.state;
        WaveTally& counted = counts();
        const bool pulled = pulls();
        const bool levels_pulled = kKind == TraversalKind::BreadthFirst && pulled;
        std::uint64_t next = 0;
        std::uint64_t first_held = 0;
        std::uint64_t inspected = state.frontier.arcs;
        bool queue_filled = true;
        if (shared_.orders.solo) {
            next = levels_.turn();
            first_held = next;
        } else {
            const std::uint64_t found = read_shared(counted.next);
            const std::uint64_t selected = read_shared(counted.selected);
            const std::uint64_t looked_at = read_shared(counted.inspected);
            next = kKind == TraversalKind::ShortestPaths ? selected : found;
            first_held = kKind == TraversalKind::BreadthFirst ? next : read_shared(counted.first_held);
            inspected = pulled ? looked_at : inspected;
            // A pull that ceased to fill the queue has taken fewer places than it has found vertices, or too
            // many.
            queue_filled = !levels_pulled || (selected == next && tally_vertices(next) <= kPulledQueueMost);
        }
        shared_.items += state.frontier.vertices;
        shared_.arcs += inspected;
        shared_.waves += passes;
        ++shared_.levels;
        FrontierReadings& frontier = state.frontier;
        frontier.previous_vertices = frontier.vertices;
        frontier.vertices = tally_vertices(next);
        frontier.arcs = tally_arcs(next);
        frontier.visited += tally_vertices(first_held);
        frontier.unexplored_arcs -= tally_arcs(first_held);
        frontier.pull_ran = frontier.pull_ran || pulled;
        state.queue_filled = queue_filled;
        state.bitmap = levels_pulled ? 1 - state.bitmap : state.bitmap;
        state.queue = queue_filled ? 1 - state.queue : state.queue;
        ++state.wave;
        state.resident_bytes = run_.co_tenants ? read_shared(counted.sampled_bytes) : run_.own_bytes;
        shared_.state = state;
    }

    const RunArguments& run_;
    BlockShared& shared_;
    SoloShared& solo_;
    SoloLevels levels_;
};

template <TraversalKind kKind, class Decider>
__global__ void __launch_bounds__(kBlockLanes, 1) megakernel(const __grid_constant__ RunArguments run) {
    __shared__ BlockShared shared;
    __shared__ SoloShared solo;
    extern __shared__ uint4 dynamic[];
    const SoloArrays arrays(reinterpret_cast<unsigned char*>(dynamic), run.solo_vertices, run.solo_words);
    Megakernel<kKind, Decider>(run, shared, solo, arrays).run();
}

}  // namespace megabed::gpu
