#pragma once

#include <cstdint>

namespace megabed::baselines {

/// GAP's direction rule, alpha 15 and beta 18, with nothing around it: what the baselines decide by, on the
/// host and on the device. Source: Beamer, Asanovic, Patterson, "Direction-Optimizing Breadth-First Search", SC
/// 2012; DOBFS in gapbs, src/bfs.cc, from where policy/gap_rule.h has it too. A test asks both the same
/// questions.
class GapDirection {
public:
    static constexpr std::int64_t kAlpha = 15;
    static constexpr std::uint32_t kBeta = 18;

    constexpr GapDirection() = default;
    /// Of a graph's vertices and stored (directed) arcs.
    constexpr GapDirection(std::uint32_t vertices, std::uint64_t arcs)
        : unchecked_arcs_(static_cast<std::int64_t>(arcs)), vertices_(vertices) {}

    /// Whether the wave that expands this frontier pulls. To be asked once for every wave, in their order.
    /// Requires: the frontier is not empty.
    constexpr bool pulls(std::uint32_t frontier, std::uint64_t frontier_arcs) {
        auto scout = static_cast<std::int64_t>(frontier_arcs);
        if (pulling_) {
            if (frontier >= awake_ || frontier > vertices_ / kBeta) {
                awake_ = frontier;
                return true;
            }
            scout = 1;  // the source does not count after a pull
        }
        pulling_ = scout > unchecked_arcs_ / kAlpha;
        if (pulling_) {
            awake_ = frontier;
        } else {
            unchecked_arcs_ -= scout;
        }
        return pulling_;
    }

private:
    std::int64_t unchecked_arcs_ = 0;  ///< less the frontier's at every push
    std::uint32_t vertices_ = 0;
    std::uint32_t awake_ = 0;  ///< frontier of the last pull
    bool pulling_ = false;
};

static_assert(!GapDirection(100, 3000).pulls(1, 200));
static_assert(GapDirection(100, 3000).pulls(1, 201));

}  // namespace megabed::baselines
