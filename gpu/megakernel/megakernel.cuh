#pragma once

#include "gpu/megakernel/launch_control.cuh"
#include "gpu/megakernel/solo_launches.cuh"
#include "gpu/megakernel/wave_launch.cuh"

/// The resident kernel: launch after launch, until the host is needed. gpu/GPU.md tells the protocol.
namespace megabed::gpu {

/// All threads of the block: `shared` as a kernel begins.
template <TraversalKind kKind, class Decider>
__device__ void begin_block(const RunArguments& run, BlockShared& shared) {
    constexpr std::uint32_t kWords = sizeof(RunArguments) / sizeof(std::uint64_t);
    static_assert(sizeof(RunArguments) % sizeof(std::uint64_t) == 0 && kWords <= kBlockLanes);
    if (threadIdx.x < kWords) {
        reinterpret_cast<std::uint64_t*>(&shared.run)[threadIdx.x] =
            reinterpret_cast<const std::uint64_t*>(&run)[threadIdx.x];
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        LaunchControl<kKind, Decider>(shared).begin();
    }
    __syncthreads();
}

/// Thread 0 of every block inside concludes a wave and decides the next launch while the others wait at the
/// barrier that stands first in the loop.
template <TraversalKind kKind, class Decider>
__global__ void __launch_bounds__(kBlockLanes, 1) megakernel(const __grid_constant__ RunArguments run) {
    __shared__ BlockShared shared;
    begin_block<kKind, Decider>(run, shared);
    bool inside = true;
    while (true) {
        if (threadIdx.x == 0) {
            next_launch<kKind, Decider>(shared, inside);
        }
        __syncthreads();
        inside = blockIdx.x < shared.orders.blocks;
        if constexpr (kKind == TraversalKind::BreadthFirst) {
            if (inside && shared.orders.solo) {
                run_solo<kKind, Decider>(shared);
            }
        }
        if (shared.orders.stop != StopReason::None) {
            break;
        }
        if (inside) {
            run_launch<kKind, Decider>(shared);
        } else {
            __syncthreads();  // all have read the orders
        }
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        LaunchControl<kKind, Decider>(shared).end();
    }
}

}  // namespace megabed::gpu
