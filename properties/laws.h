#pragma once

#include <span>
#include <string_view>

namespace megabed {

/// A sentence that a policy, the simulator or a backend obeys for every input of its domain.
struct Law {
    std::string_view id;
    std::string_view sentence;
};

/// The laws that are checked in this version, in the order of their ids.
[[nodiscard]] std::span<const Law> known_laws();

}  // namespace megabed
