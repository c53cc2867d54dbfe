#pragma once

#include "sim/graphs/graph.h"
#include "sim/traversals/traversal.h"

#include <cstdint>
#include <vector>

namespace megabed {

/// What each traversal must come to, by sequential algorithms as simple as they can be: what every backend is
/// checked against.
/// Requires: as `make_traversal`; a root is a vertex.

/// Levels by a queue; kUnreached where the root does not lead.
[[nodiscard]] std::vector<std::uint32_t> oracle_levels(const CsrGraph& graph, Vertex root);
/// Distances by Dijkstra's algorithm; kUnreached where the root does not lead.
[[nodiscard]] std::vector<std::uint32_t> oracle_distances(const CsrGraph& graph, Vertex root,
                                                          std::uint32_t weight_max);
/// The least vertex of each vertex's component, by flooding from the lowest vertex that is dry.
[[nodiscard]] std::vector<std::uint32_t> oracle_components(const CsrGraph& graph);
/// Ranks in units of 2^-32, by the same exact arithmetic as PageRank, all vertices in every wave.
[[nodiscard]] std::vector<std::uint64_t> oracle_ranks(const CsrGraph& graph, std::uint32_t damping_bps,
                                                      std::uint32_t tolerance_ppm);

/// What `Traversal::result_digest` gives at the end.
[[nodiscard]] std::uint64_t oracle_digest(const CsrGraph& graph, const TraversalSettings& settings);

}  // namespace megabed
