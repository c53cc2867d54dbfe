#pragma once

#include "gpu/megakernel/launch_control.cuh"
#include "gpu/megakernel/solo_levels.cuh"

/// Launches that the leader carries out alone, until one is decided that is for more, or the end. Warp 0 and
/// the crew have functions of their own, and so their own registers; they meet twice a level: before the level
/// is concluded, and before the next is claimed.
namespace megabed::gpu {

/// Where the levels of a block lie, apart from BlockShared.
struct SoloMemory {
    SoloShared& fixed;
    unsigned char* dynamic;  ///< SoloArrays::bytes
};

[[nodiscard]] __device__ inline SoloLevels levels_of(BlockShared& shared, const SoloMemory& memory) {
    const RunArguments& run = shared.run;
    return {run, memory.fixed, shared.solo, SoloArrays(memory.dynamic, run.solo_vertices, run.solo_words)};
}

/// Whether the frontier goes back to device memory when the leader is alone no longer.
[[nodiscard]] __device__ inline bool hands_back(const WaveOrders& orders) {
    return orders.stop != StopReason::Done;
}

/// The crew's part.
static __device__ __noinline__ void follow_solo(BlockShared& shared, SoloShared& fixed,
                                                unsigned char* dynamic) {
    __builtin_assume(__isShared(&shared));
    __builtin_assume(__isShared(&fixed));
    __builtin_assume(__isShared(dynamic));
    SoloLevels levels = levels_of(shared, {fixed, dynamic});
    levels.load(shared.state);
    levels.look_ahead();
    do {
        levels.claim_level(shared.orders.lanes);
        SoloLevels::meet();
        levels.turn();
        levels.look_ahead();
        SoloLevels::meet();
    } while (shared.orders.solo);
    if (hands_back(shared.orders)) {
        levels.store(shared.state, !pulls(shared.orders.topology));
        SoloLevels::meet();
    }
}

/// Warp 0's part, nearly all of it thread 0's.
template <TraversalKind kKind, class Decider>
__device__ void lead_solo(BlockShared& shared, const SoloMemory& memory) {
    LaunchControl<kKind, Decider> control(shared);
    SoloLevels levels = levels_of(shared, memory);
    levels.load(shared.state);
    bool counts_cleared = false;
    do {
        if (threadIdx.x == 0) {
            control.begin_note();
            shared.state.resident_bytes = resident_bytes(shared.run);
            counts_cleared = counts_cleared || control.clear_counts();
        }
        SoloLevels::meet();
        levels.turn();
        if (threadIdx.x == 0) {
            control.conclude_level(levels.tally().vertices, levels.tally().arcs);
            next_launch<kKind, Decider>(shared, true);
        }
        SoloLevels::meet();
    } while (shared.orders.solo);
    if (hands_back(shared.orders)) {
        levels.store(shared.state, !pulls(shared.orders.topology));
        if (threadIdx.x == 0) {
            control.resume_others(counts_cleared);
        }
        SoloLevels::meet();
    }
}

/// All threads of the block call it, behind a barrier; it ends with one.
template <TraversalKind kKind, class Decider>
__device__ void run_solo(BlockShared& shared) {
    __shared__ SoloShared fixed;
    extern __shared__ uint4 dynamic[];
    auto* const memory = reinterpret_cast<unsigned char*>(dynamic);
    if (is_of_crew()) {
        follow_solo(shared, fixed, memory);
    } else {
        lead_solo<kKind, Decider>(shared, {fixed, memory});
    }
    __syncthreads();
}

}  // namespace megabed::gpu
