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
    std::uint64_t next;         ///< tally of the one that is being filled
    std::uint32_t heaviest[2];  ///< at least the greatest degree, of each
    std::uint32_t current;      ///< which one holds the frontier
    bool filled;                ///< whether it does, rather than the queue in device memory
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
        solo.heaviest[solo.current] = 0xFFFF'FFFF;  // not known
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

/// Arcs of a lane whose accesses overlap.
inline constexpr std::uint32_t kSoloTogether = 4;

/// Tells the ends of up to four arcs of each lane of a warp; `at` is an arc's place in the columns.
__device__ inline void discover(const RunArguments& run, const LoopState& state, SoloShared& solo,
                                const bool (&open)[kSoloTogether], const std::uint32_t (&at)[kSoloTogether]) {
    const GraphView& graph = run.graph;
    std::uint32_t* const visited = run.arrays.visited[state.bitmap];
    Vertex to[kSoloTogether];
    std::uint32_t before[kSoloTogether];
    std::uint32_t row[kSoloTogether];
    std::uint32_t row_end[kSoloTogether];
#pragma unroll
    for (std::uint32_t arc = 0; arc < kSoloTogether; ++arc) {
        to[arc] = open[arc] ? __ldg(&graph.column[at[arc]]) : 0;
    }
#pragma unroll
    for (std::uint32_t arc = 0; arc < kSoloTogether; ++arc) {
        before[arc] = 0xFFFF'FFFF;
        row[arc] = 0;
        row_end[arc] = 0;
        if (open[arc]) {
            before[arc] = atomicOr(&visited[to[arc] / 32], 1U << to[arc] % 32);
            row[arc] = __ldg(&graph.row[to[arc]]);
            row_end[arc] = __ldg(&graph.row[to[arc] + 1]);
        }
    }
    std::uint64_t own = 0;
    std::uint32_t heaviest = 0;
#pragma unroll
    for (std::uint32_t arc = 0; arc < kSoloTogether; ++arc) {
        const bool found = (before[arc] >> to[arc] % 32 & 1) == 0;
        row_end[arc] = found ? row_end[arc] : row[arc];
        before[arc] = found ? 1 : 0;
        own += found ? tally(1, row_end[arc] - row[arc]) : 0;
        heaviest = max(heaviest, row_end[arc] - row[arc]);
    }
    if (!__any_sync(0xFFFF'FFFFU, own != 0)) {
        return;
    }
    std::uint64_t place = take_places(own, [&](std::uint64_t all) {
        return atomicAdd(reinterpret_cast<unsigned long long*>(&solo.next), all);
    });
    if (heaviest > solo.heaviest[1 - solo.current]) {
        atomicMax(&solo.heaviest[1 - solo.current], heaviest);
    }
    SoloQueue& output = solo.queue[1 - solo.current];
#pragma unroll
    for (std::uint32_t arc = 0; arc < kSoloTogether; ++arc) {
        if (before[arc] == 0) {
            continue;
        }
        const std::uint32_t position = tally_vertices(place);
        const std::uint32_t prefix = tally_arcs(place);
        place += tally(1, row_end[arc] - row[arc]);
        run.arrays.value[to[arc]] = state.wave + 1;
        if (position < kSoloVertices) {
            output.prefix[position] = prefix;
            output.base[position] = row[arc] - prefix;
            output.vertex[position] = to[arc];
        } else {
            run.arrays.queue[1 - state.queue][position] = {to[arc], prefix};
        }
    }
}

/// One level: a vertex a lane where all have few arcs, else an arc a lane. What does not fit the shared queue
/// goes on behind it in device memory: `store_solo` joins the two. All threads of the block call it; those
/// below `lanes` take part. Ends with a barrier of the block.
__device__ inline void push_solo(const RunArguments& run, const LoopState& state, std::uint32_t lanes,
                                 SoloShared& solo) {
    constexpr std::uint32_t kFewArcs = 8;
    const SoloQueue& queue = solo.queue[solo.current];
    const std::uint32_t count = state.frontier.vertices;
    const auto arcs = static_cast<std::uint32_t>(state.frontier.arcs);
    const std::uint32_t heaviest = solo.heaviest[solo.current];
    const std::uint32_t first_lane = threadIdx.x - lane_of_warp();
    if (threadIdx.x < lanes && heaviest <= kFewArcs) {
        for (std::uint32_t first = first_lane; first < count; first += lanes) {
            const std::uint32_t entry = first + lane_of_warp();
            const bool there = entry < count;
            const std::uint32_t begin = there ? queue.prefix[entry] : 0;
            const std::uint32_t end = there ? queue.prefix[entry + 1] : 0;
            const std::uint32_t base = there ? queue.base[entry] : 0;
            for (std::uint32_t done = 0; done < heaviest; done += kSoloTogether) {
                bool open[kSoloTogether];
                std::uint32_t at[kSoloTogether];
#pragma unroll
                for (std::uint32_t arc = 0; arc < kSoloTogether; ++arc) {
                    open[arc] = begin + done + arc < end;
                    at[arc] = base + begin + done + arc;
                }
                discover(run, state, solo, open, at);
            }
        }
    } else if (threadIdx.x < lanes) {
        for (std::uint32_t first = first_lane; first < arcs; first += kSoloTogether * lanes) {
            bool open[kSoloTogether];
            std::uint32_t at[kSoloTogether];
#pragma unroll
            for (std::uint32_t arc = 0; arc < kSoloTogether; ++arc) {
                const std::uint32_t own = first + arc * lanes + lane_of_warp();
                open[arc] = own < arcs;
                at[arc] = open[arc] ? queue.base[row_of_arc(queue.prefix, count, own)] + own : 0;
            }
            discover(run, state, solo, open, at);
        }
    }
    __syncthreads();
}

}  // namespace megabed::gpu
