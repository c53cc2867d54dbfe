#pragma once

#include "gpu/megakernel/orders.cuh"
#include "gpu/megakernel/pull_wave.cuh"
#include "gpu/megakernel/push_wave.cuh"
#include "gpu/megakernel/solo_levels.cuh"

/// The resident kernel: launch after launch, until the host is needed. gpu/GPU.md tells the protocol.
namespace megabed::gpu {

template <TraversalKind kKind>
class Megakernel {
public:
    __device__ Megakernel(const RunArguments& run, BlockShared& shared, SoloShared& solo)
        : run_(run), shared_(shared), solo_(solo) {}

    __device__ void run() {
        begin();
        bool inside = true;
        while (true) {
            take_orders(inside);
            if (shared_.orders.stop != StopReason::None) {
                break;
            }
            inside = blockIdx.x < shared_.orders.blocks;
            if (inside) {
                launch();
            }
            __syncthreads();  // thread 0 goes on to overwrite what the others have just read
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
            shared_.begun = {static_cast<std::uint64_t>(clock64()), clock_ns()};
            shared_.launch_start = stamp(run_);
            shared_.inputs = run_.inputs;
            solo_.filled = false;
            solo_.current = 0;
            solo_.next = 0;
            solo_.heaviest[0] = 0;
            solo_.heaviest[1] = 0;
        }
        __syncthreads();
    }

    __device__ void end() {
        RunControl& control = *run_.control;
        control.saved = shared_.state;
        control.stop = shared_.failed != 0 ? StopReason::Failed : shared_.orders.stop;
        control.notes = shared_.state.noted;
        control.begun = shared_.begun;
        control.ended = {static_cast<std::uint64_t>(clock64()), clock_ns()};
        if (run_.host_decides) {
            run_.doorbell->stop = control.stop;
            const SystemWord<std::uint32_t> asked(run_.doorbell->asked);
            asked.store(asked.load(cuda::memory_order_relaxed) + 1, cuda::memory_order_release);
        }
    }

    /// What is decided on the device every block that took part decides for itself; the others wait for a call.
    /// Ends with a barrier of the block.
    __device__ void take_orders(bool inside) {
        const bool decides = run_.host_decides ? blockIdx.x == 0 : inside;
        if (!decides) {
            if (threadIdx.x == 0) {
                await_call(run_, shared_);
                shared_.blocks_before = shared_.orders.blocks;
            }
            __syncthreads();
            return;
        }
        if (threadIdx.x == 0) {
            choose_orders(run_, shared_);
            if (kKind == TraversalKind::BreadthFirst && shared_.orders.stop == StopReason::None &&
                fits_solo(shared_.state, shared_.orders)) {
                shared_.orders.solo = true;
                shared_.orders.loads_solo = !solo_.filled;
                shared_.orders.lanes = min(shared_.orders.lanes * shared_.orders.blocks, kBlockLanes);
                shared_.orders.blocks = 1;
            }
        }
        __syncthreads();
        if (blockIdx.x == 0 && solo_.filled && !shared_.orders.solo) {
            store_solo(run_, shared_.state, solo_);
            __syncthreads();
        }
        if (threadIdx.x == 0) {
            if (run_.host_decides || shared_.orders.blocks > shared_.blocks_before) {
                ++shared_.calls;
                if (blockIdx.x == 0) {
                    call_blocks(run_, shared_);
                }
            }
            shared_.blocks_before = shared_.orders.blocks;
            shared_.decided = stamp(run_);
        }
        __syncthreads();
    }

    __device__ void launch() {
        if (threadIdx.x == 0) {
            shared_.items = 0;
            shared_.arcs = 0;
            shared_.waves = 0;
            shared_.levels = 0;
            shared_.launch_frontier = shared_.state.frontier;
            shared_.launch_resident_bytes = shared_.state.resident_bytes;
        }
        __syncthreads();
        bool goes_on = true;
        for (std::uint32_t wave = 0; goes_on && wave < shared_.orders.waves_max; ++wave) {
            const std::uint32_t passes = expand();
            __syncthreads();  // all have read the state
            if (threadIdx.x == 0) {
                finish_wave(passes);
            }
            __syncthreads();
            goes_on = shared_.state.frontier.vertices != 0 && shared_.failed == 0;
        }
        if (threadIdx.x == 0) {
            if (blockIdx.x == 0) {
                note();
            }
            ++shared_.state.noted;
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
                run.control->sampled_bytes =
                    run.own_bytes +
                    SystemWord<std::uint64_t>(run.doorbell->co_tenant_bytes).load(cuda::memory_order_relaxed);
            }
        }
        std::uint32_t passes = 1;
        if constexpr (kKind == TraversalKind::BreadthFirst) {
            if (shared_.orders.solo) {
                if (shared_.orders.loads_solo) {
                    load_solo(run, shared_.state, solo_);
                }
                push_solo(run, shared_.state, shared_.orders.lanes, solo_);
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
        DeviceWord<std::uint32_t>(run_.arrays.waiting[vertex / 32])
            .fetch_and(~(1U << vertex % 32), cuda::memory_order_relaxed);
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
            DeviceWord<std::uint32_t>(counts().nearness).fetch_max(~least, cuda::memory_order_relaxed);
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

    /// Thread 0 of every block that took part: what is known now, and what it makes of the frontier.
    __device__ void finish_wave(std::uint32_t passes) {
        LoopState& state = shared_.state;
        WaveTally& counted = counts();
        const std::uint64_t next = shared_.orders.solo ? turn_solo() : read_shared(next_counter(counted));
        const std::uint64_t first_held =
            kKind == TraversalKind::BreadthFirst ? next : read_shared(counted.first_held);
        FrontierReadings& frontier = state.frontier;
        shared_.items += frontier.vertices;
        shared_.arcs += pulls() ? read_shared(counted.inspected) : frontier.arcs;
        shared_.waves += passes;
        ++shared_.levels;
        frontier.previous_vertices = frontier.vertices;
        frontier.vertices = tally_vertices(next);
        frontier.arcs = tally_arcs(next);
        frontier.visited += tally_vertices(first_held);
        frontier.unexplored_arcs -= tally_arcs(first_held);
        frontier.pull_ran = frontier.pull_ran || pulls();
        const bool levels_pulled = kKind == TraversalKind::BreadthFirst && pulls();
        // A pull that ceased to fill the queue has taken fewer places than it has found vertices, or too many.
        state.queue_filled = !levels_pulled || (read_shared(counted.selected) == next && !too_many(next));
        state.bitmap = levels_pulled ? 1 - state.bitmap : state.bitmap;
        state.queue = state.queue_filled ? 1 - state.queue : state.queue;
        ++state.wave;
        state.resident_bytes = run_.co_tenants ? read_shared(run_.control->sampled_bytes) : run_.own_bytes;
    }

    [[nodiscard]] static __device__ bool too_many(std::uint64_t found) {
        return tally_vertices(found) > kPulledQueueMost;
    }

    [[nodiscard]] static __device__ std::uint64_t& next_counter(WaveTally& counted) {
        return kKind == TraversalKind::ShortestPaths ? counted.selected : counted.next;
    }

    /// The queue that was filled becomes the frontier. Returns its tally.
    __device__ std::uint64_t turn_solo() {
        const std::uint64_t next = solo_.next;
        solo_.next = 0;
        solo_.heaviest[solo_.current] = 0;
        solo_.current = 1 - solo_.current;
        if (tally_vertices(next) <= kSoloVertices) {
            solo_.queue[solo_.current].prefix[tally_vertices(next)] = tally_arcs(next);
        }
        return next;
    }

    __device__ void note() {
        LaunchNote& note = run_.host_decides ? run_.doorbell->finished : run_.notes[shared_.state.noted];
        note.frontier = shared_.launch_frontier;
        note.resident_bytes = shared_.launch_resident_bytes;
        note.recommendation = shared_.decision.recommendation;
        note.start_ns = shared_.launch_start;
        note.decided_ns = shared_.decided;
        note.items = shared_.items;
        note.arcs = shared_.arcs;
        note.waves = shared_.waves;
        note.levels = shared_.levels;
        note.groups = shared_.orders.groups;
        const std::uint64_t end = stamp(run_);
        note.end_ns = end;
        shared_.launch_start = end;
    }

    const RunArguments& run_;
    BlockShared& shared_;
    SoloShared& solo_;
};

template <TraversalKind kKind>
__global__ void __launch_bounds__(kBlockLanes, 1) megakernel(const __grid_constant__ RunArguments run) {
    __shared__ BlockShared shared;
    extern __shared__ std::uint64_t dynamic[];
    Megakernel<kKind>(run, shared, *reinterpret_cast<SoloShared*>(dynamic)).run();
}

}  // namespace megabed::gpu
