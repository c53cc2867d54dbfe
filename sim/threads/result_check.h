#pragma once

#include "sim/graphs/graph.h"
#include "sim/traversals/traversal.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace megabed {

/// The values that a traversal must give, by a plain sequential algorithm that shares nothing with the
/// backends: levels by a queue, distances by Dijkstra, components by search, ranks by waves over all vertices.
/// Requires: as `make_traversal`.
[[nodiscard]] std::vector<std::uint64_t> oracle_values(const CsrGraph& graph,
                                                       const TraversalSettings& settings);

/// Absent if `result` is what it must be; else the first vertex that differs, in words.
[[nodiscard]] std::optional<std::string> difference_from_oracle(const CsrGraph& graph,
                                                                const TraversalSettings& settings,
                                                                std::span<const std::uint64_t> result);

}  // namespace megabed
