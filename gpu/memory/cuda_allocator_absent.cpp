#include "gpu/memory/cuda_check.h"
#include "gpu/memory/device_allocator.h"

namespace megabed {

Loaded<std::unique_ptr<DeviceAllocator>> cuda_allocator(std::optional<Bytes> /*cap*/) {
    return cuda_refusal({}, "this build has no CUDA parts",
                        "a build with nvcc; ./megabed setup --cuda brings one");
}

}  // namespace megabed
