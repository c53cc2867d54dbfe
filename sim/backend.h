#pragma once

#include "policy/policy.h"
#include "policy/units.h"
#include "sim/engine/checkpoint.h"
#include "sim/launch_record.h"
#include "sim/service_totals.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace megabed {

/// Where launches happen. A backend never calls policy code; `run_scenario` goes between.
class Backend {
public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;

    /// Whether all work is finished.
    [[nodiscard]] virtual bool done() const = 0;
    /// A snapshot of the telemetry; counters "since the last recommendation" start again.
    [[nodiscard]] virtual Observation observe() = 0;
    /// Carries out a recommendation and returns when it is finished.
    [[nodiscard]] virtual LaunchOutcome launch(const LaunchRecommendation& recommendation) = 0;
    /// Lets time pass without a launch, after a refusal. Work that asks each question once goes on to the next.
    virtual void pause(SimTime time) = 0;

    [[nodiscard]] virtual SimTime now() const = 0;
    /// Levels of a traversal, waves of a synthetic frontier or epochs of a service so far: waves without the
    /// extra passes of an overflowing hit capacity.
    [[nodiscard]] virtual std::uint64_t levels() const = 0;
    /// Absent where the workload has no items.
    [[nodiscard]] virtual const ServiceTotals* service_totals() const = 0;
    /// Digest of everything that happened inside the backend so far; where times are measured, of its results.
    [[nodiscard]] virtual std::uint64_t digest() const = 0;
    /// Whether times are measured instead of simulated: two runs then agree in everything but times.
    [[nodiscard]] virtual bool measures_time() const { return false; }
    /// Why the backend can carry nothing out any more, if so: a stuck worker, say, and the slot it has.
    [[nodiscard]] virtual std::optional<std::string> failure() const { return std::nullopt; }
    /// Events processed so far; 0 where there are none.
    [[nodiscard]] virtual std::uint64_t events() const { return 0; }

    /// For checkpoints, between launches. Requires: `resumable()`.
    [[nodiscard]] virtual bool resumable() const { return false; }
    virtual void save(CheckpointWriter& /*writer*/) const {}
    virtual void load(CheckpointReader& /*reader*/) {}
};

}  // namespace megabed
