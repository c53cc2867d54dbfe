#pragma once

#include <cstdint>

namespace megabed {

/// A failure that tests let a kernel have. Both lose the process's CUDA context.
enum class InjectedFault : std::uint32_t {
    None,
    BadAddress,  ///< an access to memory that is not there
    Trap,        ///< the kernel gives up by itself
};

}  // namespace megabed
