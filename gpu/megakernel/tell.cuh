#pragma once

#include "gpu/megakernel/block.cuh"
#include "sim/traversals/arc_weight.h"
#include "sim/traversals/fixed_point_rank.h"

/// What one arc does: the vertex at its end is told what the vertex at its beginning held when the wave began.
namespace megabed::gpu {

[[nodiscard]] __device__ inline Vertex original_of(const GraphView& graph, Vertex vertex) {
    return graph.original == nullptr ? vertex : graph.original[vertex];
}

[[nodiscard]] __device__ inline bool has_bit(std::uint32_t* bitmap, Vertex vertex) {
    return (read_shared(bitmap[vertex / 32]) >> vertex % 32 & 1) != 0;
}

/// Sets a bit. True: it was not set.
__device__ inline bool claim_bit(std::uint32_t* bitmap, Vertex vertex) {
    const std::uint32_t bit = 1U << vertex % 32;
    const std::uint32_t before = DeviceWord<std::uint32_t>(bitmap[vertex / 32]).fetch_or(bit);
    return (before & bit) == 0;
}

/// Whether a vertex goes into the output queue for the first time in this wave.
__device__ inline bool claim_queued(const RunArguments& run, std::uint32_t wave, Vertex vertex) {
    return DeviceWord<std::uint32_t>(run.arrays.queued_wave[vertex]).exchange(wave) != wave;
}

/// What an arc offers its end, of what its beginning sends.
template <TraversalKind kKind>
[[nodiscard]] __device__ std::uint64_t offer_of(const RunArguments& run, Vertex from, std::uint64_t sent,
                                                Vertex to) {
    if constexpr (kKind == TraversalKind::ShortestPaths) {
        return distance_over(
            static_cast<std::uint32_t>(sent),
            arc_weight(original_of(run.graph, from), original_of(run.graph, to), run.settings.weight_max));
    } else {
        return sent;
    }
}

/// Whether an offer may change the vertex, by a read that may be late: `accept` says for sure.
template <TraversalKind kKind>
[[nodiscard]] __device__ bool may_accept(const RunArguments& run, const LoopState& state, std::uint64_t offered,
                                         Vertex to) {
    if constexpr (kKind == TraversalKind::BreadthFirst) {
        return !has_bit(run.arrays.visited[state.bitmap], to);
    } else if constexpr (kKind == TraversalKind::PageRank) {
        return offered != 0;
    } else {
        return read_shared(run.arrays.value[to]) > offered;
    }
}

/// Applies an offer. True if the vertex has to go into the output queue: for exactly one offer of a wave.
template <TraversalKind kKind>
[[nodiscard]] __device__ bool accept(const RunArguments& run, const LoopState& state, std::uint64_t offered,
                                     Vertex to) {
    const WaveArrays& arrays = run.arrays;
    const std::uint32_t wave = state.wave + 1;
    if constexpr (kKind == TraversalKind::BreadthFirst) {
        if (!claim_bit(arrays.visited[state.bitmap], to)) {
            return false;
        }
        arrays.value[to] = wave;
        return true;
    } else if constexpr (kKind == TraversalKind::PageRank) {
        const std::uint64_t threshold = residual_threshold(run.settings.tolerance_ppm);
        const std::uint64_t before = DeviceWord<std::uint64_t>(arrays.residual[to]).fetch_add(offered);
        return before <= threshold && before + offered > threshold;
    } else {
        const auto least = static_cast<std::uint32_t>(offered);
        return DeviceWord<std::uint32_t>(arrays.value[to]).fetch_min(least) > least &&
               claim_queued(run, wave, to);
    }
}

/// What a frontier vertex sends in this wave.
template <TraversalKind kKind>
[[nodiscard]] __device__ std::uint64_t sent_by(const RunArguments& run, Vertex vertex) {
    if constexpr (kKind == TraversalKind::BreadthFirst) {
        return 0;
    } else if constexpr (kKind == TraversalKind::PageRank) {
        return read_shared(run.arrays.share[vertex]);
    } else {
        return read_shared(run.arrays.sent[vertex]);
    }
}

/// Fixes what a frontier vertex sends. Wave numbers count from 1.
template <TraversalKind kKind>
__device__ void prepare(const RunArguments& run, std::uint32_t wave, Vertex vertex) {
    const WaveArrays& arrays = run.arrays;
    if constexpr (kKind == TraversalKind::PageRank) {
        const std::uint32_t degree = run.graph.row[vertex + 1] - run.graph.row[vertex];
        const std::uint64_t residual = read_shared(arrays.residual[vertex]);
        arrays.rank[vertex] += residual;
        arrays.residual[vertex] = 0;
        arrays.share[vertex] = degree == 0 ? 0 : share_of(residual, run.settings.damping_bps, degree);
    } else {
        arrays.sent[vertex] = read_shared(arrays.value[vertex]);
    }
    arrays.sent_wave[vertex] = wave;
}

}  // namespace megabed::gpu
