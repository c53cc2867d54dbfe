#include "sim/traversals/traversal.h"

#include "sim/traversals/breadth_first_search.h"
#include "sim/traversals/connected_components.h"
#include "sim/traversals/page_rank.h"
#include "sim/traversals/shortest_paths.h"
#include "sim/traversals/wave_traversal.h"

#include <cassert>

namespace megabed {

std::unique_ptr<Traversal> make_traversal(const CsrGraph& graph, const TraversalSettings& settings,
                                          std::uint64_t heavy_degree, WaveThreads threads) {
    const auto root = [&] { return settings.root.value_or(highest_degree_vertex(graph)); };
    switch (settings.kind) {
    case TraversalKind::BreadthFirst:
        return std::make_unique<BreadthFirstSearch>(graph, root(), heavy_degree, threads);
    case TraversalKind::ShortestPaths:
        return std::make_unique<ShortestPaths>(graph, root(), settings.weight_max, settings.delta, heavy_degree,
                                               threads);
    case TraversalKind::Components:
        return std::make_unique<ConnectedComponents>(graph, heavy_degree, threads);
    case TraversalKind::PageRank:
        return std::make_unique<PageRank>(graph, settings.damping_bps, settings.tolerance_ppm, heavy_degree,
                                          threads);
    }
    assert(false);
    return nullptr;
}

std::unique_ptr<Traversal> make_traversal(const CsrGraph& graph, const TraversalSettings& settings,
                                          std::uint64_t heavy_degree, unsigned threads) {
    return make_traversal(graph, settings, heavy_degree, WaveThreads{.count = threads});
}

}  // namespace megabed
