#pragma once

#include "sim/graphs/graph.h"
#include "sim/input_error.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace megabed {

/// A refusal if `what` needs more than the machine's memory. A few characters of a file can promise billions of
/// vertices or tenants; this is asked before anything is allocated for them.
[[nodiscard]] std::optional<InputError> exceeds_memory(std::string_view source, std::string_view what,
                                                       std::uint64_t bytes);
/// As above for building a graph of this size.
[[nodiscard]] std::optional<InputError> exceeds_memory(std::string_view source, Vertex vertices,
                                                       std::uint64_t edges);

}  // namespace megabed
