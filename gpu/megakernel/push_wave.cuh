#pragma once

#include "gpu/megakernel/output_queue.cuh"
#include "gpu/megakernel/tell.cuh"

/// Push: the arcs of a frontier queue, spread evenly over the lanes of a block.
namespace megabed::gpu {

/// The last entry of the queue whose arcs begin at `arc` or before. All lanes of the block call it.
[[nodiscard]] __device__ inline std::uint32_t find_entry(BlockShared& shared, const QueueEntry* queue,
                                                         std::uint32_t count, std::uint32_t arc) {
    if (warp_of_block() == 0) {
        std::uint32_t first = 0;
        std::uint32_t length = count;  // the answer lies in [first, first + length)
        while (length > 1) {
            const std::uint32_t step = (length + kWarpLanes - 1) / kWarpLanes;
            const std::uint32_t probe = first + lane_of_warp() * step;
            const bool before = lane_of_warp() * step < length && queue[probe].first_arc <= arc;
            const auto steps = static_cast<std::uint32_t>(__popc(__ballot_sync(kWholeWarp, before)));
            const std::uint32_t skipped = (max(steps, 1U) - 1) * step;
            first += skipped;
            length = min(step, length - skipped);
        }
        if (lane_of_warp() == 0) {
            shared.found = first;
        }
    }
    __syncthreads();
    return shared.found;
}

/// Tells the ends of arcs [arc, end) of the queue, whose entry `position` holds the first. All lanes of the
/// block call it; those below `lanes` take part.
template <TraversalKind kKind>
__device__ void push_arcs(const RunArguments& run, BlockShared& shared, WaveTally& counts, QueueEntry* output,
                          std::uint32_t position, std::uint32_t arc, std::uint32_t end) {
    const LoopState& state = shared.state;
    const QueueEntry* const queue = run.arrays.queue[state.queue];
    const std::uint32_t count = state.frontier.vertices;
    const auto all_arcs = static_cast<std::uint32_t>(state.frontier.arcs);
    const std::uint32_t lanes = shared.orders.lanes;
    while (arc < end) {
        // As many entries as there is room for, whatever the lanes: light rows have few arcs each.
        const std::uint32_t loaded = min(min(kBlockLanes, end - arc), count - position);
        for (std::uint32_t at = threadIdx.x < lanes ? threadIdx.x : loaded; at < loaded; at += lanes) {
            const QueueEntry entry = queue[position + at];
            shared.tile.prefix[at] = entry.first_arc;
            shared.tile.base[at] = run.graph.row[entry.vertex] - entry.first_arc;
            shared.tile.from[at] = entry.vertex;
            if constexpr (kKind != TraversalKind::BreadthFirst) {
                shared.tile.sent[at] = sent_by<kKind>(run, entry.vertex);
            }
        }
        if (threadIdx.x == 0) {
            shared.tile.prefix[loaded] =
                position + loaded < count ? queue[position + loaded].first_arc : all_arcs;
        }
        __syncthreads();
        const std::uint32_t stop = min(end, shared.tile.prefix[loaded]);
        if (threadIdx.x < lanes) {
            constexpr std::uint32_t kTogether = 4;  // arcs of a lane whose accesses overlap
            for (std::uint32_t first = arc + threadIdx.x - lane_of_warp(); first < stop;
                 first += kTogether * lanes) {
                Vertex to[kTogether];
                std::uint64_t offered[kTogether];
                bool accepts[kTogether];
#pragma unroll
                for (std::uint32_t at = 0; at < kTogether; ++at) {
                    const std::uint32_t own = first + at * lanes + lane_of_warp();
                    accepts[at] = own < stop;
                    to[at] = 0;
                    offered[at] = 0;
                    if (accepts[at]) {
                        const std::uint32_t entry = row_of_arc(shared.tile.prefix, loaded, own);
                        to[at] = run.graph.column[shared.tile.base[entry] + own];
                        offered[at] = kKind == TraversalKind::BreadthFirst
                                          ? 0
                                          : offer_of<kKind>(run, shared.tile.from[entry],
                                                            shared.tile.sent[entry], to[at]);
                    }
                }
#pragma unroll
                for (std::uint32_t at = 0; at < kTogether; ++at) {
                    accepts[at] = accepts[at] && may_accept<kKind>(run, state, offered[at], to[at]);
                }
#pragma unroll
                for (std::uint32_t at = 0; at < kTogether; ++at) {
                    accepts[at] = accepts[at] && accept<kKind>(run, state, offered[at], to[at]);
                }
                enqueue(run, output, counts.next, accepts, to);
            }
        }
        arc = stop;
        position += loaded;
        __syncthreads();
    }
}

/// Sparse: every block has as many frontier vertices, whatever their arcs.
template <TraversalKind kKind>
__device__ void push_vertices(const RunArguments& run, BlockShared& shared, WaveTally& counts,
                              QueueEntry* output) {
    const std::uint64_t count = shared.state.frontier.vertices;
    const QueueEntry* const queue = run.arrays.queue[shared.state.queue];
    const auto first = static_cast<std::uint32_t>(count * blockIdx.x / shared.orders.blocks);
    const auto last = static_cast<std::uint32_t>(count * (blockIdx.x + 1) / shared.orders.blocks);
    if (first == last) {
        return;
    }
    const std::uint32_t end =
        last < count ? queue[last].first_arc : static_cast<std::uint32_t>(shared.state.frontier.arcs);
    push_arcs<kKind>(run, shared, counts, output, first, queue[first].first_arc, end);
}

/// Hybrid, and a batch of a memory-constrained launch: every block has as many arcs of [first, last), so that
/// heavy rows are shared.
template <TraversalKind kKind>
__device__ void push_arc_tiles(const RunArguments& run, BlockShared& shared, WaveTally& counts,
                               QueueEntry* output, std::uint64_t first, std::uint64_t last) {
    const std::uint64_t length = last - first;
    const auto arc = static_cast<std::uint32_t>(first + length * blockIdx.x / shared.orders.blocks);
    const auto end = static_cast<std::uint32_t>(first + length * (blockIdx.x + 1) / shared.orders.blocks);
    if (arc == end) {
        return;
    }
    const std::uint32_t position =
        find_entry(shared, run.arrays.queue[shared.state.queue], shared.state.frontier.vertices, arc);
    push_arcs<kKind>(run, shared, counts, output, position, arc, end);
}

}  // namespace megabed::gpu
