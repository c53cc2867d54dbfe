#include "sim/threads/result_check.h"

#include "sim/engine/counter_random.h"

#include <fmt/format.h>
#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

namespace megabed {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};

/// Dijkstra's algorithm; with weights of 1 it gives levels.
template <class Weight>
std::vector<std::uint64_t> distances(const CsrGraph& graph, Vertex root, const Weight& weight) {
    using Entry = std::pair<std::uint64_t, Vertex>;
    std::vector<std::uint64_t> distance(graph.vertices(), kNever);
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
    distance[root] = 0;
    queue.emplace(0, root);
    while (!queue.empty()) {
        const auto [reached, vertex] = queue.top();
        queue.pop();
        if (reached != distance[vertex]) {
            continue;
        }
        for (const Vertex neighbour : graph.neighbours(vertex)) {
            const std::uint64_t through = reached + weight(vertex, neighbour);
            if (through < distance[neighbour]) {
                distance[neighbour] = through;
                queue.emplace(through, neighbour);
            }
        }
    }
    return distance;
}

std::vector<std::uint64_t> components(const CsrGraph& graph) {
    std::vector<std::uint64_t> label(graph.vertices(), kNever);
    std::vector<Vertex> open;
    for (Vertex least = 0; least < graph.vertices(); ++least) {
        if (label[least] != kNever) {
            continue;
        }
        label[least] = least;
        open.push_back(least);
        while (!open.empty()) {
            const Vertex vertex = open.back();
            open.pop_back();
            for (const Vertex neighbour : graph.neighbours(vertex)) {
                if (label[neighbour] == kNever) {
                    label[neighbour] = least;
                    open.push_back(neighbour);
                }
            }
        }
    }
    return label;
}

std::vector<std::uint64_t> ranks(const CsrGraph& graph, const TraversalSettings& settings) {
    constexpr std::uint64_t kOne = std::uint64_t{1} << 32;
    const auto damp = [&](std::uint64_t value) {
        return value / 10'000 * settings.damping_bps + value % 10'000 * settings.damping_bps / 10'000;
    };
    const std::uint64_t tolerance = kOne / 1'000'000 * settings.tolerance_ppm;
    std::vector<std::uint64_t> rank(graph.vertices(), 0);
    std::vector<std::uint64_t> residual(graph.vertices(), kOne - damp(kOne));
    const auto active = [&](std::uint64_t value) { return value > tolerance; };
    while (std::any_of(residual.begin(), residual.end(), active)) {
        std::vector<std::uint64_t> next = residual;
        for (Vertex vertex = 0; vertex < graph.vertices(); ++vertex) {
            if (!active(residual[vertex])) {
                continue;
            }
            rank[vertex] += residual[vertex];
            next[vertex] -= residual[vertex];
            for (const Vertex neighbour : graph.neighbours(vertex)) {
                next[neighbour] += damp(residual[vertex]) / graph.degree(vertex);
            }
        }
        residual.swap(next);
    }
    return rank;
}

}  // namespace

std::vector<std::uint64_t> oracle_values(const CsrGraph& graph, const TraversalSettings& settings) {
    switch (settings.kind) {
    case TraversalKind::BreadthFirst:
        return distances(graph, settings.root.value_or(highest_degree_vertex(graph)),
                         [](Vertex, Vertex) { return 1U; });
    case TraversalKind::ShortestPaths:
        return distances(
            graph, settings.root.value_or(highest_degree_vertex(graph)), [&](Vertex from, Vertex to) {
                const std::uint64_t edge = std::uint64_t{std::min(from, to)} << 32 | std::max(from, to);
                return 1 + scatter(edge) % settings.weight_max;
            });
    case TraversalKind::Components:
        return components(graph);
    case TraversalKind::PageRank:
        return ranks(graph, settings);
    }
    return {};
}

std::optional<std::string> difference_from_oracle(const CsrGraph& graph, const TraversalSettings& settings,
                                                  std::span<const std::uint64_t> result) {
    const std::vector<std::uint64_t> expected = oracle_values(graph, settings);
    if (result.size() != expected.size()) {
        return fmt::format("the result has {} values and the oracle {}", result.size(), expected.size());
    }
    const auto [first, wanted] = std::mismatch(result.begin(), result.end(), expected.begin());
    if (first == result.end()) {
        return std::nullopt;
    }
    return fmt::format("the result differs from the oracle: vertex {} has {} instead of {}",
                       first - result.begin(), *first, *wanted);
}

}  // namespace megabed
