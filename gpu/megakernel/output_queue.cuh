#pragma once

#include "gpu/megakernel/block.cuh"

/// The queue of what a wave finds. It admits as many entries as the launch's hit capacity; what finds no room
/// waits behind them, where it has its place already, and every extra pass admits as many again: nothing is
/// lost.
namespace megabed::gpu {

struct Placed {
    std::uint32_t position = 0;
    std::uint32_t first_arc = 0;
};

/// Takes places for the lanes of a warp that have `found` something, in one atomic add.
/// Requires: the whole warp calls it; `found` in at least one lane.
[[nodiscard]] __device__ inline Placed take_places(std::uint64_t& counter, std::uint32_t finders, bool found,
                                                   std::uint32_t degree) {
    const std::uint32_t lane = lane_of_warp();
    const std::uint32_t own = found ? degree : 0;
    std::uint32_t up_to = own;
    for (std::uint32_t step = 1; step < kWarpLanes; step *= 2) {
        const std::uint32_t below = __shfl_up_sync(0xFFFF'FFFFU, up_to, step);
        up_to += lane >= step ? below : 0;
    }
    const std::uint32_t arcs = __shfl_sync(0xFFFF'FFFFU, up_to, kWarpLanes - 1);
    std::uint64_t first = 0;
    if (lane == 0) {
        first = DeviceWord<std::uint64_t>(counter).fetch_add(
            tally(static_cast<std::uint32_t>(__popc(finders)), arcs), cuda::memory_order_relaxed);
    }
    first = __shfl_sync(0xFFFF'FFFFU, first, 0);
    const auto before = static_cast<std::uint32_t>(__popc(finders & ((1U << lane) - 1)));
    return {tally_vertices(first) + before, tally_arcs(first) + up_to - own};
}

[[nodiscard]] __device__ inline std::uint32_t degree_of(const GraphView& graph, Vertex vertex) {
    return graph.row[vertex + 1] - graph.row[vertex];
}

/// Puts what the lanes of a warp have found into the queue. Requires: the whole warp calls it.
__device__ inline void enqueue(const RunArguments& run, QueueEntry* queue, WaveTally& counts, bool found,
                               Vertex vertex) {
    const std::uint32_t finders = __ballot_sync(0xFFFF'FFFFU, found);
    if (finders == 0) {
        return;
    }
    const std::uint32_t degree = found ? degree_of(run.graph, vertex) : 0;
    const Placed place = take_places(counts.next, finders, found, degree);
    if (found) {
        queue[place.position] = {vertex, place.first_arc};
    }
}

}  // namespace megabed::gpu
