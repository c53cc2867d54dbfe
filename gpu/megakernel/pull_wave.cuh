#pragma once

#include "gpu/megakernel/output_queue.cuh"
#include "gpu/megakernel/tell.cuh"

/// Pull: every vertex that may still change looks for neighbours in the frontier. A warp takes the 32 vertices
/// of one word of a bitmap, a lane each.
namespace megabed::gpu {

/// Warps that take part in a wave, all blocks together, and which one this is.
struct WarpPlace {
    std::uint32_t number = 0;
    std::uint32_t count = 0;
};
[[nodiscard]] __device__ inline WarpPlace place_of_warp(const BlockShared& shared) {
    const std::uint32_t in_block = shared.orders.lanes / kWarpLanes;
    return {warp_of_block() * shared.orders.blocks + blockIdx.x, in_block * shared.orders.blocks};
}

/// Whether a vertex has a visited neighbour among the arcs from `arc` on.
[[nodiscard]] __device__ inline bool finds_visited(const GraphView& graph, const std::uint32_t* visited,
                                                   Vertex vertex, std::uint32_t arc, std::uint32_t end,
                                                   std::uint32_t& inspected) {
    constexpr std::uint32_t kTogether = 4;
    for (; arc < end; arc += kTogether) {
        std::uint32_t hit = 0;
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            const Vertex neighbour = arc + at < end ? graph.column[arc + at] : vertex;
            hit |= visited[neighbour / 32] >> neighbour % 32 & 1;
        }
        inspected += kTogether;
        if (hit != 0) {
            return true;
        }
    }
    return false;
}

/// Words of a bitmap that a warp takes at a time, so that their accesses overlap. Bitmaps are padded to whole
/// ones.
inline constexpr std::uint32_t kWordsTogether = 4;
struct alignas(16) WordGroup {
    std::uint32_t word[kWordsTogether];
};

/// Levels. A vertex that is not visited and has a visited neighbour has it in the frontier, since otherwise an
/// earlier wave had found the vertex: so the test reads the bitmap of the visited as it was before the wave,
/// and writes another. Counts the next frontier, but makes no queue of it.
static __device__ __noinline__ void pull_levels(BlockShared& shared, WaveTally& counts) {
    __builtin_assume(__isShared(&shared));
    __builtin_assume(__isGlobal(&counts));
    const RunArguments& run = shared.run;
    QueueEntry* const output = run.arrays.queue[1 - shared.state.queue];
    // Where most of the graph is within reach, taking places would only cost time.
    constexpr std::uint64_t kShare = 8;
    const GraphView graph = run.graph;
    bool is_small = shared.state.frontier.arcs < graph.arcs / kShare;
    const LoopState& state = shared.state;
    std::uint32_t* const value = run.arrays.value;
    const std::uint32_t level = state.wave + 1;
    const std::uint32_t* const before = run.arrays.visited[state.bitmap];
    const auto* const groups_before = reinterpret_cast<const WordGroup*>(before);
    auto* const groups_after = reinterpret_cast<WordGroup*>(run.arrays.visited[1 - state.bitmap]);
    const std::uint32_t groups = (graph.with_arcs + 32 * kWordsTogether - 1) / (32 * kWordsTogether);
    const std::uint32_t lane = lane_of_warp();
    const WarpPlace place = place_of_warp(shared);
    std::uint64_t found_tally = 0;
    std::uint32_t inspected = 0;
    if (threadIdx.x < shared.orders.lanes) {
        for (std::uint32_t group = place.number; group < groups; group += place.count) {
            WordGroup words = groups_before[group];
            const Vertex first = group * 32 * kWordsTogether + lane;
            bool open[kWordsTogether];
            bool any = false;
#pragma unroll
            for (std::uint32_t at = 0; at < kWordsTogether; ++at) {
                const Vertex vertex = first + at * 32;
                open[at] = (words.word[at] >> lane & 1) == 0 && vertex < graph.with_arcs;
                any = any || open[at];
            }
            if (__any_sync(kWholeWarp, any)) {
                // Two words at a time, step by step, so that their accesses overlap.
                constexpr std::uint32_t kPair = 2;
#pragma unroll
                for (std::uint32_t pair = 0; pair < kWordsTogether; pair += kPair) {
                    const Vertex own = first + pair * 32;
                    RowHead head[kPair];
#pragma unroll
                    for (std::uint32_t at = 0; at < kPair; ++at) {
                        if (open[pair + at]) {
                            head[at] = graph.head[own + at * 32];
                        }
                    }
                    bool found[kPair];
                    std::uint32_t degree[kPair];
#pragma unroll
                    for (std::uint32_t at = 0; at < kPair; ++at) {
                        const Vertex vertex = own + at * 32;
                        found[at] = false;
                        degree[at] = 0;
                        if (open[pair + at]) {
                            degree[at] = degree_of_row(head[at], vertex);
                            const bool whole = is_whole_row(head[at]);
                            std::uint32_t hits = 0;
#pragma unroll
                            for (std::uint32_t arc = 0; arc < kWholeRowMost; ++arc) {
                                const Vertex neighbour =
                                    whole || arc < kHeadOfLonger ? head[at].at[arc] : vertex;
                                hits |= before[neighbour / 32] >> neighbour % 32 & 1;
                            }
                            inspected += whole ? kWholeRowMost : kHeadOfLonger;
                            found[at] = hits != 0;
                        }
                    }
#pragma unroll
                    for (std::uint32_t at = 0; at < kPair; ++at) {
                        const Vertex vertex = own + at * 32;
                        if (!found[at] && degree[at] > kWholeRowMost) {
                            const std::uint32_t begin = begin_of_row(head[at]);
                            found[at] = finds_visited(graph, before, vertex, begin + kHeadOfLonger,
                                                      begin + degree[at], inspected);
                        }
                        if (found[at]) {
                            found_tally += tally(1, degree[at]);
                            value[vertex] = level;
                        }
                        const std::uint32_t finders = __ballot_sync(kWholeWarp, found[at]);
                        words.word[pair + at] |= finders;
                        if (finders != 0 && is_small) {
                            const std::uint64_t at_place =
                                take_places(found[at] ? tally(1, degree[at]) : 0, counts.selected);
                            const bool fits = tally_vertices(at_place) < kPulledQueueMost;
                            is_small = __all_sync(kWholeWarp, !found[at] || fits);
                            if (found[at] && fits) {
                                output[tally_vertices(at_place)] = {vertex, tally_arcs(at_place)};
                            }
                        }
                    }
                }
            }
            if (lane == 0) {
                groups_after[group] = words;
            }
        }
    }
    count_block(shared, counts, found_tally, inspected);
}

/// After a pull of levels: puts the frontier, the difference of the two bitmaps, into the queue.
__device__ inline void collect_frontier(const RunArguments& run, BlockShared& shared, WaveTally& counts) {
    const GraphView& graph = run.graph;
    const LoopState& state = shared.state;
    const std::uint32_t words = (graph.vertices + 31) / 32;
    const std::uint32_t lane = lane_of_warp();
    const WarpPlace place = place_of_warp(shared);
    QueueEntry* const queue = run.arrays.queue[state.queue];
    if (threadIdx.x >= shared.orders.lanes) {
        return;
    }
    for (std::uint32_t word = place.number; word < words; word += place.count) {
        const std::uint32_t bits =
            run.arrays.visited[state.bitmap][word] & ~run.arrays.visited[1 - state.bitmap][word];
        enqueue(run, queue, counts.selected, (bits >> lane & 1) != 0, word * 32 + lane);
    }
}

/// What a row of arcs comes to: the sum of the shares, or the least that is offered.
template <TraversalKind kKind>
[[nodiscard]] __device__ std::uint64_t gather(const RunArguments& run, std::uint32_t wave, Vertex vertex,
                                              std::uint32_t arc, std::uint32_t end, std::uint32_t stride) {
    std::uint64_t result = kKind == TraversalKind::PageRank ? 0 : std::uint64_t{kUnreached};
    for (; arc < end; arc += stride) {
        const Vertex neighbour = run.graph.column[arc];
        if (run.arrays.sent_wave[neighbour] != wave) {
            continue;
        }
        if constexpr (kKind == TraversalKind::PageRank) {
            result += run.arrays.share[neighbour];
        } else if constexpr (kKind == TraversalKind::Components) {
            result = min(result, std::uint64_t{run.arrays.sent[neighbour]});
        } else {
            const std::uint32_t weight = arc_weight(original_of(run.graph, neighbour),
                                                    original_of(run.graph, vertex), run.settings.weight_max);
            result = min(result, std::uint64_t{distance_over(run.arrays.sent[neighbour], weight)});
        }
    }
    return result;
}

/// Whether a vertex changes by what (part of) its row came to, so that it has to go into the output queue.
template <TraversalKind kKind>
[[nodiscard]] __device__ bool takes(const RunArguments& run, const LoopState& state, Vertex vertex,
                                    std::uint64_t offered) {
    return may_accept<kKind>(run, state, offered, vertex) && accept<kKind>(run, state, offered, vertex);
}

/// Whether a vertex may still change: shortest paths settle bucket by bucket.
template <TraversalKind kKind>
[[nodiscard]] __device__ bool may_change(const RunArguments& run, const BlockShared& shared, Vertex vertex) {
    if constexpr (kKind == TraversalKind::ShortestPaths) {
        return read_shared(run.arrays.value[vertex]) > shared.state.bucket * run.settings.delta;
    } else {
        return true;
    }
}

/// Distances, labels and ranks. A lane reads a short row; long ones are cut into tiles, which warps take in
/// turn.
template <TraversalKind kKind>
static __device__ __noinline__ void pull_values(BlockShared& shared, WaveTally& counts, QueueEntry* output) {
    __builtin_assume(__isShared(&shared));
    __builtin_assume(__isGlobal(&counts));
    const RunArguments& run = shared.run;
    const GraphView graph = run.graph;
    const std::uint32_t wave = shared.state.wave + 1;
    const std::uint32_t lane = lane_of_warp();
    const WarpPlace place = place_of_warp(shared);
    const std::uint32_t words = (graph.vertices + 31) / 32;
    std::uint64_t inspected = 0;
    if (threadIdx.x < shared.orders.lanes) {
        for (std::uint32_t word = place.number; word < words; word += place.count) {
            const Vertex vertex = word * 32 + lane;
            const bool there = vertex < graph.vertices;
            const std::uint32_t arc = there ? graph.row[vertex] : 0;
            const std::uint32_t end = there ? graph.row[vertex + 1] : 0;
            const bool wanted =
                end != arc && end - arc < kLongRowArcs && may_change<kKind>(run, shared, vertex);
            inspected += wanted ? end - arc : 0;
            const std::uint64_t offered = wanted ? gather<kKind>(run, wave, vertex, arc, end, 1) : 0;
            enqueue(run, output, counts.next, wanted && takes<kKind>(run, shared.state, vertex, offered),
                    vertex);
        }
        for (std::uint32_t at = place.number; at < graph.tiles; at += place.count) {
            const RowTile tile = graph.tile[at];
            if (!may_change<kKind>(run, shared, tile.vertex)) {
                continue;
            }
            std::uint64_t offered =
                gather<kKind>(run, wave, tile.vertex, tile.first_arc + lane, tile.end_arc, kWarpLanes);
            for (int step = kWarpLanes / 2; step != 0; step /= 2) {
                const std::uint64_t other = __shfl_xor_sync(kWholeWarp, offered, step);
                offered = kKind == TraversalKind::PageRank ? offered + other : min(offered, other);
            }
            inspected += lane == 0 ? tile.end_arc - tile.first_arc : 0;
            const bool found = lane == 0 && takes<kKind>(run, shared.state, tile.vertex, offered);
            enqueue(run, output, counts.next, found, tile.vertex);
        }
    }
    count_block(shared, counts, 0, inspected);
}

}  // namespace megabed::gpu
