#include "bench/gpu/search_graphs.h"

#include "sim/graphs/graph_source.h"
#include "sim/traversals/oracles.h"
#include "sim/traversals/traversal.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <unordered_map>
#include <utility>

namespace megabed {
namespace {

GraphChoice choice_of(std::string_view name) {
    if (name == "mesh") {
        return {"mesh", "mesh:rows=1024,columns=1024"};
    }
    return {std::string(name),
            fmt::format("kronecker:scale={},edge_factor={},seed=1", name, name == "16" ? 8 : 16)};
}

std::vector<SearchSource> choose_sources(const CsrGraph& graph, const std::vector<std::uint32_t>& label) {
    std::unordered_map<std::uint32_t, std::uint64_t> arcs;
    for (Vertex vertex = 0; vertex < graph.vertices(); ++vertex) {
        arcs[label[vertex]] += graph.degree(vertex);
    }
    const auto largest = std::max_element(arcs.begin(), arcs.end(), [](const auto& left, const auto& right) {
        return left.second < right.second;
    });
    std::mt19937_64 random(1);
    std::vector<SearchSource> sources;
    while (sources.size() < kSearchSources) {
        const auto vertex = static_cast<Vertex>(random() % graph.vertices());
        if (label[vertex] == largest->first) {
            sources.push_back({vertex, static_cast<double>(largest->second) / 2});
        }
    }
    return sources;
}

}  // namespace

Loaded<std::vector<GraphChoice>> chosen_graphs(const std::vector<std::string_view>& names) {
    const std::vector<std::string_view> all{"16", "20", "22", "mesh"};
    for (const std::string_view name : names) {
        if (std::find(all.begin(), all.end(), name) == all.end()) {
            return Refusal(InputError{.where = "search_benchmark",
                                      .line = {},
                                      .key = {},
                                      .problem = printable(name) + " is no graph to measure on",
                                      .allowed = listed(all)});
        }
    }
    std::vector<GraphChoice> chosen;
    for (const std::string_view name : all) {
        if (names.empty() || std::find(names.begin(), names.end(), name) != names.end()) {
            chosen.push_back(choice_of(name));
        }
    }
    return chosen;
}

SearchGraph::SearchGraph(CsrGraph graph) : graph_(std::move(graph)), components_(oracle_components(graph_)) {
    sources_ = choose_sources(graph_, components_);
}

Loaded<SearchGraph*> SearchGraph::of(const std::string& spec) {
    static std::pair<std::string, std::unique_ptr<SearchGraph>> kept;
    if (kept.second == nullptr || kept.first != spec) {
        kept.second.reset();
        auto loaded = load_graph(spec);
        if (!loaded) {
            return Refusal(loaded.error());
        }
        kept = {spec, std::unique_ptr<SearchGraph>(new SearchGraph(std::move(loaded->graph)))};
    }
    return kept.second.get();
}

const std::vector<std::uint32_t>& SearchGraph::levels_from(std::size_t source) {
    auto& levels = levels_[source];
    if (!levels) {
        levels = oracle_levels(graph_, sources_[source].root);
    }
    return *levels;
}

const std::vector<std::uint32_t>& SearchGraph::distances() {
    if (!distances_) {
        distances_ = oracle_distances(graph_, sources_.front().root, TraversalSettings{}.weight_max);
    }
    return *distances_;
}

const std::vector<std::uint32_t>& SearchGraph::components() { return components_; }

const std::vector<std::uint64_t>& SearchGraph::ranks() {
    if (!ranks_) {
        const TraversalSettings settings;
        ranks_ = oracle_ranks(graph_, settings.damping_bps, settings.tolerance_ppm);
    }
    return *ranks_;
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace megabed
