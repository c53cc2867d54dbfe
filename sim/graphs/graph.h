#pragma once

#include "policy/units.h"
#include "sim/graphs/vertex.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace megabed {

/// An immutable undirected simple graph as compressed sparse rows.
/// Every edge is stored as two arcs; neighbours are in ascending order; no loops, no duplicates.
/// Memory: 4 bytes an arc and 8 bytes a vertex.
class CsrGraph {
public:
    CsrGraph() : offsets_{0} {}
    /// Requires: offsets ascend from 0 to targets.size(), rows sorted, symmetric, no loops.
    CsrGraph(std::vector<std::uint64_t> offsets, std::vector<Vertex> targets)
        : offsets_(std::move(offsets)), targets_(std::move(targets)) {
        assert(!offsets_.empty() && offsets_.front() == 0 && offsets_.back() == targets_.size());
    }

    [[nodiscard]] Vertex vertices() const { return static_cast<Vertex>(offsets_.size() - 1); }
    [[nodiscard]] std::uint64_t arcs() const { return targets_.size(); }
    [[nodiscard]] std::uint64_t undirected_edges() const { return targets_.size() / 2; }
    [[nodiscard]] std::uint64_t degree(Vertex vertex) const {
        return offsets_[vertex + std::size_t{1}] - offsets_[vertex];
    }
    [[nodiscard]] std::span<const Vertex> neighbours(Vertex vertex) const {
        return {targets_.data() + offsets_[vertex], degree(vertex)};
    }
    [[nodiscard]] std::span<const std::uint64_t> offsets() const { return offsets_; }
    [[nodiscard]] std::span<const Vertex> targets() const { return targets_; }
    [[nodiscard]] Bytes bytes() const {
        return Bytes(offsets_.size() * sizeof(std::uint64_t) + targets_.size() * sizeof(Vertex));
    }

    bool operator==(const CsrGraph&) const = default;

private:
    std::vector<std::uint64_t> offsets_;
    std::vector<Vertex> targets_;
};

/// The vertex of highest degree, the lowest id among equals; 0 for a graph without arcs.
/// Requires: at least one vertex.
[[nodiscard]] Vertex highest_degree_vertex(const CsrGraph& graph);

}  // namespace megabed
