#pragma once

#include "policy/error.h"
#include "policy/launch_recommendation.h"
#include "policy/policy.h"
#include "policy/units.h"
#include "sim/service_totals.h"

#include <cstdint>
#include <optional>
#include <span>

namespace megabed {

/// What a backend did with one recommendation.
struct LaunchOutcome {
    SimTime start{};
    SimTime duration{};     ///< decision, drain, relaunch and compilation included
    SimTime drain{};        ///< part of duration: groups finish what they are at before a relaunch
    SimTime relaunch{};     ///< part of duration
    SimTime compilation{};  ///< part of duration
    std::uint32_t granted_groups = 0;
    std::uint32_t waves = 0;  ///< levels or epochs, plus the extra passes of an overflowing hit capacity
    std::uint64_t items = 0;  ///< frontier vertices expanded, or service items done
    std::uint64_t arcs = 0;   ///< arcs inspected
};

/// One launch: what was observed, decided and done. A refused launch has an error and no outcome.
struct LaunchRecord {
    std::uint64_t index = 0;
    Observation observation{};           ///< as the policy saw it
    std::optional<Observation> truth{};  ///< as it was, where the scenario has telemetry faults
    std::optional<Decision> decision{};
    std::optional<Error> error{};
    LaunchOutcome outcome{};
    /// Services: what became of the items so far, an entry a tenant, for a sink that wants it; valid while the
    /// record is passed on.
    std::span<const TenantTotals> tenants{};
};

/// Receives records in order. A sink that cannot keep one remembers why; the run goes on.
class RecordSink {
public:
    RecordSink() = default;
    RecordSink(const RecordSink&) = delete;
    RecordSink& operator=(const RecordSink&) = delete;
    virtual ~RecordSink() = default;
    virtual void record(const LaunchRecord& record) = 0;
    /// Whether `LaunchRecord::tenants` is to be filled: on host threads that is a sum over all workers.
    [[nodiscard]] virtual bool wants_tenants() const { return false; }
};

/// For runs of which only the summary counts.
class NoRecords final : public RecordSink {
public:
    void record(const LaunchRecord& /*record*/) override {}
};

}  // namespace megabed
