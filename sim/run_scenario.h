#pragma once

#include "policy/policy.h"
#include "policy/units.h"
#include "sim/backend.h"
#include "sim/input_error.h"
#include "sim/launch_record.h"
#include "sim/scenario.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace megabed {

/// Order statistics of latencies, in nanoseconds.
struct LatencySummary {
    std::int64_t p50 = 0;
    std::int64_t p99 = 0;
    std::int64_t max = 0;
};

/// Launches of one topology and the time they took.
struct TopologyShare {
    std::uint64_t launches = 0;
    std::uint64_t waves = 0;
    SimTime time{};
};

/// What one run comes to.
struct RunSummary {
    std::string name;
    std::string policy;
    std::string backend;
    DecisionPlace decide{};
    std::uint64_t seed = 0;
    std::uint64_t digest = 0;
    std::uint64_t levels = 0;    ///< levels, synthetic waves or epochs of the workload
    std::uint64_t waves = 0;     ///< levels and the extra passes of overflowing hit capacities
    std::uint64_t launches = 0;  ///< recommendations carried out, those of an empty queue included
    SimTime makespan{};
    std::uint64_t topology_switches = 0;
    std::uint64_t flaps = 0;
    std::array<TopologyShare, 6> by_topology{};  ///< indexed by DispatchTopology
    double worker_groups_mean = 0;               ///< over launches that ran something
    Bytes peak{};                                ///< largest estimated peak of any launch
    std::optional<Bytes> budget{};
    std::uint64_t oom_rejections = 0;
    std::uint64_t refusals = 0;  ///< of any kind, for lack of memory included
    SimTime relaunch{};          ///< part of the makespan
    SimTime compilation{};       ///< part of the makespan
    SimTime waiting{};           ///< part of the makespan: pauses after refusals
    std::optional<ServiceTotals> service{};
    std::optional<LatencySummary> latency{};
    std::optional<std::string> stopped_by;  ///< why the work was not finished, if it was not
};

/// How far a run has come, for a progress line.
struct RunProgress {
    std::uint64_t launches = 0;
    SimTime now{};
};

struct RunOptions {
    std::stop_token stop{};
    std::function<void(const RunProgress&)> progress{};  ///< called every few hundred launches
};

/// Drives a policy through a backend until the work is done: observe, recommend, launch, record.
/// A refusal for lack of memory is asked again after the scenario's pause, up to its limit; any other refusal,
/// or the limit, ends the run with `stopped_by` set. A workload of listed requests goes on after any refusal.
/// Errors: Interrupted.
[[nodiscard]] Loaded<RunSummary> run_scenario(const Scenario& scenario, std::string backend_name,
                                              Policy& policy, Backend& backend, RecordSink& sink,
                                              const RunOptions& options = {});

}  // namespace megabed
