#pragma once

#include "gpu/jit/jit_request.h"

#include <span>

namespace megabed {

/// The headers that kernels compiled at run time may include, as they were when this was built: those that
/// gpu/jit/CMakeLists.txt lists, and gpu/jit/device_std/ in the place of the standard library and tl::expected.
[[nodiscard]] std::span<const JitHeader> embedded_headers();

}  // namespace megabed
