#pragma once

#include "sim/graphs/graph.h"
#include "sim/traversals/traversal.h"
#include "sim/traversals/wave_traversal.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace megabed {

/// Breadth-first search level by level.
class BreadthFirstSearch final : public WaveTraversal {
public:
    /// Requires: root < graph.vertices(); the graph outlives the search.
    BreadthFirstSearch(const CsrGraph& graph, Vertex root, std::uint64_t heavy_degree,
                       WaveThreads threads = {});

    /// The level of every vertex; kUnreached where the search has not been.
    [[nodiscard]] std::span<const std::uint32_t> values() const { return levels_; }
    /// Levels, two queues, and the two bitmaps of a pull.
    [[nodiscard]] std::uint64_t state_bytes() const override;
    [[nodiscard]] std::uint64_t result_digest() const override { return digest_of_values(values()); }

private:
    void work_out(Direction direction) const override;
    [[nodiscard]] std::uint32_t count_next() const override;
    void commit() override;
    void forget() const override;
    void save_values(CheckpointWriter& writer) const override;
    void load_values(CheckpointReader& reader) override;

    void claim_neighbours() const;
    /// `targets`: as in the graph, rows in the order in which they are looked at.
    void look_for_parents(Worker& worker, const Vertex* targets, Vertex first, Vertex last) const;
    /// Few enough that one bit after the other is faster than all words.
    [[nodiscard]] bool few(std::uint64_t vertices) const;

    std::vector<std::uint32_t> levels_;
    VertexBits visited_set_;
    std::unique_ptr<VertexBits> claimed_;  ///< scratch: the visited and what this wave found
};

/// What a whole search gives: the size of every level.
struct Levels {
    Vertex root = 0;
    std::uint64_t reached = 0;
    std::vector<std::uint32_t> frontier_sizes;

    [[nodiscard]] std::uint32_t max_frontier() const;
    bool operator==(const Levels&) const = default;
};

/// The direction in which a host reads fewer arcs.
[[nodiscard]] Direction cheaper_direction(const Traversal& traversal, const CsrGraph& graph);

/// Searches to the end, pulling where that reads fewer arcs.
[[nodiscard]] Levels search_levels(const CsrGraph& graph, Vertex root, unsigned threads = 1);

}  // namespace megabed
