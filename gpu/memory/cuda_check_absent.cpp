#include "gpu/memory/cuda_check.h"

namespace megabed {

CudaFailure cuda_failure(int code) { return code == 0 ? CudaFailure::None : CudaFailure::NoDevice; }

Loaded<void> cuda_check(int code, std::string_view call) {
    if (code == 0) {
        return {};
    }
    return cuda_refusal(call, "this build has no CUDA parts",
                        "a build with nvcc; ./megabed setup --cuda brings one");
}

Loaded<void> cuda_usable() { return {}; }

std::optional<std::string> cuda_context_lost() { return std::nullopt; }

}  // namespace megabed
