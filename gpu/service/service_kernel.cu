#include "gpu/memory/cuda_check.h"
#include "gpu/service/service_kernel.h"

#include "gpu/device_policy.h"
#include "gpu/ring/device_memory.h"
#include "gpu/service/service_steward.cuh"

#include <cuda_runtime.h>

namespace megabed {
namespace {

constexpr unsigned kLanesMax = 1024;  // of any block, so that 64 registers are left for each

/// Block 0 is the steward, every other block a group.
__global__ void __launch_bounds__(kLanesMax, 1) serve(const __grid_constant__ ServiceState state) {
    __shared__ ServiceGroup::Board group_board;
    __shared__ ServiceSteward::Board steward_board;
    if (threadIdx.x >= WarpTeam::kLanes) {
        return;
    }
    if (blockIdx.x == 0) {
        ServiceSteward(state, steward_board).serve();
    } else {
        ServiceGroup(state, group_board, blockIdx.x - 1).serve();
    }
}

}  // namespace

Loaded<std::uint32_t> resident_service_groups(std::uint32_t lanes) {
    int device = 0;
    int processors = 0;
    int blocks = 0;
    int cooperative = 0;
    for (const cudaError_t code :
         {cudaGetDevice(&device), cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device),
          cudaDeviceGetAttribute(&cooperative, cudaDevAttrCooperativeLaunch, device),
          cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, serve, static_cast<int>(lanes), 0)}) {
        if (code != cudaSuccess) {
            return cuda_failed("asking how many groups are resident", code);
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
    return static_cast<std::uint32_t>(resident - 1);
}

Loaded<bool> start_service(const ServiceState& state, std::uint32_t groups, std::uint32_t lanes, void* stream) {
    const auto on = static_cast<cudaStream_t>(stream);
    for (std::uint32_t* const word : {&state.ring.control->shutdown, &state.memory->groups_gone}) {
        if (const cudaError_t code = cudaMemsetAsync(word, 0, sizeof(*word), on); code != cudaSuccess) {
            return cuda_failed("preparing the service kernel", code);
        }
    }
    ServiceState argument = state;
    void* arguments[] = {&argument};
    if (const cudaError_t code = cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(&serve),
                                                             dim3(groups + 1), dim3(lanes), arguments, 0, on);
        code != cudaSuccess) {
        return cuda_failed("starting the service kernel", code);
    }
    return true;
}

}  // namespace megabed
