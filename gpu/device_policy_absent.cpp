#include "gpu/device_policy.h"
#include "gpu/memory/cuda_check.h"

namespace megabed {
namespace {

Refusal not_built() {
    return cuda_refusal({}, "this build has no CUDA parts",
                        "a build with nvcc; ./megabed setup --cuda brings one");
}

}  // namespace

Loaded<std::string> cuda_device_name() { return not_built(); }

Loaded<std::vector<Result<reference::Answer>>> recommend_on_device(std::span<const PolicyCase> /*cases*/) {
    return not_built();
}

}  // namespace megabed
