#include "gpu/device_policy.h"
#include "gpu/memory/cuda_check.h"
#include "gpu/service/cuda_service.h"

namespace megabed {

Loaded<std::unique_ptr<CudaService>> make_cuda_service(const Scenario& /*scenario*/, DevicePool& /*pool*/,
                                                       const CudaServiceOptions& /*options*/) {
    return cuda_refusal({}, "this build has no CUDA parts",
                        "a build with nvcc; ./megabed setup --cuda brings one");
}

}  // namespace megabed
