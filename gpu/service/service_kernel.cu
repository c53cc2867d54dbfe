#include "gpu/service/service_kernel.h"

#include "gpu/memory/cuda_check.h"
#include "gpu/service/service_steward.cuh"

#include <cuda_runtime.h>
#include <algorithm>
#include <string>

namespace megabed {
namespace {

/// Block 0 is the steward, every other block a group. Bounded so that 64 registers are left for each lane.
template <bool kDecides>
__global__ void __launch_bounds__(kServiceLanesMax, 1) serve(const __grid_constant__ ServiceState state) {
    __shared__ ServiceGroup::Board group_board;
    __shared__ typename ServiceSteward<kDecides>::Board steward_board;
    if (threadIdx.x >= WarpTeam::kLanes) {
        return;
    }
    if (blockIdx.x == 0) {
        ServiceSteward<kDecides>(state, steward_board).serve();
    } else {
        ServiceGroup(state, group_board, blockIdx.x - 1).serve();
    }
}

const void* kernel_of(bool decides) {
    return decides ? reinterpret_cast<const void*>(&serve<true>) : reinterpret_cast<const void*>(&serve<false>);
}

}  // namespace

Loaded<std::uint32_t> resident_service_groups(std::uint32_t lanes, bool decides) {
    int device = 0;
    int processors = 0;
    int blocks = 0;
    int cooperative = 0;
    for (const cudaError_t code :
         {cudaGetDevice(&device), cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device),
          cudaDeviceGetAttribute(&cooperative, cudaDevAttrCooperativeLaunch, device),
          cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel_of(decides), static_cast<int>(lanes),
                                                        0)}) {
        if (const auto asked = cuda_check(code, "asking how many groups are resident"); !asked) {
            return Refusal(asked.error());
        }
    }
    if (cooperative == 0) {
        return cuda_refusal({}, "the device has no cooperative launches", "a device that has");
    }
    const int resident = blocks * processors;
    if (resident < 2) {
        return cuda_refusal({},
                            "a service needs a steward and a group of " + std::to_string(lanes) +
                                " lanes at a time, and the device holds " + std::to_string(resident),
                            "smaller groups");
    }
    return std::min(static_cast<std::uint32_t>(resident - 1), kServiceGroupsMax);
}

Loaded<void> start_service(const ServiceState& state, std::uint32_t groups, std::uint32_t lanes, void* stream) {
    const auto on = static_cast<cudaStream_t>(stream);
    const std::size_t boxes = groups * sizeof(GroupBox);
    const std::size_t finished = div_ceil(groups, 32U) * sizeof(std::uint32_t);
    for (const cudaError_t code :
         {cudaMemsetAsync(&state.ring.control->shutdown, 0, sizeof(std::uint32_t), on),
          cudaMemsetAsync(&state.memory->groups_gone, 0, sizeof(std::uint32_t), on),
          cudaMemsetAsync(state.boxes, 0, boxes, on), cudaMemsetAsync(state.finished, 0, finished, on)}) {
        if (const auto set = cuda_check(code, "preparing the service kernel"); !set) {
            return Refusal(set.error());
        }
    }
    ServiceState argument = state;
    void* arguments[] = {&argument};
    return cuda_check(cudaLaunchCooperativeKernel(kernel_of(state.rules != nullptr), dim3(groups + 1),
                                                  dim3(lanes), arguments, 0, on),
                      "starting the service kernel");
}

}  // namespace megabed
