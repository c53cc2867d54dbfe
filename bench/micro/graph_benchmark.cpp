// Generating, building and searching graphs; parser_benchmark reads them. Run from the checkout: shipped graphs
// are read from scenarios/graphs, or from the folder that MEGABED_SCENARIOS names.
#include "policy/registry.h"
#include "scenarios/catalog.h"
#include "scenarios/scenario_loader.h"
#include "sim/engine/digest.h"
#include "sim/graphs/graph_builder.h"
#include "sim/graphs/graph_cache.h"
#include "sim/graphs/graph_source.h"
#include "sim/graphs/kronecker.h"
#include "sim/run_scenario.h"
#include "sim/sim_backend.h"
#include "sim/traversals/breadth_first_search.h"

#include <benchmark/benchmark.h>
#include <unistd.h>
#include <filesystem>
#include <functional>
#include <string>

namespace megabed {
namespace {

namespace fs = std::filesystem;

fs::path shipped(const char* name) { return catalog_directory() / "graphs" / name; }

/// Counts edges and folds the last of the first block into a hash, so that a change of the output shows.
void count_edges(benchmark::State& state, const std::function<EdgeList()>& generate) {
    std::int64_t edges = 0;
    std::uint64_t hash = 0;
    for (auto _ : state) {
        const EdgeList generated = generate();
        edges += static_cast<std::int64_t>(generated.size());
        hash = generated.blocks().front().back().to;
    }
    state.SetItemsProcessed(edges);
    state.SetLabel(hex(hash));
}

void kronecker(benchmark::State& state) {
    KroneckerParameters parameters;
    parameters.scale = 18;
    count_edges(state, [&] { return generate_kronecker(parameters, static_cast<unsigned>(state.range(0))); });
}

void boost_rmat(benchmark::State& state) {
    count_edges(state, [] { return generate_edges("rmat:scale=18,edge_factor=16").value().edges; });
}

EdgeList copy_of(const EdgeList& list) {
    EdgeList copy;
    for (const auto& block : list.blocks()) {
        copy.append_block(block);
    }
    return copy;
}

void build(benchmark::State& state, const std::string& spec) {
    const auto generated = generate_edges(spec).value();
    std::int64_t arcs = 0;
    for (auto _ : state) {
        state.PauseTiming();
        EdgeList edges = copy_of(generated.edges);
        state.ResumeTiming();
        const CsrGraph graph = build_undirected(generated.vertices, std::move(edges));
        arcs += static_cast<std::int64_t>(graph.arcs());
        benchmark::DoNotOptimize(graph.targets().data());
    }
    state.SetItemsProcessed(arcs);
}

void simulated_search(benchmark::State& state, const char* name) {
    const auto loaded = load_graph(shipped(name).string()).value();
    const auto file =
        parse_scenario("format = 1\nsummary = 's'\n[[run]]\nname = 'r'\ngraph = 'mesh:rows=2,columns=2'\n",
                       catalog_directory() / "b.toml")
            .value();
    const Scenario& scenario = file.runs.front();
    std::uint64_t digest = 0;
    for (auto _ : state) {
        const auto policy = make_policy(scenario.policy, scenario.parameters);
        const auto backend = make_sim_backend(scenario, &loaded.graph);
        NoRecords sink;
        digest = run_scenario(scenario, "sim", *policy, *backend, sink).value().digest;
    }
    state.SetLabel(hex(digest));
}

void load_cached(benchmark::State& state) {
    const fs::path folder = fs::temp_directory_path() / ("megabed-bench-" + std::to_string(::getpid()));
    const GraphCache cache(folder);
    const auto loaded = load_graph(shipped("ego-twitter.mtx.gz").string()).value();
    cache.store(shipped("ego-twitter.mtx.gz"), loaded.graph, loaded.arcs_in_file);
    for (auto _ : state) {
        benchmark::DoNotOptimize(cache.find(shipped("ego-twitter.mtx.gz"))->graph.arcs());
    }
    fs::remove_all(folder);
}

BENCHMARK(kronecker)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(boost_rmat)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(build, scale_16, std::string("kronecker:scale=16,edge_factor=16"))
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(build, scale_20, std::string("kronecker:scale=20,edge_factor=16"))
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulated_search, slashdot, "soc-slashdot0902.mtx.gz")->Unit(benchmark::kMillisecond);
BENCHMARK(load_cached)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace megabed
