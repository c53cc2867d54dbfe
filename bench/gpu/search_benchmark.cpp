// Breadth-first searches by the resident kernel, from 8 sources each: time of the kernel between two CUDA
// events, decisions included. Rates are undirected edges of the reached component a second (TEPS), the median
// over the sources of the best of four each. Usage: search_benchmark [16] [20] [22] [mesh], all by default, and
// the flags of Google Benchmark. MEGABED_TELL_LAUNCHES=1 prints what the first launches took.
#include "gpu/megakernel/traversal_kernel.h"
#include "scenarios/catalog.h"
#include "scenarios/scenario_loader.h"
#include "sim/graphs/graph_source.h"
#include "sim/traversals/oracles.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace megabed {
namespace {

constexpr std::size_t kSources = 8;

struct Source {
    Vertex root = 0;
    double edges = 0;  ///< undirected, of its component
};

struct Prepared {
    CsrGraph graph;
    std::vector<Source> sources;
};

/// Random vertices of the component that holds most edges.
std::vector<Source> choose_sources(const CsrGraph& graph) {
    const std::vector<std::uint32_t> label = oracle_components(graph);
    std::map<std::uint32_t, std::uint64_t> arcs;
    for (Vertex vertex = 0; vertex < graph.vertices(); ++vertex) {
        arcs[label[vertex]] += graph.degree(vertex);
    }
    const auto largest = std::max_element(arcs.begin(), arcs.end(), [](const auto& left, const auto& right) {
        return left.second < right.second;
    });
    std::mt19937_64 random(1);
    std::vector<Source> sources;
    while (sources.size() < kSources) {
        const auto vertex = static_cast<Vertex>(random() % graph.vertices());
        if (label[vertex] == largest->first) {
            sources.push_back({vertex, static_cast<double>(largest->second) / 2});
        }
    }
    return sources;
}

Prepared& prepared(const std::string& spec) {
    static std::map<std::string, Prepared> all;
    auto [at, fresh] = all.try_emplace(spec);
    if (fresh) {
        at->second.graph = load_graph(spec).value().graph;
        at->second.sources = choose_sources(at->second.graph);
    }
    return at->second;
}

Scenario scenario_of(const std::string& spec, const std::string& policy, unsigned groups, bool host) {
    const std::string text = fmt::format(
        "format = 1\nsummary = 's'\n[device]\nprofile = 'h200'\nrequested_worker_groups = {}\n[policy]\nname = "
        "'{}'\n"
        "decide = '{}'\n[[run]]\nname = 'search'\ngraph = '{}'\n",
        groups, policy, host ? "host" : "device", spec);
    auto file = parse_scenario(text, (catalog_directory() / "benchmark.toml").string(), {});
    if (!file) {
        (void)std::fprintf(stderr, "%s\n", to_string(file.error()).c_str());
        std::exit(1);
    }
    return file->runs.front();
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                     values.end());
    return values[values.size() / 2];
}

void search(benchmark::State& state, const std::string& spec, const std::string& policy, unsigned groups) {
    Prepared& it = prepared(spec);
    const Scenario scenario = scenario_of(spec, policy, groups, false);
    gpu::TraversalKernelOptions options;
    options.policy = compiled_policy(policy).value();
    auto kernel = gpu::TraversalKernel::make(scenario, it.graph, options);
    if (!kernel) {
        state.SkipWithError(to_string(kernel.error()).c_str());
        return;
    }
    std::vector<double> seconds(kSources, 1e9);
    std::vector<double> levels(kSources);
    std::size_t at = 0;
    for (auto _ : state) {
        const std::size_t source = at++ % kSources;
        auto done = (*kernel)->begin(it.sources[source].root);
        const auto stopped = (*kernel)->run();
        if (!done || !stopped || *stopped != gpu::StopReason::Done) {
            state.SkipWithError(stopped ? "the kernel stopped early" : to_string(stopped.error()).c_str());
            return;
        }
        state.SetIterationTime((*kernel)->kernel_seconds());
        seconds[source] = std::min(seconds[source], (*kernel)->kernel_seconds());
        levels[source] = static_cast<double>((*kernel)->notes().size());
        if (at <= kSources) {
            const auto values = (*kernel)->values();
            if (!values || *values != oracle_levels(it.graph, it.sources[source].root)) {
                state.SkipWithError("wrong levels");
                return;
            }
        }
        if (at == kSources && std::getenv("MEGABED_TELL_LAUNCHES") != nullptr) {
            for (const gpu::LaunchNote& note : (*kernel)->notes()) {
                if (&note - (*kernel)->notes().data() > 20) {
                    break;
                }
                fmt::print(
                    "  {:>9} vertices {:>11} arcs  {:7} {:4} x {:4} lanes  decided {:5} ns  took {:7} ns\n",
                    note.frontier.vertices, note.frontier.arcs, to_string(note.recommendation.topology),
                    note.recommendation.geometry.dispatch_grid[0],
                    note.recommendation.geometry.workgroup_size_x, note.decided_ns - note.start_ns,
                    note.end_ns - note.start_ns);
            }
        }
    }
    std::vector<double> rates;
    std::vector<double> level_times;
    for (std::size_t source = 0; source < kSources; ++source) {
        rates.push_back(it.sources[source].edges / seconds[source] / 1e9);
        level_times.push_back(seconds[source] / std::max(levels[source], 1.0) * 1e6);
    }
    state.counters["GTEPS"] = median(rates);
    state.counters["us_a_launch"] = median(level_times);
    state.counters["launches"] = median(levels);
}

void add(const std::string& spec, const std::string& policy, unsigned groups) {
    benchmark::RegisterBenchmark(fmt::format("{} {} {}", spec, policy, groups).c_str(),
                                 [=](benchmark::State& state) { search(state, spec, policy, groups); })
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond)
        ->Iterations(4 * kSources);
}

}  // namespace
}  // namespace megabed

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    for (const char* const scale : {"16", "20", "22"}) {
        if (argc > 1 &&
            std::none_of(argv + 1, argv + argc, [&](const char* arg) { return std::string(arg) == scale; })) {
            continue;
        }
        const std::string spec =
            fmt::format("kronecker:scale={},edge_factor={},seed=1", scale, std::string(scale) == "16" ? 8 : 16);
        for (const char* const policy : {"gap", "cugraph", "reference", "hardened", "gswitch"}) {
            for (const unsigned groups : {128U, 1024U}) {
                megabed::add(spec, policy, groups);
            }
        }
    }
    if (argc == 1 ||
        std::any_of(argv + 1, argv + argc, [](const char* arg) { return std::string(arg) == "mesh"; })) {
        for (const char* const policy : {"reference", "fixed:sparse", "fixed:hybrid"}) {
            megabed::add("mesh:rows=1024,columns=1024", policy, 1024);
        }
    }
    benchmark::RunSpecifiedBenchmarks();
}
