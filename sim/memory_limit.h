#pragma once

#include "sim/graphs/graph.h"
#include "sim/input_error.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace megabed {

/// A refusal if building a graph of this size needs more than the machine's memory. A header or a SPEC can
/// promise billions of vertices in a few characters; this is asked before anything is allocated for them.
[[nodiscard]] std::optional<InputError> exceeds_memory(std::string_view source, Vertex vertices,
                                                       std::uint64_t edges);

}  // namespace megabed
