#pragma once

#include "policy/launch_recommendation.h"
#include "sim/launch_record.h"
#include "sim/scenario.h"
#include "sim/workloads/prescribed_wave.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace megabed {

/// The topologies of a run's launches in their order, absent for refusals; passes every record on.
class TopologyHistory final : public RecordSink {
public:
    explicit TopologyHistory(RecordSink& onward) : onward_(onward) {}
    void record(const LaunchRecord& record) override;
    [[nodiscard]] bool wants_tenants() const override { return onward_.wants_tenants(); }
    [[nodiscard]] const std::vector<std::optional<DispatchTopology>>& topologies() const { return topologies_; }

private:
    RecordSink& onward_;
    std::vector<std::optional<DispatchTopology>> topologies_;
};

/// What a wave of `frontier` vertices comes to, one vertex after the other.
[[nodiscard]] PrescribedTally oracle_wave(const PrescribedGraph& graph, const WaveKey& key,
                                          std::uint32_t frontier, Direction direction);

/// What the backends' result digest of prescribed work must be after these launches.
/// Requires: a scenario of prescribed work.
[[nodiscard]] std::uint64_t prescribed_oracle(const Scenario& scenario, const TopologyHistory& history);

}  // namespace megabed
