#pragma once

#include "sim/graphs/edge_list.h"
#include "sim/graphs/graph.h"

namespace megabed {

/// The undirected simple graph of an edge list: symmetrised, loops and duplicates dropped, rows sorted.
/// Requires: every endpoint < vertices.
/// Time:     linear, by counting sort; no comparison sort.
/// Memory:   at most 12 bytes an edge of the list while building (the list included), then that of CsrGraph.
[[nodiscard]] CsrGraph build_undirected(Vertex vertices, EdgeList edges);

}  // namespace megabed
