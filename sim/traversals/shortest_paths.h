#pragma once

#include "sim/traversals/arc_weight.h"
#include "sim/traversals/wave_traversal.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace megabed {

/// Shortest paths from a root by delta-stepping, weights by `arc_weight`. A wave relaxes all arcs of the active
/// vertices, those of the current bucket whose distance fell since they were last expanded, from the distances
/// at its start. When none is active, the next bucket that is not empty becomes the frontier. Source: Meyer and
/// Sanders, "Delta-stepping: a parallelizable shortest path algorithm", J. Algorithms 49, 2003; without their
/// split of light and heavy arcs, as the GAP benchmark suite does it.
class ShortestPaths final : public WaveTraversal {
public:
    /// Requires: root < graph.vertices(); weight_max and delta at least 1; the graph outlives the object.
    ShortestPaths(const CsrGraph& graph, Vertex root, std::uint32_t weight_max, std::uint32_t delta,
                  std::uint64_t heavy_degree, WaveThreads threads = {});

    /// The distance of every vertex; kUnreached where no path has been found.
    [[nodiscard]] std::span<const std::uint32_t> values() const { return distances_; }
    /// Weights, distances, their snapshot, two queues, two bitmaps; a bucket is found by its distances.
    [[nodiscard]] std::uint64_t state_bytes() const override;
    [[nodiscard]] std::uint64_t result_digest() const override { return digest_of_values(values()); }

private:
    void work_out(Direction direction) const override;
    [[nodiscard]] std::uint32_t count_next() const override;
    [[nodiscard]] bool leaves_bucket() const override;
    [[nodiscard]] std::uint64_t waiting_steps() const override;
    void commit() override;
    void forget() const override;
    void save_values(CheckpointWriter& writer) const override;
    void load_values(CheckpointReader& reader) override;

    void push() const;
    void pull() const;
    /// A vertex without a distance is in the last bucket that there could be.
    [[nodiscard]] std::uint32_t bucket_of(std::uint32_t distance) const {
        return distance == kUnreached ? kUnreached : distance / delta_;
    }
    void settle(Worker& worker, std::vector<Vertex>& waiting);
    void advance_bucket();

    std::uint32_t weight_max_;
    std::uint32_t delta_;
    std::uint32_t bucket_ = 0;  ///< the current one
    std::vector<std::uint32_t> distances_;
    /// Vertices that came into a later bucket. One that has left it for an earlier one is still listed; none is
    /// listed twice, since distances only fall.
    std::map<std::uint32_t, std::vector<Vertex>> waiting_;
    std::unique_ptr<std::vector<std::uint8_t>>
        waiting_words_;  ///< scratch: those that wait, a word of a bitmap each
    std::unique_ptr<std::vector<std::uint32_t>> lowered_;  ///< scratch: distances at the end of the wave
};

}  // namespace megabed
