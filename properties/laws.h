#pragma once

#include "properties/policy_law.h"

#include <span>
#include <string_view>
#include <vector>

namespace megabed {

/// Every law, in the order in which `megabed verify` reports them: S, M, O, T, H, D, B. Those of the simulator
/// and the backends have no `check`: they are tests of their own.
[[nodiscard]] std::span<const Law> known_laws();

/// The law of that id, or null.
[[nodiscard]] const Law* find_law(std::string_view id);

}  // namespace megabed
