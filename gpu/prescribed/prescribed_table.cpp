#include "gpu/prescribed/prescribed_table.h"

#include "sim/telemetry.h"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace megabed::gpu {

PrescribedTable::PrescribedTable(const Scenario& scenario, std::uint32_t stretch)
    : scenario_(scenario),
      source_(make_wave_source(scenario, nullptr)),
      stretch_(std::max(stretch, scenario.fuse_waves_max)) {
    assert(stretch != 0);
}

std::uint32_t PrescribedTable::fuse_waves_max() const {
    return tokens() ? 1 : std::max(scenario_.fuse_waves_max, 1U);
}

std::span<const PrescribedEntry> PrescribedTable::from(std::uint64_t next) {
    assert(next >= first_ && next - first_ <= entries_.size());
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(next - first_));
    first_ = next;
    while (entries_.size() < stretch_ && !source_->done()) {
        Observation observation;
        if (!tokens()) {
            fill_settings(scenario_, observation.request);
        }
        source_->observe(observation);
        const WaveWork work = source_->advance(Direction::Push);
        entries_.push_back({observation.request, prescribed_frontier(scenario_, work)});
    }
    return entries_;
}

}  // namespace megabed::gpu
