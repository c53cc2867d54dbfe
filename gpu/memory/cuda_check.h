#pragma once

#include "sim/input_error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace megabed {

/// What a CUDA status means for what comes next.
enum class CudaFailure : std::uint8_t {
    None,
    NoDevice,     ///< no card, no driver, or one too old: nothing of CUDA can work on this machine
    OutOfMemory,  ///< of the device; everything already allocated stays usable
    ContextLost,  ///< a kernel or the card failed: every later CUDA call of this process fails too
    Refused,      ///< this call only
};

[[nodiscard]] CudaFailure cuda_failure(int code);

/// Turns the status of a CUDA runtime call (a cudaError_t) into a refusal with the call, the error's name and
/// its text. Also takes the error out of the runtime's memory, so that it is not reported a second time by a
/// later call. The first status that loses the context is remembered, and later refusals name it as their
/// cause. Errors: Unavailable, for everything but cudaSuccess.
[[nodiscard]] Loaded<void> cuda_check(int code, std::string_view call);

/// What lost this process's CUDA context, if it is lost. Backends that do not use CUDA still work then.
[[nodiscard]] std::optional<std::string> cuda_context_lost();

/// To be asked before CUDA is used for something new. A lost context does not come back: CUDA's documentation
/// of these errors says that the process has to be ended and started anew, and what cudaDeviceReset does about
/// them differs between drivers. Errors: Unavailable, with what lost the context and what still works.
[[nodiscard]] Loaded<void> cuda_usable();

/// A refusal of this machine's or this build's CUDA, in the words of the command line.
[[nodiscard]] Refusal cuda_refusal(std::string_view key, std::string problem, std::string allowed);

}  // namespace megabed
