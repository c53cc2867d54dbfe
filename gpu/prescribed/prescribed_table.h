#pragma once

#include "gpu/prescribed/prescribed_layout.h"
#include "policy/units.h"
#include "sim/scenario.h"
#include "sim/workloads/wave_source.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace megabed::gpu {

/// The waves of a scenario, a stretch of them at a time, as the device is given them. Frontiers do not depend
/// on what is decided, so that they can be told ahead.
class PrescribedTable {
public:
    /// Requires: the scenario's work is prescribed; it outlives this; stretch is not 0.
    PrescribedTable(const Scenario& scenario, std::uint32_t stretch);

    /// The entries from wave `next` on: all that are left, or enough for a fused launch. Requires: no earlier
    /// wave than at the last call.
    [[nodiscard]] std::span<const PrescribedEntry> from(std::uint64_t next);
    /// Whether no wave comes after those of the last call; none after it was empty.
    [[nodiscard]] bool holds_the_last() const { return source_->done(); }
    [[nodiscard]] bool done() const { return holds_the_last() && entries_.empty(); }

    [[nodiscard]] bool tokens() const { return source_->prescribes_requests(); }
    [[nodiscard]] std::uint32_t fuse_waves_max() const;
    [[nodiscard]] std::uint32_t entries_max() const { return stretch_; }
    /// Device bytes of the work, as the simulator counts them.
    [[nodiscard]] Bytes own_bytes() const { return source_->resident(); }

private:
    const Scenario& scenario_;
    std::unique_ptr<WaveSource> source_;  ///< ahead of what the device is at
    std::uint32_t stretch_;
    std::uint64_t first_ = 0;  ///< wave of the first entry
    std::vector<PrescribedEntry> entries_;
};

}  // namespace megabed::gpu
