#pragma once

#include "policy/units.h"
#include "sim/graphs/vertex.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace megabed {

/// Rows in the order in which a pull looks at their arcs, with the graph's own offsets. Where degrees are
/// skewed (hub_order.h) heavy neighbours come first, and vertices without arcs are passed over.
struct PullRows {
    std::span<const Vertex> targets;
    Vertex vertices = 0;  ///< that a pull has to look at while none is visited
    /// Sum over 32 vertices in a row of their longest row, those of 32 arcs and more left out: what warps go
    /// through that read a row a lane.
    std::uint64_t lane_steps = 0;
    std::span<const Vertex>
        places;  ///< of every vertex by falling degree; empty where vertices stay in their own
};

/// An immutable undirected simple graph as compressed sparse rows.
/// Every edge is stored as two arcs; neighbours are in ascending order; no loops, no duplicates.
/// Memory: 4 bytes an arc and 8 bytes a vertex.
class CsrGraph {
public:
    CsrGraph() : CsrGraph({0}, {}) {}
    /// Requires: offsets ascend from 0 to targets.size(), rows sorted, symmetric, no loops.
    CsrGraph(std::vector<std::uint64_t> offsets, std::vector<Vertex> targets)
        : offsets_(std::move(offsets)),
          targets_(std::move(targets)),
          pull_order_(std::make_shared<PullOrder>()) {
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

    /// Whether a few vertices have far more arcs than others: the heaviest over 16 times the mean.
    [[nodiscard]] bool is_skewed() const;
    /// As a pull looks at them. Made at the first call; several threads may call it.
    [[nodiscard]] const PullRows& pull_rows() const;
    [[nodiscard]] std::span<const Vertex> pulled_row(Vertex vertex) const {
        return pull_rows().targets.subspan(offsets_[vertex], degree(vertex));
    }

    bool operator==(const CsrGraph& other) const {
        return offsets_ == other.offsets_ && targets_ == other.targets_;
    }

private:
    struct PullOrder {
        std::once_flag weighed;
        bool skewed = false;
        std::once_flag made;
        std::vector<Vertex> hub_first;  ///< empty: rows as they stand
        std::vector<Vertex> places;
        PullRows rows;
    };

    std::vector<std::uint64_t> offsets_;
    std::vector<Vertex> targets_;
    std::shared_ptr<PullOrder> pull_order_;
};

/// The vertex of highest degree, the lowest id among equals; 0 for a graph without arcs.
/// Requires: at least one vertex.
[[nodiscard]] Vertex highest_degree_vertex(const CsrGraph& graph);

}  // namespace megabed
