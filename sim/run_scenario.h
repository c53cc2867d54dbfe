#pragma once

#include "policy/policy.h"
#include "policy/units.h"
#include "sim/backend.h"
#include "sim/engine/checkpoint.h"
#include "sim/engine/digest.h"
#include "sim/flaps.h"
#include "sim/input_error.h"
#include "sim/launch_record.h"
#include "sim/scenario.h"
#include "sim/telemetry_faults.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace megabed {

/// Order statistics of latencies, in nanoseconds. Source: Histogram, at most 1/128 too high.
struct LatencySummary {
    std::int64_t p50 = 0;
    std::int64_t p99 = 0;
    std::int64_t max = 0;
    double mean = 0;
};

/// Launches of one topology and the time they took.
struct TopologyShare {
    std::uint64_t launches = 0;
    std::uint64_t waves = 0;
    SimTime time{};
};

/// What a run counts launch by launch.
struct RunCounts {
    std::uint64_t records = 0;           ///< launches and refusals
    std::uint64_t waves = 0;             ///< levels and the extra passes of overflowing hit capacities
    std::uint64_t launches = 0;          ///< recommendations carried out, those of an empty queue included
    std::uint64_t running_launches = 0;  ///< those that ran something
    std::uint64_t worker_groups = 0;     ///< summed over launches that ran something
    std::array<TopologyShare, 6> by_topology{};  ///< indexed by DispatchTopology
    Bytes peak{};                                ///< largest estimated peak of any launch
    std::uint64_t oom_rejections = 0;
    std::uint64_t refusals = 0;  ///< of any kind, for lack of memory included
    SimTime drain{};             ///< part of the makespan
    SimTime relaunch{};          ///< part of the makespan
    SimTime compilation{};       ///< part of the makespan
    SimTime waiting{};           ///< part of the makespan: pauses after refusals
    std::uint64_t arcs = 0;      ///< inspected
};

/// What one run comes to.
struct RunSummary : RunCounts {
    std::string name;
    std::string policy;
    std::string backend;
    DecisionPlace decide{};
    std::uint64_t seed = 0;
    std::uint64_t digest = 0;
    std::uint64_t levels = 0;  ///< levels, synthetic waves or epochs of the workload
    std::uint64_t events = 0;  ///< of the simulation
    SimTime makespan{};
    std::uint64_t topology_switches = 0;
    std::uint64_t flaps = 0;
    double worker_groups_mean = 0;  ///< over launches that ran something
    std::optional<Bytes> budget{};
    std::optional<ServiceTotals> service{};
    std::optional<LatencySummary> latency{};
    std::optional<SimTime> hindsight{};     ///< makespan of the best topologies in retrospect
    std::optional<double> regret{};         ///< (makespan - hindsight) / hindsight
    std::optional<std::string> stopped_by;  ///< why the work was not finished, if it was not

    /// Sets `hindsight`, and `regret` by it.
    void set_hindsight(SimTime best);
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

/// One run of a policy on a backend: observe, recommend, launch, record, until the work is done.
/// A refusal for lack of memory is asked again after the scenario's pause, up to its limit; any other refusal,
/// or the limit, or a failure of the backend, ends the run with `stopped_by` set. A workload of listed requests
/// goes on after any refusal.
class ScenarioRun {
public:
    /// Requires: all of them outlive the run; `policy` and `backend` are fresh.
    ScenarioRun(const Scenario& scenario, std::string backend_name, Policy& policy, Backend& backend,
                RecordSink& sink);

    /// Goes on until the work is done, or until the first launch that ends at `until` or later.
    /// Errors: Interrupted, between two launches; the run can go on.
    [[nodiscard]] Loaded<void> advance(const RunOptions& options = {}, std::optional<SimTime> until = {});
    [[nodiscard]] bool finished() const { return stopped_by_ || backend_.done(); }
    [[nodiscard]] RunSummary summary() const;

    /// The whole state between two launches: of policy, backend and statistics. What went to the sink is not in
    /// it. Requires: the backend is resumable; `load` on a fresh run of the same scenario.
    void save(CheckpointWriter& writer);
    void load(CheckpointReader& reader);

private:
    template <class Archive>
    void archive(Archive& archive);
    void step();
    void carry_out(LaunchRecord& record, const Decision& decision);
    void refuse(LaunchRecord& record, const Error& error);
    void count(const LaunchRecord& record);

    const Scenario& scenario_;
    std::string backend_name_;
    Policy& policy_;
    Backend& backend_;
    RecordSink& sink_;
    bool asks_once_;
    TelemetryFaults faults_;
    FlapCounter flaps_;
    Digest digest_;
    RunCounts counts_{};
    PolicyState state_{};
    std::uint32_t refusals_in_a_row_ = 0;
    std::uint32_t idle_in_a_row_ = 0;
    std::optional<std::string> stopped_by_{};
};

/// A run from beginning to end. Errors: Interrupted.
[[nodiscard]] Loaded<RunSummary> run_scenario(const Scenario& scenario, std::string backend_name,
                                              Policy& policy, Backend& backend, RecordSink& sink,
                                              const RunOptions& options = {});

}  // namespace megabed
