#include "gpu/cuda_backend.h"
#include "gpu/device_policy.h"

namespace megabed {

Loaded<std::unique_ptr<CudaBackend>> make_cuda_backend(const Scenario& /*scenario*/, const CsrGraph* /*graph*/,
                                                       const CudaOptions& /*options*/) {
    return Refusal(cuda_device_name().error());
}

}  // namespace megabed
