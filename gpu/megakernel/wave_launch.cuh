#pragma once

#include "gpu/megakernel/launch_control.cuh"
#include "gpu/megakernel/pull_wave.cuh"
#include "gpu/megakernel/push_wave.cuh"

namespace megabed::gpu {

/// A wave that pushes, with its extra passes, each behind a barrier. Returns the passes. A function of its own,
/// so that other code has its registers to itself.
template <TraversalKind kKind>
static __device__ __noinline__ std::uint32_t push_wave(BlockShared& shared, WaveTally& counts,
                                                       QueueEntry* output) {
    __builtin_assume(__isShared(&shared));
    __builtin_assume(__isGlobal(&counts));
    const RunArguments& run = shared.run;
    const std::uint64_t arcs = shared.state.frontier.arcs;
    const std::uint64_t capacity = shared.orders.capacity;
    const DispatchTopology topology = shared.orders.topology;
    std::uint32_t passes = 1;
    if (topology == DispatchTopology::MemoryConstrained) {
        for (std::uint64_t first = 0; first < arcs && shared.failed == 0; first += capacity) {
            push_arc_tiles<kKind>(run, shared, counts, output, first, min(first + capacity, arcs));
            wait_for_blocks(run, shared);
            passes += first == 0 ? 0 : 1;
        }
        if (arcs == 0) {
            wait_for_blocks(run, shared);
        }
    } else {
        if (topology == DispatchTopology::HybridFrontier) {
            push_arc_tiles<kKind>(run, shared, counts, output, 0, arcs);
        } else {
            push_vertices<kKind>(run, shared, counts, output);
        }
        wait_for_blocks(run, shared);
    }
    const std::uint32_t found = tally_vertices(read_shared(counts.next));
    for (std::uint64_t admitted = capacity; admitted < found && shared.failed == 0; admitted += capacity) {
        wait_for_blocks(run, shared);
        ++passes;
    }
    return passes;
}

/// One launch by all blocks that take part in it: a wave, or several where they are fused.
template <TraversalKind kKind, class Decider>
class WaveLaunch {
public:
    explicit __device__ WaveLaunch(BlockShared& shared) : run_(shared.run), shared_(shared), control_(shared) {}

    __device__ void run() {
        if (blockIdx.x == 0 && threadIdx.x == kBlockLanes - 1) {
            control_.begin_note();
        }
        const std::uint32_t waves_max = shared_.orders.waves_max;
        for (std::uint32_t wave = 1;; ++wave) {
            const std::uint32_t passes = expand();
            __syncthreads();  // all have read state, orders and counts
            if (threadIdx.x == 0) {
                control_.conclude_wave(passes);
            }
            if (wave == waves_max) {
                return;
            }
            __syncthreads();
            const bool is_over = shared_.state.frontier.vertices == 0 || shared_.failed != 0;
            __syncthreads();
            if (is_over) {
                return;
            }
        }
    }

private:
    [[nodiscard]] __device__ bool leads() const { return blockIdx.x == 0 && threadIdx.x == 0; }
    [[nodiscard]] __device__ WaveTally& counts() const { return run_.control->tally[shared_.state.wave % 3]; }

    /// One wave. Returns its passes.
    __device__ std::uint32_t expand() {
        const RunArguments& run = run_;
        if (leads()) {
            await_leavers(run, shared_);
            shared_.leavers_before = shared_.leavers;
            run.control->tally[(shared_.state.wave + 1) % 3] = {};
            if (run.co_tenants) {
                counts().sampled_bytes = resident_bytes(run);
            }
        }
        std::uint32_t passes = 1;
        if constexpr (kKind == TraversalKind::BreadthFirst) {
            if (pulls(shared_.orders.topology)) {
                pull_levels(shared_, counts());
                wait_for_blocks(run, shared_);
                return passes;
            }
            if (!shared_.state.queue_filled) {
                collect_frontier(run, shared_, counts());
                wait_for_blocks(run, shared_);
            }
            passes = push_wave<kKind>(shared_, counts(), run.arrays.queue[1 - shared_.state.queue]);
        } else {
            prepare_frontier();
            wait_for_blocks(run, shared_);
            QueueEntry* const output = kKind == TraversalKind::ShortestPaths
                                           ? run.arrays.changed
                                           : run.arrays.queue[1 - shared_.state.queue];
            if (pulls(shared_.orders.topology)) {
                pull_values<kKind>(shared_, counts(), output);
                wait_for_blocks(run, shared_);
            } else {
                passes = push_wave<kKind>(shared_, counts(), output);
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
        if (__any_sync(kWholeWarp, first)) {
            (void)take_places(first ? tally(1, degree_of(run_.graph, vertex)) : 0, counts().first_held);
        }
    }

    /// Calls body(whether there is one, a vertex that waits) with whole warps, once for each vertex that waits.
    /// A lane takes the vertices of some words of the bitmap, so that a step passes over most of those that do
    /// not.
    template <class Body>
    __device__ void each_waiting(Body body) {
        constexpr std::uint32_t kTogether = 4;  // words of a lane whose accesses overlap
        const std::uint32_t words = (run_.graph.vertices + 31) / 32;
        each_entry((words + kTogether - 1) / kTogether, [&](std::uint32_t at, bool there) {
            std::uint32_t waiting[kTogether];
#pragma unroll
            for (std::uint32_t own = 0; own < kTogether; ++own) {
                const std::uint32_t word = at * kTogether + own;
                waiting[own] = there && word < words ? read_shared(run_.arrays.waiting[word]) : 0;
            }
#pragma unroll
            for (std::uint32_t own = 0; own < kTogether; ++own) {
                while (__any_sync(kWholeWarp, waiting[own] != 0)) {
                    const bool waits = waiting[own] != 0;
                    const auto bit = static_cast<std::uint32_t>(__ffs(static_cast<int>(waiting[own]))) - 1;
                    waiting[own] &= waiting[own] - 1;
                    body(waits, waits ? (at * kTogether + own) * 32 + bit : 0);
                }
            }
        });
    }

    __device__ void open_bucket() {
        std::uint32_t least = kUnreached;
        each_waiting([&](bool waits, Vertex vertex) {
            least = waits ? min(least, read_shared(run_.arrays.value[vertex])) : least;
        });
        for (int step = kWarpLanes / 2; step != 0; step /= 2) {
            least = min(least, __shfl_xor_sync(kWholeWarp, least, step));
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
        each_waiting([&](bool waits, Vertex vertex) {
            const bool chosen = waits && read_shared(run_.arrays.value[vertex]) / run_.settings.delta == bucket;
            if (chosen) {
                drop_bit(vertex);
            }
            select(chosen, vertex);
            hold(chosen, vertex);
        });
        wait_for_blocks(run_, shared_);
        if (threadIdx.x == 0) {
            shared_.state.bucket = bucket;
        }
        __syncthreads();
    }

    const RunArguments& run_;
    BlockShared& shared_;
    LaunchControl<kKind, Decider> control_;
};

/// The same as a function of its own, so that the kernel's other code has its registers to itself.
template <TraversalKind kKind, class Decider>
static __device__ __noinline__ void run_launch(BlockShared& shared) {
    __builtin_assume(__isShared(&shared));
    WaveLaunch<kKind, Decider>(shared).run();
}

}  // namespace megabed::gpu
