#pragma once

#include "sim/graphs/graph.h"

#include <cstdint>
#include <vector>

namespace megabed {

/// One edge as it was read or generated: direction, duplicates and loops still in it.
struct Edge {
    Vertex from = 0;
    Vertex to = 0;

    bool operator==(const Edge&) const = default;
};

/// Edges in blocks, so that growing never copies and building can give memory back block by block.
class EdgeList {
public:
    static constexpr std::size_t kBlockEdges = std::size_t{1} << 20;

    void push_back(Edge edge) {
        if (blocks_.empty() || blocks_.back().size() == kBlockEdges) {
            blocks_.emplace_back();
            blocks_.back().reserve(blocks_.size() == 1 ? kFirstReserve : kBlockEdges);
        }
        blocks_.back().push_back(edge);
    }
    /// Takes over a block of any size.
    void append_block(std::vector<Edge> block) { blocks_.push_back(std::move(block)); }

    [[nodiscard]] std::uint64_t size() const {
        std::uint64_t edges = 0;
        for (const auto& block : blocks_) {
            edges += block.size();
        }
        return edges;
    }
    [[nodiscard]] std::vector<std::vector<Edge>>& blocks() { return blocks_; }
    [[nodiscard]] const std::vector<std::vector<Edge>>& blocks() const { return blocks_; }

private:
    static constexpr std::size_t kFirstReserve = 1024;
    std::vector<std::vector<Edge>> blocks_;
};

}  // namespace megabed
