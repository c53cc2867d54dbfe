#pragma once

#include "policy/units.h"
#include "sim/ring/ring_layout.h"

#include <array>
#include <cstdint>

namespace megabed {

/// Argument words of a service item: three times in ns, in two words each, low word first.
enum ServiceWord : std::uint32_t {
    kServiceWork = 0,
    kServiceCame = 2,
    kServiceEntered = 4,    ///< when it got into the ring
    kServicePublisher = 6,  ///< who waits for it; not a time
};

inline void put_time(std::array<std::uint32_t, kHandlerWords>& words, std::uint32_t at, SimTime time) {
    const auto value = static_cast<std::uint64_t>(time.value());
    words[at] = static_cast<std::uint32_t>(value);
    words[at + 1] = static_cast<std::uint32_t>(value >> 32);
}

}  // namespace megabed
