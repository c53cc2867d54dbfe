// Traversals on the card, by the resident kernel and by what one would pick otherwise, on the same graphs from
// the same sources, each result held against the oracle. Rows, to be picked with --benchmark_filter:
//   bfs/GRAPH/megakernel/POLICY/GROUPS   breadth-first searches by the resident kernel, decisions included
//   bfs/GRAPH/compiled/POLICY/GROUPS     the same by a kernel that was compiled for the run (NVRTC)
//   bfs/GRAPH/baseline/NAME              the same by the searches of baselines/
//   sssp|components|pagerank/GRAPH/compiled/POLICY
//   gather_limit/GRAPH/BYTES             random reads of 4 bytes over BYTES a vertex
// A search's GTEPS are 1e9 undirected edges of the reached component a second, the median over 8 sources of the
// best of four each. Times are between two CUDA events around the kernel; where the host takes part in every
// wave, they are the host's: the row's label tells. Clearing arrays is in no row's time. Usage:
// search_benchmark [16] [20] [22] [mesh], all by default, and Google Benchmark's flags. --card prints the
// card's folder under bench/results. MEGABED_TELL_LAUNCHES=1 prints what the first launches took.
#include "bench/gpu/baselines/baseline_search.h"
#include "bench/gpu/card_benchmark.h"
#include "bench/gpu/gather_limit.h"
#include "bench/gpu/search_graphs.h"
#include "gpu/megakernel/traversal_kernel.h"
#include "scenarios/catalog.h"
#include "scenarios/scenario_loader.h"
#include "sim/traversals/traversal.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace megabed {
namespace {

constexpr int kTimesEach = 4;
constexpr unsigned kGroupsMost = 1024;

/// Best time and waves of every source, and what they come to.
class SearchTimes {
public:
    void add(std::size_t source, double seconds, std::size_t waves) {
        seconds_[source] = std::min(seconds_[source], seconds);
        waves_[source] = static_cast<double>(waves);
    }
    void report(benchmark::State& state, const std::vector<SearchSource>& sources) const {
        std::vector<double> rates;
        std::vector<double> wave_times;
        for (std::size_t source = 0; source < kSearchSources; ++source) {
            rates.push_back(sources[source].undirected_edges / seconds_[source] / 1e9);
            wave_times.push_back(seconds_[source] / std::max(waves_[source], 1.0) * 1e6);
        }
        state.counters["GTEPS"] = median(rates);
        state.counters["us_a_launch"] = median(wave_times);
        state.counters["launches"] = median(waves_);
    }

private:
    std::vector<double> seconds_ = std::vector<double>(kSearchSources, 1e9);
    std::vector<double> waves_ = std::vector<double>(kSearchSources);
};

Loaded<Scenario> scenario_of(const std::string& spec, const std::string& kind, const std::string& policy,
                             unsigned groups) {
    const std::string text = fmt::format(
        "format = 1\nsummary = 's'\n[device]\nprofile = 'h200'\nrequested_worker_groups = {}\n[policy]\nname = "
        "'{}'\ndecide = 'device'\n[[run]]\nname = 'search'\ngraph = '{}'\n[run.{}]\n",
        groups, policy, spec, kind);
    auto file = parse_scenario(text, (catalog_directory() / "benchmark.toml").string(), {});
    if (!file) {
        return Refusal(file.error());
    }
    return file->runs.front();
}

Loaded<std::unique_ptr<gpu::TraversalKernel>> kernel_of(const Scenario& scenario, const CsrGraph& graph,
                                                        const std::string& policy, gpu::CompiledRoute route) {
    const auto compiled = compiled_policy(policy);
    if (!compiled) {
        return Refusal(InputError{InputErrorKind::Unavailable,
                                  "search_benchmark",
                                  {},
                                  policy,
                                  "does not run on the device",
                                  "a policy that does"});
    }
    gpu::TraversalKernelOptions options;
    options.policy = *compiled;
    options.compiled = route;
    auto kernel = gpu::TraversalKernel::make(scenario, graph, options);
    if (kernel && (*kernel)->not_compiled()) {
        return Refusal(InputError{InputErrorKind::Unavailable,
                                  "search_benchmark",
                                  {},
                                  policy,
                                  *(*kernel)->not_compiled(),
                                  "a machine with NVRTC"});
    }
    return kernel;
}

/// What the launches of one traversal came to.
struct Traversed {
    double seconds = 0;
    std::uint64_t arcs = 0;  ///< read
    std::size_t launches = 0;
};

/// From the beginning to the end, in as many kernels as its notes need.
Loaded<Traversed> traverse(gpu::TraversalKernel& kernel, std::optional<Vertex> root) {
    Traversed all;
    if (const auto begun = kernel.begin(root); !begun) {
        return Refusal(begun.error());
    }
    for (;;) {
        const auto stopped = kernel.run();
        if (!stopped) {
            return Refusal(stopped.error());
        }
        all.seconds += kernel.kernel_seconds();
        all.launches += kernel.notes().size();
        for (const gpu::LaunchNote& note : kernel.notes()) {
            all.arcs += note.arcs;
        }
        if (*stopped == gpu::StopReason::Done) {
            return all;
        }
        if (*stopped != gpu::StopReason::RecordsFull) {
            return Refusal(
                InputError{InputErrorKind::Unavailable, "the resident kernel", {}, {}, "stopped early", {}});
        }
    }
}

void tell_launches(const gpu::TraversalKernel& kernel) {
    constexpr std::size_t kTold = 20;
    for (std::size_t at = 0; at < std::min(kTold, kernel.notes().size()); ++at) {
        const gpu::LaunchNote& note = kernel.notes()[at];
        fmt::print("  {:>9} vertices {:>11} arcs  {:7} {:4} x {:4} lanes  decided {:5} ns  took {:7} ns\n",
                   note.frontier.vertices, note.frontier.arcs, to_string(note.recommendation.topology),
                   note.recommendation.geometry.dispatch_grid[0], note.recommendation.geometry.workgroup_size_x,
                   note.decided_ns - note.start_ns, note.end_ns - note.start_ns);
    }
}

void search_by_megakernel(benchmark::State& state, const std::string& spec, const std::string& policy,
                          unsigned groups, gpu::CompiledRoute route) {
    const auto graph = SearchGraph::of(spec);
    const auto scenario = scenario_of(spec, "bfs", policy, groups);
    if (!graph || !scenario) {
        return fail_row(state, to_string(graph ? scenario.error() : graph.error()));
    }
    const auto kernel = kernel_of(*scenario, (*graph)->graph(), policy, route);
    if (!kernel) {
        return fail_row(state, to_string(kernel.error()));
    }
    SearchTimes times;
    std::size_t at = 0;
    for (auto _ : state) {
        const std::size_t source = at++ % kSearchSources;
        const auto done = traverse(**kernel, (*graph)->sources()[source].root);
        if (!done) {
            return fail_row(state, to_string(done.error()));
        }
        look_at_clocks();
        state.SetIterationTime(done->seconds);
        times.add(source, done->seconds, done->launches);
        if (at <= kSearchSources) {
            const auto levels = (*kernel)->values();
            if (!levels || *levels != (*graph)->levels_from(source)) {
                return fail_row(state, levels ? "wrong levels" : to_string(levels.error()));
            }
        }
        if (at == kSearchSources && std::getenv("MEGABED_TELL_LAUNCHES") != nullptr) {
            tell_launches(**kernel);
        }
    }
    state.SetLabel("CUDA events");
    times.report(state, (*graph)->sources());
}

void search_by_baseline(benchmark::State& state, const std::string& spec, baselines::MakeSearch* make) {
    const auto graph = SearchGraph::of(spec);
    if (!graph) {
        return fail_row(state, to_string(graph.error()));
    }
    const auto search = make((*graph)->graph());
    if (!search) {
        return fail_row(state, to_string(search.error()));
    }
    SearchTimes times;
    std::size_t at = 0;
    for (auto _ : state) {
        const std::size_t source = at++ % kSearchSources;
        if (const auto done = (*search)->run((*graph)->sources()[source].root); !done) {
            return fail_row(state, to_string(done.error()));
        }
        look_at_clocks();
        state.SetIterationTime((*search)->seconds());
        times.add(source, (*search)->seconds(), (*search)->waves());
        if (at <= kSearchSources) {
            const auto levels = (*search)->levels();
            if (!levels || *levels != (*graph)->levels_from(source)) {
                return fail_row(state, levels ? "wrong levels" : to_string(levels.error()));
            }
        }
    }
    state.SetLabel(std::string((*search)->clock()));
    times.report(state, (*graph)->sources());
}

/// A traversal other than a search, and the array that it reads a value from at the end of every arc.
struct TraversalRow {
    const char* name;  ///< its key in a scenario, too
    TraversalKind kind;
    std::uint64_t bytes_a_vertex;
};
constexpr TraversalRow kTraversals[] = {{"sssp", TraversalKind::ShortestPaths, 4},
                                        {"components", TraversalKind::Components, 4},
                                        {"pagerank", TraversalKind::PageRank, 8}};

/// Whether the kernel's values are the oracle's. Errors: what CUDA says.
Loaded<bool> is_right(gpu::TraversalKernel& kernel, TraversalKind kind, SearchGraph& graph) {
    if (kind == TraversalKind::PageRank) {
        const auto ranks = kernel.ranks();
        return ranks ? Loaded<bool>(*ranks == graph.ranks()) : Refusal(ranks.error());
    }
    const auto values = kernel.values();
    const auto& wanted = kind == TraversalKind::Components ? graph.components() : graph.distances();
    return values ? Loaded<bool>(*values == wanted) : Refusal(values.error());
}

/// Arcs that are read a second, beside how many random reads of 4 bytes a second the card does over the same
/// bytes.
void traverse_by_megakernel(benchmark::State& state, const std::string& spec, const TraversalRow& row,
                            const std::string& policy) {
    const auto graph = SearchGraph::of(spec);
    const auto scenario = scenario_of(spec, row.name, policy, kGroupsMost);
    if (!graph || !scenario) {
        return fail_row(state, to_string(graph ? scenario.error() : graph.error()));
    }
    const auto limit = gathers_a_second(Bytes((*graph)->graph().vertices() * row.bytes_a_vertex));
    const auto kernel = kernel_of(*scenario, (*graph)->graph(), policy, gpu::CompiledRoute::Always);
    if (!limit || !kernel) {
        return fail_row(state, to_string(limit ? kernel.error() : limit.error()));
    }
    const bool rooted = row.kind == TraversalKind::ShortestPaths;
    Traversed best{.seconds = 1e9};
    bool checked = false;
    for (auto _ : state) {
        const auto done = traverse(
            **kernel, rooted ? std::optional((*graph)->sources().front().root) : std::optional<Vertex>());
        if (!done) {
            return fail_row(state, to_string(done.error()));
        }
        look_at_clocks();
        state.SetIterationTime(done->seconds);
        best = done->seconds < best.seconds ? *done : best;
        if (!checked) {
            const auto right = is_right(**kernel, row.kind, **graph);
            if (!right || !*right) {
                return fail_row(state, right ? "wrong values" : to_string(right.error()));
            }
            checked = true;
        }
    }
    const double rate = static_cast<double>(best.arcs) / best.seconds;
    state.SetLabel("CUDA events");
    state.counters["arcs_a_second"] = rate;
    state.counters["gather_limit"] = *limit;
    state.counters["share_of_limit"] = rate / *limit;
    state.counters["arcs_read"] = static_cast<double>(best.arcs);
    state.counters["launches"] = static_cast<double>(best.launches);
}

void measure_gathers(benchmark::State& state, const std::string& spec, std::uint64_t bytes_a_vertex) {
    const auto graph = SearchGraph::of(spec);
    if (!graph) {
        return fail_row(state, to_string(graph.error()));
    }
    const Bytes footprint((*graph)->graph().vertices() * bytes_a_vertex);
    for (auto _ : state) {
        const auto rate = gathers_a_second(footprint);
        if (!rate) {
            return fail_row(state, to_string(rate.error()));
        }
        look_at_clocks();
        state.SetIterationTime(1 / *rate);
        state.counters["gathers_a_second"] = *rate;
        state.counters["bytes"] = static_cast<double>(footprint.value());
    }
    state.SetLabel("CUDA events");
}

template <class Row>
benchmark::internal::Benchmark* add(const std::string& name, Row row) {
    return benchmark::RegisterBenchmark(name.c_str(), row)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

void add_searches(const GraphChoice& graph, const std::vector<std::string>& policies,
                  const std::vector<unsigned>& all_groups) {
    constexpr int kSearches = kTimesEach * static_cast<int>(kSearchSources);
    for (const std::string& policy : policies) {
        for (const unsigned groups : all_groups) {
            for (const auto route : {gpu::CompiledRoute::Never, gpu::CompiledRoute::Always}) {
                const char* const kernel = route == gpu::CompiledRoute::Never ? "megakernel" : "compiled";
                add(fmt::format("bfs/{}/{}/{}/{}", graph.name, kernel, policy, groups),
                    [spec = graph.spec, policy, groups, route](benchmark::State& state) {
                        search_by_megakernel(state, spec, policy, groups, route);
                    })
                    ->Iterations(kSearches);
            }
        }
    }
    const auto add_baseline = [&](const char* name, baselines::MakeSearch* make) {
        add(fmt::format("bfs/{}/baseline/{}", graph.name, name), [spec = graph.spec,
                                                                  make](benchmark::State& state) {
            search_by_baseline(state, spec, make);
        })->Iterations(kSearches);
    };
    add_baseline("launch_per_wave", &baselines::launch_per_wave_search);
    add_baseline("graph_replay", &baselines::graph_replay_search);
    add_baseline("persistent", &baselines::persistent_search);
}

void add_traversals(const GraphChoice& graph) {
    for (const TraversalRow& row : kTraversals) {
        for (const char* const policy : {"arcs", "reference", "gap", "fixed:hybrid"}) {
            add(fmt::format("{}/{}/compiled/{}", row.name, graph.name, policy), [spec = graph.spec, &row,
                                                                                 policy](
                                                                                    benchmark::State& state) {
                traverse_by_megakernel(state, spec, row, policy);
            })->Iterations(kTimesEach);
        }
    }
    for (const std::uint64_t bytes : {4U, 8U}) {
        add(fmt::format("gather_limit/{}/{}", graph.name, bytes), [spec = graph.spec,
                                                                   bytes](benchmark::State& state) {
            measure_gathers(state, spec, bytes);
        })->Iterations(1);
    }
}

/// Graph by graph, as only one is kept in memory.
Loaded<void> add_rows(const std::vector<std::string_view>& words) {
    const auto graphs = chosen_graphs(words);
    if (!graphs) {
        return Refusal(graphs.error());
    }
    for (const GraphChoice& graph : *graphs) {
        if (graph.name == "mesh") {
            add_searches(graph, {"arcs", "reference", "fixed:hybrid"}, {kGroupsMost});
        } else {
            add_searches(graph, {"arcs", "gap", "cugraph", "reference", "hardened", "gswitch"},
                         {128, kGroupsMost});
            add_traversals(graph);
        }
    }
    return {};
}

}  // namespace
}  // namespace megabed

int main(int argc, char** argv) { return megabed::card_benchmark_main(argc, argv, &megabed::add_rows); }
