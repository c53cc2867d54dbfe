#pragma once

#include "gpu/megakernel/block.cuh"

/// The queue of what a wave finds. It admits as many entries as the launch's hit capacity; what finds no room
/// waits behind them, where it has its place already, and every extra pass admits as many again: nothing is
/// lost.
namespace megabed::gpu {

/// A pull of levels makes a queue of no more vertices than this.
inline constexpr std::uint32_t kPulledQueueMost = 1U << 14;

[[nodiscard]] __device__ inline std::uint32_t degree_of(const GraphView& graph, Vertex vertex) {
    return graph.row[vertex + 1] - graph.row[vertex];
}

/// Which of `count` rows an arc belongs to, by the arcs before each. Requires: prefix[0] <= arc, and the last
/// row holds all arcs that the others do not.
[[nodiscard]] __device__ inline std::uint32_t row_of_arc(const std::uint32_t* prefix, std::uint32_t count,
                                                         std::uint32_t arc) {
    std::uint32_t first = 0;
    while (count > 1) {
        const std::uint32_t half = count / 2;
        const bool right = prefix[first + half] <= arc;
        first += right ? half : 0;
        count = right ? count - half : half;
    }
    return first;
}

/// Takes places for what the lanes of a warp have found, each its own tally, in one atomic add: `add` does it
/// and returns what was there before. Returns the first place of the lane. Requires: the whole warp calls it.
template <class Add>
[[nodiscard]] __device__ std::uint64_t take_places(std::uint64_t own, Add add) {
    const std::uint64_t up_to = warp_sum_up_to(own);
    std::uint64_t first = 0;
    if (lane_of_warp() == kWarpLanes - 1 && up_to != 0) {
        first = add(up_to);
    }
    return __shfl_sync(kWholeWarp, first, kWarpLanes - 1) + up_to - own;
}
[[nodiscard]] __device__ inline std::uint64_t take_places(std::uint64_t own, std::uint64_t& counter) {
    return take_places(own,
                       [&](std::uint64_t all) { return DeviceWord<std::uint64_t>(counter).fetch_add(all); });
}

/// Puts what the lanes of a warp have found into a queue. Requires: the whole warp calls it.
template <std::uint32_t kCount>
__device__ void enqueue(const RunArguments& run, QueueEntry* queue, std::uint64_t& counter,
                        const bool (&found)[kCount], const Vertex (&vertex)[kCount]) {
    bool any = false;
#pragma unroll
    for (std::uint32_t at = 0; at < kCount; ++at) {
        any = any || found[at];
    }
    if (!__any_sync(kWholeWarp, any)) {
        return;
    }
    std::uint32_t degree[kCount];
    std::uint64_t own = 0;
#pragma unroll
    for (std::uint32_t at = 0; at < kCount; ++at) {
        degree[at] = found[at] ? degree_of(run.graph, vertex[at]) : 0;
        own += found[at] ? tally(1, degree[at]) : 0;
    }
    std::uint64_t place = take_places(own, counter);
#pragma unroll
    for (std::uint32_t at = 0; at < kCount; ++at) {
        if (found[at]) {
            queue[tally_vertices(place)] = {vertex[at], tally_arcs(place)};
            place += tally(1, degree[at]);
        }
    }
}
__device__ inline void enqueue(const RunArguments& run, QueueEntry* queue, std::uint64_t& counter, bool found,
                               Vertex vertex) {
    const bool each_found[1] = {found};
    const Vertex each[1] = {vertex};
    enqueue(run, queue, counter, each_found, each);
}

}  // namespace megabed::gpu
