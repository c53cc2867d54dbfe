#pragma once

#include "policy/policy.h"
#include "policy/units.h"
#include "sim/launch_record.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace megabed {

/// Item counts of a service workload; all zero for the others.
struct ServiceTotals {
    std::uint64_t published = 0;
    std::uint64_t done = 0;
    std::uint64_t rejected = 0;
    std::uint64_t requeued = 0;
    std::vector<std::int64_t> latencies_ns;  ///< of every item done, in order of completion
};

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
    /// Digest of everything that happened inside the backend so far.
    [[nodiscard]] virtual std::uint64_t digest() const = 0;
};

}  // namespace megabed
