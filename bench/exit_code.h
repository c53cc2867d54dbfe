#pragma once

#include "sim/input_error.h"

namespace megabed {

/// What the command's exit status says.
enum ExitCode : int {
    kExitDone = 0,         ///< done, and everything holds
    kExitFailed = 1,       ///< it ran, and a law, a comparison or the work failed
    kExitBadInput = 2,     ///< bad input or usage
    kExitUnavailable = 3,  ///< this machine or build lacks what was asked
    kExitInterrupted = 130,
};

/// Prints the refusal as one line on stderr and gives the matching status.
[[nodiscard]] int refuse(const InputError& error);

}  // namespace megabed
