#include "sim/graphs/hub_order.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace megabed {

std::vector<Vertex> by_falling_degree(const CsrGraph& graph) {
    std::vector<Vertex> order(graph.vertices());
    std::iota(order.begin(), order.end(), Vertex{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](Vertex left, Vertex right) { return graph.degree(left) > graph.degree(right); });
    return order;
}

std::vector<Vertex> hub_first_targets(const CsrGraph& graph) {
    // Every vertex goes to the end of its neighbours' rows; heavy ones come first.
    std::vector<Vertex> targets(graph.arcs());
    std::vector<std::uint64_t> filled(graph.offsets().begin(), graph.offsets().end());
    for (const Vertex vertex : by_falling_degree(graph)) {
        for (const Vertex neighbour : graph.neighbours(vertex)) {
            targets[filled[neighbour]++] = vertex;
        }
    }
    return targets;
}

bool CsrGraph::is_skewed() const {
    constexpr std::uint64_t kTimesTheMean = 16;
    std::call_once(pull_order_->weighed, [this] {
        std::uint64_t heaviest = 0;
        for (Vertex vertex = 0; vertex < vertices(); ++vertex) {
            heaviest = std::max(heaviest, degree(vertex));
        }
        pull_order_->skewed = heaviest * vertices() > kTimesTheMean * arcs();
    });
    return pull_order_->skewed;
}

const PullRows& CsrGraph::pull_rows() const {
    std::call_once(pull_order_->made, [this] {
        PullRows& rows = pull_order_->rows;
        rows = {targets(), vertices(), 0, {}};
        if (is_skewed()) {
            pull_order_->hub_first = hub_first_targets(*this);
            rows.targets = pull_order_->hub_first;
            pull_order_->places.resize(vertices());
            Vertex place = 0;
            for (const Vertex vertex : by_falling_degree(*this)) {
                pull_order_->places[vertex] = place++;
            }
            rows.places = pull_order_->places;
            for (Vertex vertex = 0; vertex < vertices(); ++vertex) {
                rows.vertices -= degree(vertex) == 0 ? 1 : 0;
            }
        }
        constexpr std::uint64_t kWarp = 32;
        std::vector<std::uint64_t> longest(vertices() / kWarp + 1, 0);
        for (Vertex vertex = 0; vertex < vertices(); ++vertex) {
            std::uint64_t& mine = longest[(rows.places.empty() ? vertex : rows.places[vertex]) / kWarp];
            mine = std::max(mine, degree(vertex) < kWarp ? degree(vertex) : 0);
        }
        rows.lane_steps = std::accumulate(longest.begin(), longest.end(), std::uint64_t{0});
    });
    return pull_order_->rows;
}

}  // namespace megabed
