// Whole traversals, each in the direction that a host finds cheaper. Items are undirected edges of what was
// reached (TEPS) for a search, and arcs read for the others.
#include "sim/graphs/graph_source.h"
#include "sim/traversals/breadth_first_search.h"
#include "sim/traversals/traversal.h"

#include "sim/engine/digest.h"

#include <benchmark/benchmark.h>
#include <cstdint>
#include <map>
#include <string>

namespace megabed {
namespace {

const CsrGraph& graph_of(const std::string& spec) {
    static std::map<std::string, CsrGraph> graphs;
    auto [at, fresh] = graphs.try_emplace(spec);
    if (fresh) {
        at->second = load_graph(spec).value().graph;
    }
    return at->second;
}

enum class Rule : std::uint8_t { Push, Pull, Cheaper };

void traverse(benchmark::State& state, const std::string& spec, TraversalKind kind, Rule rule) {
    const CsrGraph& graph = graph_of(spec);
    TraversalSettings settings;
    settings.kind = kind;
    settings.root = highest_degree_vertex(graph);
    const auto threads = static_cast<unsigned>(state.range(0));
    std::uint64_t items = 0;
    std::uint64_t waves = 0;
    std::uint64_t digest = 0;
    for (auto _ : state) {
        const auto traversal = make_traversal(graph, settings, 512, threads);
        std::uint64_t frontier_arcs = 0;
        std::uint64_t read = 0;
        while (!traversal->done()) {
            frontier_arcs += traversal->frontier_arcs();
            const Direction direction = rule == Rule::Push   ? Direction::Push
                                        : rule == Rule::Pull ? Direction::Pull
                                                             : cheaper_direction(*traversal, graph);
            read += traversal->expand(direction).inspected_arcs;
        }
        items += kind == TraversalKind::BreadthFirst ? frontier_arcs / 2 : read;
        waves = traversal->waves();
        state.PauseTiming();
        digest = traversal->result_digest();
        state.ResumeTiming();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(items));
    state.SetLabel(hex(digest) + " waves " + std::to_string(waves));
}

const std::string kKronecker = "kronecker:scale=20,edge_factor=16,seed=1";
const std::string kSmallKronecker = "kronecker:scale=17,edge_factor=16,seed=1";
const std::string kMesh = "mesh:rows=1000,columns=1000";

#define MEGABED_TRAVERSAL(name, ...) \
    BENCHMARK_CAPTURE(traverse, name, __VA_ARGS__)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond)

MEGABED_TRAVERSAL(bfs_kronecker_20, kKronecker, TraversalKind::BreadthFirst, Rule::Cheaper);
MEGABED_TRAVERSAL(bfs_kronecker_20_push, kKronecker, TraversalKind::BreadthFirst, Rule::Push);
MEGABED_TRAVERSAL(bfs_mesh, kMesh, TraversalKind::BreadthFirst, Rule::Cheaper);
MEGABED_TRAVERSAL(sssp_kronecker_17, kSmallKronecker, TraversalKind::ShortestPaths, Rule::Push);
MEGABED_TRAVERSAL(components_kronecker_17_push, kSmallKronecker, TraversalKind::Components, Rule::Push);
MEGABED_TRAVERSAL(components_kronecker_17_pull, kSmallKronecker, TraversalKind::Components, Rule::Pull);
MEGABED_TRAVERSAL(page_rank_kronecker_17_push, kSmallKronecker, TraversalKind::PageRank, Rule::Push);
MEGABED_TRAVERSAL(page_rank_kronecker_17_pull, kSmallKronecker, TraversalKind::PageRank, Rule::Pull);

}  // namespace
}  // namespace megabed
