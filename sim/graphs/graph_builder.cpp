#include "sim/graphs/graph_builder.h"

#include <algorithm>
#include <numeric>

namespace megabed {
namespace {

/// Rows of vertices with room for what was counted; `end` is how far each row is filled.
struct Rows {
    std::vector<std::uint64_t> start;
    std::vector<std::uint64_t> end;
    std::vector<Vertex> items;

    /// `counts[v + 1]` holds the size of row v.
    explicit Rows(std::vector<std::uint64_t> counts) : start(std::move(counts)) {
        std::partial_sum(start.begin(), start.end(), start.begin());
        end.assign(start.begin(), start.end() - 1);
        items.resize(start.back());
    }
    void append(Vertex row, Vertex item) { items[end[row]++] = item; }
    [[nodiscard]] std::span<const Vertex> row(Vertex vertex) const {
        return {items.data() + start[vertex], end[vertex] - start[vertex]};
    }
};

/// Higher endpoints grouped by lower endpoint, in list order. Frees each block as it is read.
Rows group_by_lower(Vertex vertices, EdgeList& edges) {
    std::vector<std::uint64_t> counts(std::size_t{vertices} + 1, 0);
    for (const auto& block : edges.blocks()) {
        for (const Edge& edge : block) {
            if (edge.from != edge.to) {
                ++counts[std::size_t{std::min(edge.from, edge.to)} + 1];
            }
        }
    }
    Rows rows(std::move(counts));
    for (auto& block : edges.blocks()) {
        for (const Edge& edge : block) {
            if (edge.from != edge.to) {
                rows.append(std::min(edge.from, edge.to), std::max(edge.from, edge.to));
            }
        }
        std::vector<Edge>().swap(block);
    }
    return rows;
}

/// Lower endpoints grouped by higher endpoint: visiting the lower ones in order leaves each row ascending, so
/// that a duplicate is always the neighbour of its twin and can be dropped on the way.
Rows group_by_higher(Vertex vertices, const Rows& by_lower) {
    std::vector<std::uint64_t> counts(std::size_t{vertices} + 1, 0);
    for (const Vertex higher : by_lower.items) {
        ++counts[std::size_t{higher} + 1];
    }
    Rows rows(std::move(counts));
    for (Vertex lower = 0; lower < vertices; ++lower) {
        for (const Vertex higher : by_lower.row(lower)) {
            const std::uint64_t end = rows.end[higher];
            if (end == rows.start[higher] || rows.items[end - 1] != lower) {
                rows.append(higher, lower);
            }
        }
    }
    return rows;
}

/// Both directions of every edge. A row gets its lower neighbours first and then, because rows are visited in
/// order, its higher ones ascending.
CsrGraph symmetric(Vertex vertices, const Rows& by_higher) {
    std::vector<std::uint64_t> counts(std::size_t{vertices} + 1, 0);
    for (Vertex higher = 0; higher < vertices; ++higher) {
        const auto lowers = by_higher.row(higher);
        counts[std::size_t{higher} + 1] += lowers.size();
        for (const Vertex lower : lowers) {
            ++counts[std::size_t{lower} + 1];
        }
    }
    Rows rows(std::move(counts));
    for (Vertex higher = 0; higher < vertices; ++higher) {
        const auto lowers = by_higher.row(higher);
        std::copy(lowers.begin(), lowers.end(),
                  rows.items.begin() + static_cast<std::ptrdiff_t>(rows.end[higher]));
        rows.end[higher] += lowers.size();
        for (const Vertex lower : lowers) {
            rows.append(lower, higher);
        }
    }
    return {std::move(rows.start), std::move(rows.items)};
}

}  // namespace

CsrGraph build_undirected(Vertex vertices, EdgeList edges) {
    Rows by_lower = group_by_lower(vertices, edges);
    const Rows by_higher = group_by_higher(vertices, by_lower);
    by_lower = Rows(std::vector<std::uint64_t>(1, 0));
    return symmetric(vertices, by_higher);
}

Vertex highest_degree_vertex(const CsrGraph& graph) {
    Vertex best = 0;
    for (Vertex vertex = 1; vertex < graph.vertices(); ++vertex) {
        if (graph.degree(vertex) > graph.degree(best)) {
            best = vertex;
        }
    }
    return best;
}

}  // namespace megabed
