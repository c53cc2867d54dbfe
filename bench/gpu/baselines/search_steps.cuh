#pragma once

#include "bench/gpu/baselines/search_arrays.h"

#include <cooperative_groups.h>
#include <cooperative_groups/scan.h>
#include <cub/block/block_reduce.cuh>

/// The steps that the baselines' kernels are made of. Every function is called by all lanes of all warps of the
/// grid that takes part; a warp is told apart by `WarpPlace`.
namespace megabed::baselines {

using gpu::kWarpLanes;

struct WarpPlace {
    std::uint32_t number = 0;
    std::uint32_t count = 0;  ///< of the grid
};
[[nodiscard]] __device__ inline WarpPlace place_of_warp() {
    const std::uint32_t in_block = blockDim.x / kWarpLanes;
    return {blockIdx.x * in_block + threadIdx.x / kWarpLanes, gridDim.x * in_block};
}
[[nodiscard]] __device__ inline std::uint32_t lane_of_warp() { return threadIdx.x % kWarpLanes; }

inline constexpr std::uint32_t kAllLanes = 0xFFFF'FFFF;

[[nodiscard]] __device__ inline std::uint64_t add(std::uint64_t& to, std::uint64_t value) {
    static_assert(sizeof(unsigned long long) == sizeof(std::uint64_t));
    return atomicAdd(reinterpret_cast<unsigned long long*>(&to), static_cast<unsigned long long>(value));
}

[[nodiscard]] __device__ inline std::uint32_t degree_of(const SearchArrays& it, Vertex vertex) {
    return __ldg(it.row + vertex + 1) - __ldg(it.row + vertex);
}

/// Puts the vertices of those lanes that have one into a queue: one atomic a warp, which gives the places and
/// the number of arcs before them, so that the queue is its own prefix sum. All lanes of a warp call it.
__device__ inline void append(const SearchArrays& it, QueueEntry* queue, SharedTally& tally, bool has_one,
                              Vertex vertex) {
    const std::uint32_t ballot = __ballot_sync(kAllLanes, has_one);
    if (ballot == 0) {
        return;
    }
    const auto warp = cooperative_groups::tiled_partition<kWarpLanes>(cooperative_groups::this_thread_block());
    const std::uint32_t degree = has_one ? degree_of(it, vertex) : 0;
    const std::uint32_t through = cooperative_groups::inclusive_scan(warp, degree);
    const std::uint32_t arcs = warp.shfl(through, kWarpLanes - 1);
    std::uint64_t base = 0;
    if (warp.thread_rank() == 0) {
        base = add(tally.tally, gpu::tally(static_cast<std::uint32_t>(__popc(ballot)), arcs));
    }
    base = warp.shfl(base, 0);
    if (has_one) {
        const auto before =
            static_cast<std::uint32_t>(__popc(ballot & ((std::uint32_t{1} << warp.thread_rank()) - 1)));
        queue[gpu::tally_vertices(base) + before] = {vertex, gpu::tally_arcs(base) + through - degree};
    }
}

/// The last entry whose arcs begin at `arc` or before, by all lanes of a warp: 32 probes at a time.
/// Requires: count > 0; the first entry's arcs begin at 0.
[[nodiscard]] __device__ inline std::uint32_t find_entry(const QueueEntry* queue, std::uint32_t count,
                                                         std::uint32_t arc) {
    std::uint32_t first = 0;
    std::uint32_t length = count;  // the answer lies in [first, first + length)
    while (length > 1) {
        const std::uint32_t step = (length - 1) / kWarpLanes + 1;
        const std::uint64_t offset = std::uint64_t{lane_of_warp()} * step;
        const bool is_before = offset < length && queue[first + offset].first_arc <= arc;
        // Entries ascend, so that the lanes that say yes are the first ones; lane 0 always does.
        const auto steps = static_cast<std::uint32_t>(__popc(__ballot_sync(kAllLanes, is_before)));
        const std::uint32_t skipped = (steps - 1) * step;
        first += skipped;
        length = min(step, length - skipped);
    }
    return first;
}

/// Push: every warp takes an equal share of the frontier's arcs, wherever rows begin and end. Vertices not yet
/// visited get their bit and level, and a place in the next queue.
__device__ inline void push(const SearchArrays& it, const Wave& wave) {
    constexpr std::uint32_t kArcsLeast = 2 * kWarpLanes;  // of a warp's share
    const QueueEntry* const queue = it.queue_of(wave.queue);
    QueueEntry* const output = it.queue_of(1 - wave.queue);
    SharedTally& next = it.next[wave.depth % 3];
    std::uint32_t* const visited = it.visited_of(wave.bitmap);
    const std::uint32_t count = gpu::tally_vertices(wave.frontier);
    const std::uint32_t all = gpu::tally_arcs(wave.frontier);
    const WarpPlace place = place_of_warp();
    const std::uint32_t lane = lane_of_warp();
    if (place.number == 0 && lane == 0) {
        it.next[(wave.depth + 1) % 3].tally = 0;
    }
    const std::uint64_t even = (std::uint64_t{all} + place.count - 1) / place.count;
    const std::uint64_t share =
        (max(even, std::uint64_t{kArcsLeast}) + kWarpLanes - 1) / kWarpLanes * kWarpLanes;
    if (place.number * share >= all) {
        return;
    }
    auto arc = static_cast<std::uint32_t>(place.number * share);
    const auto end = static_cast<std::uint32_t>(min(arc + share, std::uint64_t{all}));
    std::uint32_t entry = find_entry(queue, count, arc);
    while (arc < end) {
        // 32 entries, a lane each; lanes behind the last one hold the end, which no arc reaches.
        std::uint32_t begins = all;
        std::uint32_t base = 0;
        if (entry + lane < count) {
            const QueueEntry own = queue[entry + lane];
            begins = own.first_arc;
            base = __ldg(it.row + own.vertex) - own.first_arc;  // modulo 2^32; the sum below is right again
        }
        const std::uint32_t beyond = entry + kWarpLanes < count ? queue[entry + kWarpLanes].first_arc : all;
        const std::uint32_t stop = min(end, beyond);
        for (std::uint32_t at = 0; at < stop - arc; at += kWarpLanes) {
            const bool mine = lane < stop - arc - at;
            const std::uint32_t own = arc + at + lane;
            std::uint32_t slot = 0;  // the last lane whose arcs begin at `own` or before
#pragma unroll
            for (std::uint32_t step = kWarpLanes / 2; step != 0; step /= 2) {
                const std::uint32_t probe = __shfl_sync(kAllLanes, begins, static_cast<int>(slot + step));
                slot += probe <= own ? step : 0;
            }
            const std::uint32_t from = __shfl_sync(kAllLanes, base, static_cast<int>(slot));
            bool found = false;
            Vertex to = 0;
            if (mine) {
                to = __ldg(it.column + (from + own));
                const std::uint32_t bit = std::uint32_t{1} << to % 32;
                // What other blocks set a moment ago may not show here: then the atomic tells.
                found = (visited[to / 32] & bit) == 0 && (atomicOr(visited + to / 32, bit) & bit) == 0;
                if (found) {
                    it.level[to] = wave.depth + 1;
                }
            }
            append(it, output, next, found, to);
        }
        arc = stop;
        entry += kWarpLanes;
    }
}

/// Whether one of the arcs [arc, end) leads to a visited vertex.
[[nodiscard]] __device__ inline bool finds_visited(const SearchArrays& it, const std::uint32_t* visited,
                                                   std::uint32_t arc, std::uint32_t end) {
    constexpr std::uint32_t kTogether = 4;  // so that their accesses overlap
    while (arc < end) {
        std::uint32_t hit = 0;
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            if (at < end - arc) {
                const Vertex neighbour = __ldg(it.column + arc + at);
                hit |= visited[neighbour / 32] >> neighbour % 32 & 1;
            }
        }
        if (hit != 0) {
            return true;
        }
        arc += min(kTogether, end - arc);
    }
    return false;
}

/// Pull: a warp takes a word of the bitmap, a lane each vertex of it that is not visited yet, and looks for a
/// visited neighbour. As arcs lead both ways, one that was visited before the wave is in the frontier: else an
/// earlier wave had found this vertex. So the wave reads one bitmap and writes the other, all of it.
/// Requires: blocks of kLanes lanes; all of them call it.
template <std::uint32_t kLanes>
__device__ void pull(const SearchArrays& it, const Wave& wave) {
    const std::uint32_t* const before = it.visited_of(wave.bitmap);
    std::uint32_t* const after = it.visited_of(1 - wave.bitmap);
    const WarpPlace place = place_of_warp();
    const std::uint32_t lane = lane_of_warp();
    if (place.number == 0 && lane == 0) {
        it.next[(wave.depth + 1) % 3].tally = 0;
        it.unpacked->tally = 0;
    }
    const std::uint32_t words = (it.vertices - 1) / 32 + 1;
    std::uint64_t found_here = 0;
    for (std::uint32_t word = place.number; word < words; word += place.count) {
        const std::uint32_t old = before[word];
        const Vertex vertex = word * 32 + lane;
        bool found = false;
        if ((old >> lane & 1) == 0 && vertex < it.vertices) {
            const std::uint32_t arc = __ldg(it.row + vertex);
            const std::uint32_t end = __ldg(it.row + vertex + 1);
            found = finds_visited(it, before, arc, end);
            if (found) {
                it.level[vertex] = wave.depth + 1;
                found_here += gpu::tally(1, end - arc);
            }
        }
        const std::uint32_t fresh = __ballot_sync(kAllLanes, found);
        if (lane == 0) {
            after[word] = old | fresh;
        }
    }
    using Reduce = cub::BlockReduce<std::uint64_t, static_cast<int>(kLanes)>;
    __shared__ typename Reduce::TempStorage storage;
    const std::uint64_t all = Reduce(storage).Sum(found_here);
    if (threadIdx.x == 0 && all != 0) {
        (void)add(it.next[wave.depth % 3].tally, all);
    }
}

/// After a pull: the queue of the vertices that the last one found. A warp takes 32 words of the bitmaps.
__device__ inline void queue_of_bitmaps(const SearchArrays& it, const Wave& wave) {
    const std::uint32_t* const now = it.visited_of(wave.bitmap);
    const std::uint32_t* const before = it.visited_of(1 - wave.bitmap);
    const WarpPlace place = place_of_warp();
    const std::uint32_t lane = lane_of_warp();
    const std::uint32_t words = (it.vertices - 1) / 32 + 1;
    for (std::uint32_t first = place.number * kWarpLanes; first < words; first += place.count * kWarpLanes) {
        const std::uint32_t mine = first + lane < words ? now[first + lane] & ~before[first + lane] : 0;
        std::uint32_t filled = __ballot_sync(kAllLanes, mine != 0);
        while (filled != 0) {
            const auto at = static_cast<std::uint32_t>(__ffs(static_cast<int>(filled)) - 1);
            filled &= filled - 1;
            const std::uint32_t fresh = __shfl_sync(kAllLanes, mine, static_cast<int>(at));
            append(it, it.queue_of(wave.queue), *it.unpacked, (fresh >> lane & 1) != 0,
                   (first + at) * 32 + lane);
        }
    }
}

}  // namespace megabed::baselines
