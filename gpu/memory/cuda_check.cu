#include "gpu/memory/cuda_check.h"

#include <cuda_runtime.h>
#include <mutex>
#include <utility>

namespace megabed {
namespace {

struct LostContext {
    std::mutex mutex;
    std::string cause;  ///< empty: not lost
};

LostContext& lost_context() {
    static LostContext lost;
    return lost;
}

constexpr std::string_view kStillWorks = "the backends sim and threads in this process; CUDA in a new one";

}  // namespace

CudaFailure cuda_failure(int code) {
    switch (static_cast<cudaError_t>(code)) {
    case cudaSuccess:
        return CudaFailure::None;
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorStubLibrary:
    case cudaErrorInitializationError:
    case cudaErrorSystemNotReady:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
    case cudaErrorDevicesUnavailable:
        return CudaFailure::NoDevice;
    case cudaErrorMemoryAllocation:
        return CudaFailure::OutOfMemory;
    // Sticky, by the runtime's documentation ("leaves the process in an inconsistent state and any further CUDA
    // work will return the same error") or because the card or the context itself is gone.
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorTensorMemoryLeak:
    case cudaErrorContained:
    case cudaErrorMpsClientTerminated:
    case cudaErrorContextIsDestroyed:
    case cudaErrorExternalDevice:
        return CudaFailure::ContextLost;
    default:
        return CudaFailure::Refused;
    }
}

Loaded<void> cuda_check(int code, std::string_view call) {
    const CudaFailure failure = cuda_failure(code);
    if (failure == CudaFailure::None) {
        return {};
    }
    (void)cudaGetLastError();  // one that is not sticky is forgotten by this
    const auto status = static_cast<cudaError_t>(code);
    std::string problem = std::string(cudaGetErrorName(status)) + ": " + cudaGetErrorString(status);
    LostContext& lost = lost_context();
    const std::lock_guard lock(lost.mutex);
    if (!lost.cause.empty()) {
        problem += ", after the CUDA context was lost by " + lost.cause;
        return cuda_refusal(call, std::move(problem), std::string(kStillWorks));
    }
    switch (failure) {
    case CudaFailure::ContextLost:
        lost.cause = std::string(call) + ": " + problem;
        return cuda_refusal(call, problem + "; a kernel or the card failed, and the CUDA context is lost",
                            std::string(kStillWorks));
    case CudaFailure::NoDevice:
        return cuda_refusal(call, std::move(problem), "a machine with an NVIDIA GPU and a driver for CUDA 13");
    case CudaFailure::OutOfMemory:
        return cuda_refusal(call, std::move(problem), "less; what is allocated already stays usable");
    default:
        return cuda_refusal(call, std::move(problem), "");
    }
}

Loaded<void> cuda_usable() {
    if (const auto cause = cuda_context_lost()) {
        return cuda_refusal({}, "this process lost its CUDA context by " + *cause, std::string(kStillWorks));
    }
    return {};
}

std::optional<std::string> cuda_context_lost() {
    LostContext& lost = lost_context();
    const std::lock_guard lock(lost.mutex);
    return lost.cause.empty() ? std::nullopt : std::optional(lost.cause);
}

}  // namespace megabed
