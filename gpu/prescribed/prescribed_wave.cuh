#pragma once

#include "gpu/megakernel/block.cuh"
#include "gpu/prescribed/prescribed_layout.h"

/// One prescribed wave on the device: how its frontier is made, and how it is expanded by push and by pull.
namespace megabed::gpu {

/// What the threads of a block have in common.
struct PrescribedShared {
    BlockShared block;  ///< of it: orders, decision, run.inputs, barrier_target, failed, begun, state.wave
    PrescribedState state;
    PrescribedEntry entry;   ///< of the wave that comes next, or is under way
    std::uint64_t total[3];  ///< arcs, hits and sum of the block in this wave
    std::uint64_t start;     ///< of the launch
    std::uint64_t making;    ///< of the launch, spent on frontiers
    std::uint64_t items;     ///< of the launch, as the next ones
    std::uint64_t arcs;
    std::uint32_t waves;
    std::uint32_t levels;
    std::uint32_t all_target;  ///< arrivals after which the barrier of all blocks opens
    std::uint32_t launches;    ///< since the kernel's start
    std::uint32_t calls;       ///< orders seen, where the host decides
};

[[nodiscard]] __device__ inline WaveKey key_of(const PrescribedArguments& run, const PrescribedShared& shared) {
    return WaveKey(run.seed, shared.state.wave);
}

/// The frontier of `shared.entry`, as a queue and as a bitmap, by all lanes of `blocks` blocks. Whole blocks
/// call it; others see it behind a barrier.
__device__ inline void make_frontier(const PrescribedArguments& run, const PrescribedShared& shared,
                                     std::uint32_t blocks) {
    const Shuffle order = run.order.with_key(key_of(run, shared).word);
    const std::uint32_t frontier = shared.entry.frontier;
    const std::uint64_t lanes = std::uint64_t{blocks} * blockDim.x;
    const std::uint64_t lane = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
    for (std::uint64_t place = lane; place < frontier; place += lanes) {
        run.arrays.queue[place] = order.at(static_cast<std::uint32_t>(place));
    }
    if (run.arrays.in_frontier == nullptr) {
        return;
    }
    const std::uint64_t vertices = run.graph.vertices;
    for (std::uint64_t first = lane - lane_of_warp(); first < vertices; first += lanes) {
        const std::uint64_t vertex = first + lane_of_warp();
        const bool holds = vertex < vertices && order.place_of(static_cast<std::uint32_t>(vertex)) < frontier;
        const std::uint32_t word = __ballot_sync(0xFFFF'FFFFU, holds);
        if (lane_of_warp() == 0) {
            run.arrays.in_frontier[first / kWarpLanes] = word;
        }
    }
}

/// A block's part of one wave, or of one pass of it: what its lanes find they keep until `add_up`.
class PrescribedExpansion {
public:
    __device__ PrescribedExpansion(const PrescribedArguments& run, PrescribedShared& shared)
        : run_(run),
          shared_(shared),
          key_(key_of(run, shared)),
          degree_(run.graph.degree),
          live_(key_.live_arc(run.graph.degree)),
          takes_part_(threadIdx.x < shared.block.orders.lanes),
          warp_(warp_of_block() * shared.block.orders.blocks + blockIdx.x),
          warps_(shared.block.orders.lanes / kWarpLanes * shared.block.orders.blocks) {}

    /// Sparse, and a batch of a memory-constrained launch: vertices [first, last) of the frontier are shared
    /// out, a few lanes each. Hits are put into the output queue from place `first` on, counted from there; the
    /// first `admitted` of all that were queued are hit at once, the others wait for `admit`.
    __device__ void push_vertices(std::uint64_t first, std::uint64_t last, std::uint64_t admitted) {
        if (!takes_part_) {
            return;
        }
        const Rows rows(degree_);
        for (std::uint64_t from = first + std::uint64_t{warp_} * rows.at_once; from < last;
             from += std::uint64_t{warps_} * rows.at_once) {
            const bool there = from + rows.row < last;
            const std::uint64_t row = there ? std::uint64_t{run_.arrays.queue[from + rows.row]} * degree_ : 0;
            for (std::uint64_t base = 0; base < degree_; base += rows.lanes) {
                const std::uint64_t arc = base + rows.lane;
                const bool looks = there && arc < degree_;
                Vertex to = 0;
                if (looks) {
                    to = look(row + arc);
                }
                if (live_ >= base && live_ - base < rows.lanes) {  // alike in the whole warp
                    queue_hit(looks && arc == live_, to, first, admitted);
                }
            }
        }
    }

    /// Hybrid: the arcs of the frontier are shared out, one a lane.
    __device__ void push_arcs(std::uint64_t frontier, std::uint64_t admitted) {
        if (!takes_part_) {
            return;
        }
        const std::uint64_t arcs = frontier * degree_;
        const std::uint64_t stride = std::uint64_t{warps_} * kWarpLanes;
        std::uint64_t first = std::uint64_t{warp_} * kWarpLanes;  // of the warp
        std::uint64_t place = (first + lane_of_warp()) / degree_;
        std::uint64_t arc = (first + lane_of_warp()) % degree_;
        const std::uint64_t places = stride / degree_;
        const std::uint64_t rest = stride % degree_;
        for (; first < arcs; first += stride) {
            const bool there = first + lane_of_warp() < arcs;
            Vertex to = 0;
            if (there) {
                to = look(std::uint64_t{run_.arrays.queue[place]} * degree_ + arc);
            }
            queue_hit(there && arc == live_, to, 0, admitted);
            place += places;
            arc += rest;
            if (arc >= degree_) {
                arc -= degree_;
                ++place;
            }
        }
    }

    /// An extra pass: hits [first, last) of the output queue, which found no room before.
    __device__ void admit(std::uint64_t first, std::uint64_t last) {
        if (!takes_part_) {
            return;
        }
        for (std::uint64_t at = first + std::uint64_t{warp_} * kWarpLanes + lane_of_warp(); at < last;
             at += std::uint64_t{warps_} * kWarpLanes) {
            hit(run_.arrays.output[at], 1);
        }
    }

    /// Dense: every vertex outside the frontier looks at the first half of its arcs.
    __device__ void pull() {
        if (!takes_part_) {
            return;
        }
        const std::uint32_t looks_at = run_.graph.pulled_arcs();
        const std::uint64_t vertices = run_.graph.vertices;
        const Rows rows(looks_at);
        for (std::uint64_t from = std::uint64_t{warp_} * rows.at_once; from < vertices;
             from += std::uint64_t{warps_} * rows.at_once) {
            const std::uint64_t vertex = from + rows.row;
            const bool there = vertex < vertices && !in_frontier(static_cast<Vertex>(vertex));
            std::uint32_t seen = 0;
            for (std::uint64_t arc = rows.lane; there && arc < looks_at; arc += rows.lanes) {
                seen += in_frontier(run_.arrays.column[vertex * degree_ + arc]) ? 1 : 0;
                ++arcs_;
            }
            __syncwarp();
            for (std::uint32_t step = rows.lanes / 2; step != 0; step /= 2) {
                seen += __shfl_xor_sync(0xFFFF'FFFFU, seen, static_cast<int>(step));
            }
            if (there && rows.lane == 0 && seen != 0) {
                hit(static_cast<Vertex>(vertex), seen);
            }
        }
    }

    /// Adds what the lanes have found to what all blocks count. Requires: the whole block calls it.
    __device__ void add_up() {
        std::uint64_t own[3] = {arcs_, hits_, sum_};
        for (std::uint64_t& value : own) {
            value = warp_sum(value);
        }
        if (threadIdx.x == 0) {
            shared_.total[0] = 0;
            shared_.total[1] = 0;
            shared_.total[2] = 0;
        }
        __syncthreads();
        if (takes_part_ && lane_of_warp() == 0) {
            for (int at = 0; at < 3; ++at) {
                atomicAdd(reinterpret_cast<unsigned long long*>(&shared_.total[at]), own[at]);
            }
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            PrescribedCounts& counts = run_.control->counts;
            add(counts.arcs, shared_.total[0]);
            add(counts.hits, shared_.total[1]);
            add(counts.sum, shared_.total[2]);
        }
    }

private:
    /// How a warp takes rows of that many arcs: as many lanes each as the next power of two, at most all.
    struct Rows {
        __device__ explicit Rows(std::uint32_t arcs) {
            while (lanes < kWarpLanes && lanes < arcs) {
                lanes *= 2;
            }
            at_once = kWarpLanes / lanes;
            row = lane_of_warp() / lanes;
            lane = lane_of_warp() % lanes;
        }
        std::uint32_t lanes = 1;
        std::uint32_t at_once;
        std::uint32_t row;
        std::uint32_t lane;
    };

    static __device__ void add(std::uint64_t& word, std::uint64_t value) {
        if (value != 0) {
            DeviceWord<std::uint64_t>(word).fetch_add(value);
        }
    }
    [[nodiscard]] __device__ bool in_frontier(Vertex vertex) const {
        return (run_.arrays.in_frontier[vertex / kWarpLanes] >> vertex % kWarpLanes & 1) != 0;
    }
    /// A push looks at an arc. Returns its end.
    [[nodiscard]] __device__ Vertex look(std::uint64_t arc) {
        const Vertex to = run_.arrays.column[arc];
        sum_ += run_.arrays.weight[to];
        ++arcs_;
        return to;
    }
    __device__ void hit(Vertex vertex, std::uint32_t times) {
        DeviceWord<std::uint32_t>(run_.arrays.touched[vertex]).fetch_add(1);
        ++hits_;
        sum_ += times * key_.mark(vertex);
    }
    /// The whole warp calls it.
    __device__ void queue_hit(bool found, Vertex vertex, std::uint64_t first, std::uint64_t admitted) {
        const std::uint32_t all = __ballot_sync(0xFFFF'FFFFU, found);
        if (all == 0) {
            return;
        }
        std::uint32_t place = 0;
        if (lane_of_warp() == 0) {
            place = DeviceWord<std::uint32_t>(run_.control->counts.queued)
                        .fetch_add(static_cast<std::uint32_t>(__popc(all)));
        }
        place = __shfl_sync(0xFFFF'FFFFU, place, 0);
        if (found) {
            const std::uint32_t below = all & ((1U << lane_of_warp()) - 1);
            const std::uint64_t own = std::uint64_t{place} + static_cast<std::uint32_t>(__popc(below));
            run_.arrays.output[own - first] = vertex;
            if (own < admitted) {
                hit(vertex, 1);
            }
        }
    }

    const PrescribedArguments& run_;
    PrescribedShared& shared_;
    WaveKey key_;
    std::uint32_t degree_;
    std::uint32_t live_;
    bool takes_part_;
    std::uint32_t warp_;
    std::uint32_t warps_;
    std::uint64_t arcs_ = 0;
    std::uint64_t hits_ = 0;
    std::uint64_t sum_ = 0;
};

}  // namespace megabed::gpu
