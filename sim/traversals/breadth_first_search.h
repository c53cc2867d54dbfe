#pragma once

#include "sim/graphs/graph.h"
#include "sim/traversals/traversal.h"

#include <cstdint>
#include <span>
#include <vector>

namespace megabed {

/// Breadth-first search level by level over an undirected graph, with the counts a policy may ask for.
class BreadthFirstSearch {
public:
    /// Requires: root < graph.vertices(); the graph outlives the search.
    BreadthFirstSearch(const CsrGraph& graph, Vertex root, std::uint64_t heavy_degree);

    [[nodiscard]] bool done() const { return frontier_.empty(); }
    [[nodiscard]] std::span<const Vertex> frontier() const { return frontier_; }
    [[nodiscard]] std::uint32_t level() const { return level_; }
    [[nodiscard]] std::uint32_t visited() const { return visited_; }
    [[nodiscard]] std::uint64_t frontier_arcs() const { return frontier_arcs_; }
    [[nodiscard]] std::uint64_t unexplored_arcs() const { return unexplored_arcs_; }
    [[nodiscard]] std::uint32_t previous_frontier() const { return previous_frontier_; }

    /// Expands the current frontier and makes the next one current. The frontier of a pull is in vertex order.
    WaveWork expand(Direction direction);

private:
    void discover(Vertex vertex);

    const CsrGraph& graph_;
    std::uint64_t heavy_degree_;
    std::vector<std::uint8_t> reached_;  ///< 0 not yet, 1 visited or in the frontier, 2 found in this wave
    std::vector<Vertex> frontier_;
    std::vector<Vertex> next_;
    std::uint32_t level_ = 0;
    std::uint32_t visited_ = 1;
    std::uint32_t previous_frontier_ = 0;
    std::uint64_t frontier_arcs_ = 0;
    std::uint64_t next_arcs_ = 0;
    std::uint64_t unexplored_arcs_ = 0;
};

/// What a whole search gives: the size of every level.
struct Levels {
    Vertex root = 0;
    std::uint64_t reached = 0;
    std::vector<std::uint32_t> frontier_sizes;

    [[nodiscard]] std::uint32_t max_frontier() const;
    bool operator==(const Levels&) const = default;
};

/// Searches to the end, pulling where that reads fewer arcs.
[[nodiscard]] Levels search_levels(const CsrGraph& graph, Vertex root);

}  // namespace megabed
