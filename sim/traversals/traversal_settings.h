#pragma once

#include "sim/graphs/vertex.h"

#include <cstdint>
#include <optional>

namespace megabed {

/// What a traversal computes.
enum class TraversalKind : std::uint8_t {
    BreadthFirst,   ///< levels from a root
    ShortestPaths,  ///< distances from a root, by delta-stepping
    Components,     ///< the least vertex of every connected component, by label propagation
    PageRank,       ///< ranks in fixed point, by propagating changes above a tolerance
};

/// One traversal and its constants.
struct TraversalSettings {
    TraversalKind kind = TraversalKind::BreadthFirst;
    /// BreadthFirst and ShortestPaths; absent: the vertex of highest degree, the lowest id among equals.
    std::optional<Vertex> root{};
    std::uint32_t weight_max = 255;  ///< ShortestPaths: weights are 1 to this, `arc_weight`
    std::uint32_t delta = 32;        ///< ShortestPaths: width of a bucket
    std::uint32_t damping_bps = 8500;
    std::uint32_t tolerance_ppm = 100;  ///< PageRank: a change above this share of one propagates

    constexpr bool operator==(const TraversalSettings&) const = default;
};

}  // namespace megabed
