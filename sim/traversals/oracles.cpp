#include "sim/traversals/oracles.h"

#include "sim/traversals/arc_weight.h"
#include "sim/traversals/fixed_point_rank.h"
#include "sim/traversals/wave_traversal.h"

#include <cassert>
#include <functional>
#include <queue>
#include <utility>

namespace megabed {

std::vector<std::uint32_t> oracle_levels(const CsrGraph& graph, Vertex root) {
    std::vector<std::uint32_t> levels(graph.vertices(), kUnreached);
    std::queue<Vertex> queue;
    levels[root] = 0;
    for (queue.push(root); !queue.empty(); queue.pop()) {
        for (const Vertex to : graph.neighbours(queue.front())) {
            if (levels[to] == kUnreached) {
                levels[to] = levels[queue.front()] + 1;
                queue.push(to);
            }
        }
    }
    return levels;
}

std::vector<std::uint32_t> oracle_distances(const CsrGraph& graph, Vertex root, std::uint32_t weight_max) {
    using Waiting = std::pair<std::uint32_t, Vertex>;
    std::vector<std::uint32_t> distances(graph.vertices(), kUnreached);
    std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> queue;
    distances[root] = 0;
    queue.emplace(0, root);
    while (!queue.empty()) {
        const auto [distance, from] = queue.top();
        queue.pop();
        if (distance != distances[from]) {
            continue;
        }
        for (const Vertex to : graph.neighbours(from)) {
            const std::uint32_t there = distance_over(distance, arc_weight(from, to, weight_max));
            if (there < distances[to]) {
                distances[to] = there;
                queue.emplace(there, to);
            }
        }
    }
    return distances;
}

std::vector<std::uint32_t> oracle_components(const CsrGraph& graph) {
    std::vector<std::uint32_t> labels(graph.vertices(), kUnreached);
    for (Vertex lowest = 0; lowest < graph.vertices(); ++lowest) {
        if (labels[lowest] != kUnreached) {
            continue;
        }
        std::queue<Vertex> queue;
        labels[lowest] = lowest;
        for (queue.push(lowest); !queue.empty(); queue.pop()) {
            for (const Vertex to : graph.neighbours(queue.front())) {
                if (labels[to] == kUnreached) {
                    labels[to] = lowest;
                    queue.push(to);
                }
            }
        }
    }
    return labels;
}

std::vector<std::uint64_t> oracle_ranks(const CsrGraph& graph, std::uint32_t damping_bps,
                                        std::uint32_t tolerance_ppm) {
    std::vector<std::uint64_t> ranks(graph.vertices(), 0);
    std::vector<std::uint64_t> residuals(graph.vertices(), first_residual(damping_bps));
    for (bool active = true; active;) {
        active = false;
        std::vector<std::uint64_t> next(graph.vertices(), 0);
        for (Vertex vertex = 0; vertex < graph.vertices(); ++vertex) {
            if (residuals[vertex] <= residual_threshold(tolerance_ppm)) {
                next[vertex] += residuals[vertex];
                continue;
            }
            active = true;
            ranks[vertex] += residuals[vertex];
            for (const Vertex to : graph.neighbours(vertex)) {
                next[to] += share_of(residuals[vertex], damping_bps, graph.degree(vertex));
            }
        }
        residuals = std::move(next);
    }
    return ranks;
}

std::uint64_t oracle_digest(const CsrGraph& graph, const TraversalSettings& settings) {
    const auto root = [&] { return settings.root.value_or(highest_degree_vertex(graph)); };
    switch (settings.kind) {
    case TraversalKind::BreadthFirst:
        return digest_of_values(oracle_levels(graph, root()));
    case TraversalKind::ShortestPaths:
        return digest_of_values(oracle_distances(graph, root(), settings.weight_max));
    case TraversalKind::Components:
        return digest_of_values(oracle_components(graph));
    case TraversalKind::PageRank:
        return digest_of_values(oracle_ranks(graph, settings.damping_bps, settings.tolerance_ppm));
    }
    assert(false);
    return 0;
}

}  // namespace megabed
