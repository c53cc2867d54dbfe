#include "sim/run_scenario.h"

#include "sim/decision_digest.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <boost/serialization/vector.hpp>
#include <utility>
#include <variant>

namespace megabed {
namespace {

void add_record(Digest& digest, const LaunchRecord& record, bool measures_time) {
    const LaunchOutcome& outcome = record.outcome;
    digest.add_words(std::array<std::uint64_t, 2>{record.index, record.observation.request.queue_len});
    if (record.decision) {
        add_decision(digest, *record.decision);
    }
    if (record.error) {
        add_refusal(digest, *record.error);
    }
    // Measured times, and the groups that a machine happens to grant, are no part of what two runs agree in.
    const SimTime start = measures_time ? SimTime(0) : outcome.start;
    const SimTime duration = measures_time ? SimTime(0) : outcome.duration;
    const std::uint64_t groups = measures_time ? 0 : outcome.granted_groups;
    digest.add_words(std::array<std::uint64_t, 5>{static_cast<std::uint64_t>(start.value()),
                                                  static_cast<std::uint64_t>(duration.value()),
                                                  groups << 32 | outcome.waves, outcome.items, outcome.arcs});
}

LatencySummary summarise(const Histogram& latencies) {
    constexpr double kMedian = 0.5;
    constexpr double kTail = 0.99;
    return {latencies.quantile(kMedian), latencies.quantile(kTail), latencies.greatest(), latencies.mean()};
}

}  // namespace

ScenarioRun::ScenarioRun(const Scenario& scenario, std::string backend_name, Policy& policy, Backend& backend,
                         RecordSink& sink)
    : scenario_(scenario),
      backend_name_(std::move(backend_name)),
      policy_(policy),
      backend_(backend),
      sink_(sink),
      asks_once_(std::holds_alternative<RequestsWorkload>(scenario.workload)),
      faults_(scenario.faults, scenario.seed),
      flaps_(scenario.parameters) {}

Loaded<void> ScenarioRun::advance(const RunOptions& options, std::optional<SimTime> until) {
    constexpr std::uint64_t kLookUpEvery = 256;
    for (std::uint64_t step_number = 0; !finished() && !(until && backend_.now() >= *until); ++step_number) {
        if (step_number % kLookUpEvery == 0) {
            if (options.stop.stop_requested()) {
                return Refusal(
                    InputError{.kind = InputErrorKind::Interrupted,
                               .where = scenario_.file,
                               .line = {},
                               .key = scenario_.name,
                               .problem = fmt::format("interrupted after {} launches, {} ns into the run",
                                                      counts_.launches, backend_.now().value()),
                               .allowed = {}});
            }
            if (options.progress) {
                options.progress({counts_.launches, backend_.now()});
            }
        }
        step();
    }
    return {};
}

void ScenarioRun::step() {
    LaunchRecord record;
    record.index = counts_.records;
    record.observation = backend_.observe();
    if (faults_.any()) {
        record.truth = record.observation;
        record.observation = faults_.deliver(*record.truth);
    }
    const auto decision = policy_.recommend(record.observation, state_);
    if (decision) {
        carry_out(record, *decision);
    } else {
        refuse(record, decision.error());
    }
    count(record);
    const ServiceTotals* const totals = sink_.wants_tenants() ? backend_.service_totals() : nullptr;
    if (totals != nullptr) {
        record.tenants = totals->tenants;
    }
    sink_.record(record);
    if (record.error && !stopped_by_) {
        backend_.pause(record.outcome.duration);
    }
}

void ScenarioRun::carry_out(LaunchRecord& record, const Decision& decision) {
    record.decision = decision;
    record.outcome = backend_.launch(decision.recommendation);
    state_ = decision.next;
    refusals_in_a_row_ = 0;
    policy_.observe({record.observation, *record.decision, record.outcome.duration, record.outcome.items});
    if (const auto failure = backend_.failure()) {
        stopped_by_ = fmt::format("launch {} failed: {}", record.index, *failure);
        return;
    }
    // A fault can make a policy see an empty queue for ever, and a plug-in can call any queue empty.
    const LaunchRequest& truth = (record.truth ? *record.truth : record.observation).request;
    const bool idles = decision.recommendation.topology == DispatchTopology::Empty && truth.queue_len > 0;
    idle_in_a_row_ = idles && !asks_once_ ? idle_in_a_row_ + 1 : 0;
    constexpr std::uint32_t kIdleMax = 1000;
    if (idle_in_a_row_ > kIdleMax) {
        stopped_by_ = fmt::format("{} launches in a row were empty with work in the queue", idle_in_a_row_);
    }
}

void ScenarioRun::refuse(LaunchRecord& record, const Error& error) {
    const bool out_of_memory = error.code == ErrorCode::OutOfMemory;
    record.error = error;
    record.outcome.start = backend_.now();
    ++counts_.refusals;
    counts_.oom_rejections += out_of_memory ? 1 : 0;
    if (asks_once_) {
        record.outcome.duration = SimTime(0);
    } else if (out_of_memory && refusals_in_a_row_++ < scenario_.out_of_memory_retries_max) {
        record.outcome.duration = scenario_.out_of_memory_pause;
    } else {
        stopped_by_ = fmt::format("launch {} was refused: {}", record.index, to_string(error));
    }
}

void ScenarioRun::count(const LaunchRecord& record) {
    add_record(digest_, record, backend_.measures_time());
    ++counts_.records;
    if (!record.decision) {
        counts_.waiting += record.outcome.duration;
        return;
    }
    const LaunchOutcome& outcome = record.outcome;
    const LaunchRecommendation& answer = record.decision->recommendation;
    ++counts_.launches;
    counts_.waves += outcome.waves;
    counts_.arcs += outcome.arcs;
    TopologyShare& share = counts_.by_topology[static_cast<std::size_t>(answer.topology)];
    ++share.launches;
    share.waves += outcome.waves;
    share.time += outcome.duration;
    counts_.drain += outcome.drain;
    counts_.relaunch += outcome.relaunch;
    counts_.compilation += outcome.compilation;
    counts_.peak = std::max(counts_.peak, answer.estimated_peak_device_bytes);
    if (answer.topology != DispatchTopology::Empty) {
        ++counts_.running_launches;
        counts_.worker_groups += answer.worker_groups;
    }
    // Whether the load stayed where it was is a matter of the load, not of what a fault makes of it.
    const LaunchRequest& request = (record.truth ? *record.truth : record.observation).request;
    flaps_.add(answer.topology, request.frontier_density, request.memory_pressure);
}

void RunSummary::set_hindsight(SimTime best) {
    const auto best_ns = static_cast<double>(best.value());
    hindsight = best;
    regret = best_ns > 0 ? (static_cast<double>(makespan.value()) - best_ns) / best_ns : 0;
}

RunSummary ScenarioRun::summary() const {
    RunSummary summary;
    static_cast<RunCounts&>(summary) = counts_;
    summary.name = scenario_.name;
    summary.policy = scenario_.policy;
    summary.backend = backend_name_;
    summary.decide = scenario_.decide;
    summary.seed = scenario_.seed;
    summary.budget = scenario_.memory.budget;
    Digest whole;
    whole.add(digest_.value());
    whole.add(backend_.digest());
    summary.digest = whole.value();
    summary.levels = backend_.levels();
    summary.events = backend_.events();
    summary.makespan = backend_.now();
    summary.topology_switches = flaps_.switches();
    summary.flaps = flaps_.flaps();
    summary.worker_groups_mean =
        counts_.running_launches == 0
            ? 0
            : static_cast<double>(counts_.worker_groups) / static_cast<double>(counts_.running_launches);
    summary.stopped_by = stopped_by_;
    if (const ServiceTotals* totals = backend_.service_totals()) {
        summary.service = *totals;
        if (const Histogram latencies = totals->sum().latency_ns; !latencies.empty()) {
            summary.latency = summarise(latencies);
        }
    }
    return summary;
}

template <class Archive>
void ScenarioRun::archive(Archive& archive) {
    archive& faults_& flaps_& refusals_in_a_row_& idle_in_a_row_;
    archive_plain(archive, counts_);
    archive_plain(archive, state_);
}

void ScenarioRun::save(CheckpointWriter& writer) {
    const std::vector<std::uint64_t> learned = policy_.learned();
    archive(writer);
    writer << learned;
    digest_.save(writer);
    backend_.save(writer);
}

void ScenarioRun::load(CheckpointReader& reader) {
    std::vector<std::uint64_t> learned;
    archive(reader);
    reader >> learned;
    policy_.restore(learned);
    digest_.load(reader);
    backend_.load(reader);
}

Loaded<RunSummary> run_scenario(const Scenario& scenario, std::string backend_name, Policy& policy,
                                Backend& backend, RecordSink& sink, const RunOptions& options) {
    ScenarioRun run(scenario, std::move(backend_name), policy, backend, sink);
    if (const auto advanced = run.advance(options); !advanced) {
        return Refusal(advanced.error());
    }
    return run.summary();
}

}  // namespace megabed
