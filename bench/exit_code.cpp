#include "bench/exit_code.h"

#include <fmt/format.h>
#include <cstdio>

namespace megabed {

int refuse(const InputError& error) {
    fmt::print(stderr, "megabed: {}\n", to_string(error));
    switch (error.kind) {
    case InputErrorKind::Invalid:
        return kExitBadInput;
    case InputErrorKind::Unavailable:
        return kExitUnavailable;
    case InputErrorKind::Interrupted:
        return kExitInterrupted;
    }
    return kExitBadInput;
}

}  // namespace megabed
