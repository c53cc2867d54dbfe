#pragma once

#include "sim/traversals/wave_traversal.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace megabed {

/// Connected components by propagating the least label: every vertex starts active with its own id; a vertex
/// takes the least label that it and its active neighbours had at the start of the wave, and is active again if
/// that changed it.
class ConnectedComponents final : public WaveTraversal {
public:
    /// Requires: the graph outlives the object.
    ConnectedComponents(const CsrGraph& graph, std::uint64_t heavy_degree, WaveThreads threads = {});

    /// The label of every vertex: at the end, the least vertex of its component.
    [[nodiscard]] std::span<const std::uint32_t> values() const { return labels_; }
    /// Labels, their snapshot, two queues, two bitmaps.
    [[nodiscard]] std::uint64_t state_bytes() const override;
    [[nodiscard]] std::uint64_t result_digest() const override { return digest_of_values(values()); }

private:
    void work_out(Direction direction) const override;
    [[nodiscard]] std::uint32_t count_next() const override;
    void commit() override;
    void forget() const override;
    void save_values(CheckpointWriter& writer) const override;
    void load_values(CheckpointReader& reader) override;

    void push() const;
    void pull() const;

    std::vector<std::uint32_t> labels_;
    std::unique_ptr<std::vector<std::uint32_t>> lowered_;  ///< scratch: labels at the end of the wave
};

}  // namespace megabed
