#pragma once

#include "sim/graphs/graph.h"
#include "sim/graphs/vertex.h"

#include <vector>

namespace megabed {

/// All vertices by falling degree, in their own order among equals.
[[nodiscard]] std::vector<Vertex> by_falling_degree(const CsrGraph& graph);

/// The graph's targets, row by row as in `CsrGraph::targets`, with each row's neighbours in that order: a pull
/// that looks for a visited neighbour then meets the likeliest first.
[[nodiscard]] std::vector<Vertex> hub_first_targets(const CsrGraph& graph);

}  // namespace megabed
