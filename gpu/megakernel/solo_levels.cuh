#pragma once

#include "gpu/megakernel/output_queue.cuh"
#include "gpu/megakernel/tell.cuh"

/// Levels whose frontier one block can hold: it stays in shared memory with the rows of its vertices, which
/// were read when the vertices were found, so that a level takes one chain of dependent reads and no barrier
/// between blocks.
namespace megabed::gpu {

inline constexpr std::uint32_t kSoloVertices = 2048;
inline constexpr std::uint32_t kSoloArcs = 8192;

/// A frontier in shared memory.
struct SoloQueue {
    std::uint32_t prefix[kSoloVertices + 1];  ///< arcs of the vertices before; the last closes the last row
    std::uint32_t base[kSoloVertices];        ///< of the row in the columns, less the prefix
    Vertex vertex[kSoloVertices];
};

/// In dynamic shared memory.
struct SoloShared {
    SoloQueue queue[2];
    std::uint64_t next;     ///< tally of the one that is being filled
    std::uint32_t current;  ///< which one holds the frontier
    bool filled;            ///< whether it does, rather than the queue in device memory
};

/// Whether a launch may stay in one block: what it asks for is then an upper bound of what takes part.
[[nodiscard]] __device__ inline bool fits_solo(const LoopState& state, const WaveOrders& orders) {
    const bool pushes = orders.topology == DispatchTopology::SparseFrontier ||
                        orders.topology == DispatchTopology::HybridFrontier ||
                        orders.topology == DispatchTopology::MemoryConstrained;
    return pushes && state.queue_filled && state.frontier.vertices <= kSoloVertices &&
           state.frontier.arcs <= kSoloArcs && state.frontier.arcs <= orders.capacity;
}

/// Takes the frontier over from device memory. All threads of the block call it.
__device__ inline void load_solo(const RunArguments& run, const LoopState& state, SoloShared& solo) {
    SoloQueue& queue = solo.queue[solo.current];
    const QueueEntry* const from = run.arrays.queue[state.queue];
    for (std::uint32_t at = threadIdx.x; at < state.frontier.vertices; at += blockDim.x) {
        const QueueEntry entry = from[at];
        queue.prefix[at] = entry.first_arc;
        queue.base[at] = run.graph.row[entry.vertex] - entry.first_arc;
        queue.vertex[at] = entry.vertex;
    }
    if (threadIdx.x == 0) {
        queue.prefix[state.frontier.vertices] = static_cast<std::uint32_t>(state.frontier.arcs);
        solo.filled = true;
    }
    __syncthreads();
}

/// Gives the frontier back to device memory. All threads of the block call it.
__device__ inline void store_solo(const RunArguments& run, const LoopState& state, SoloShared& solo) {
    const SoloQueue& queue = solo.queue[solo.current];
    QueueEntry* const to = run.arrays.queue[state.queue];
    const std::uint32_t count = min(state.frontier.vertices, kSoloVertices);
    for (std::uint32_t at = threadIdx.x; at < count; at += blockDim.x) {
        to[at] = {queue.vertex[at], queue.prefix[at]};
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        solo.filled = false;
    }
}

/// Reads what the next level will read, so that it is near by when the decision is made: called by threads that
/// wait for it. Changes nothing.
__device__ inline void touch_rows(const RunArguments& run, const LoopState& state, const SoloShared& solo) {
    const SoloQueue& queue = solo.queue[solo.current];
    for (std::uint32_t at = threadIdx.x - kWarpLanes; at < state.frontier.vertices;
         at += blockDim.x - kWarpLanes) {
        const std::uint32_t end = queue.prefix[at + 1];
        constexpr std::uint32_t kTouched = 8;
        for (std::uint32_t arc = queue.prefix[at]; arc < end && arc - queue.prefix[at] < kTouched; ++arc) {
            const Vertex to = __ldg(&run.graph.column[queue.base[at] + arc]);
            std::uint32_t row = __ldg(&run.graph.row[to]) + __ldg(&run.graph.row[to + 1]);
            asm volatile("" : "+r"(row));
        }
    }
}

/// One level. What does not fit the shared queue goes on behind it in device memory: `store_solo` joins the
/// two. All threads of the block call it; those below `lanes` take part. Ends with a barrier of the block.
__device__ inline void push_solo(const RunArguments& run, const LoopState& state, std::uint32_t lanes,
                                 SoloShared& solo) {
    constexpr std::uint32_t kTogether = 4;  // arcs of a lane whose accesses overlap
    const GraphView& graph = run.graph;
    const SoloQueue& queue = solo.queue[solo.current];
    SoloQueue& output = solo.queue[1 - solo.current];
    QueueEntry* const overflow = run.arrays.queue[1 - state.queue];
    std::uint32_t* const visited = run.arrays.visited[state.bitmap];
    const auto arcs = static_cast<std::uint32_t>(state.frontier.arcs);
    const std::uint32_t lane = lane_of_warp();
    if (threadIdx.x < lanes) {
        for (std::uint32_t first = warp_of_block() * kWarpLanes; first < arcs; first += kTogether * lanes) {
            Vertex to[kTogether];
            bool open[kTogether];
            std::uint32_t before[kTogether];
            std::uint32_t row[kTogether];
            std::uint32_t row_end[kTogether];
#pragma unroll
            for (std::uint32_t at = 0; at < kTogether; ++at) {
                const std::uint32_t arc = first + at * lanes + lane;
                open[at] = arc < arcs;
                to[at] = 0;
                if (open[at]) {
                    std::uint32_t entry = 0;
                    for (std::uint32_t count = state.frontier.vertices; count > 1;) {
                        const std::uint32_t half = count / 2;
                        const bool right = queue.prefix[entry + half] <= arc;
                        entry += right ? half : 0;
                        count = right ? count - half : half;
                    }
                    to[at] = __ldg(&graph.column[queue.base[entry] + arc]);
                }
            }
#pragma unroll
            for (std::uint32_t at = 0; at < kTogether; ++at) {
                if (open[at]) {
                    before[at] = atomicOr(&visited[to[at] / 32], 1U << to[at] % 32);
                    row[at] = __ldg(&graph.row[to[at]]);
                    row_end[at] = __ldg(&graph.row[to[at] + 1]);
                }
            }
#pragma unroll
            for (std::uint32_t at = 0; at < kTogether; ++at) {
                const bool found = open[at] && (before[at] >> to[at] % 32 & 1) == 0;
                const std::uint32_t finders = __ballot_sync(0xFFFF'FFFFU, found);
                if (finders == 0) {
                    continue;
                }
                const std::uint32_t own = found ? row_end[at] - row[at] : 0;
                std::uint32_t up_to = own;
                for (std::uint32_t step = 1; step < kWarpLanes; step *= 2) {
                    const std::uint32_t below = __shfl_up_sync(0xFFFF'FFFFU, up_to, step);
                    up_to += lane >= step ? below : 0;
                }
                unsigned long long place = 0;
                if (lane == kWarpLanes - 1) {
                    place = atomicAdd(reinterpret_cast<unsigned long long*>(&solo.next),
                                      static_cast<unsigned long long>(
                                          tally(static_cast<std::uint32_t>(__popc(finders)), up_to)));
                }
                place = __shfl_sync(0xFFFF'FFFFU, place, kWarpLanes - 1);
                if (found) {
                    const std::uint32_t position =
                        tally_vertices(place) +
                        static_cast<std::uint32_t>(__popc(finders & ((1U << lane) - 1)));
                    const std::uint32_t prefix = tally_arcs(place) + up_to - own;
                    run.arrays.value[to[at]] = state.wave + 1;
                    if (position < kSoloVertices) {
                        output.prefix[position] = prefix;
                        output.base[position] = row[at] - prefix;
                        output.vertex[position] = to[at];
                    } else {
                        overflow[position] = {to[at], prefix};
                    }
                }
            }
        }
    }
    __syncthreads();
}

}  // namespace megabed::gpu
