#include "sim/run_scenario.h"

#include "sim/decision_digest.h"
#include "sim/engine/digest.h"
#include "sim/flaps.h"

#include <fmt/format.h>
#include <algorithm>
#include <utility>
#include <variant>

namespace megabed {
namespace {

void add_record(Digest& digest, const LaunchRecord& record) {
    const LaunchOutcome& outcome = record.outcome;
    digest.add(record.index);
    digest.add(std::uint64_t{record.observation.request.queue_len});
    if (record.decision) {
        add_decision(digest, *record.decision);
    }
    if (record.error) {
        add_refusal(digest, *record.error);
    }
    digest.add(static_cast<std::uint64_t>(outcome.start.value()));
    digest.add(static_cast<std::uint64_t>(outcome.duration.value()));
    digest.add(std::uint64_t{outcome.granted_groups} << 32 | outcome.waves);
    digest.add(outcome.items);
    digest.add(outcome.arcs);
}

/// Collects a summary launch by launch.
class SummaryBuilder {
public:
    SummaryBuilder(const Scenario& scenario, std::string backend) : flaps_(scenario.parameters) {
        summary_.name = scenario.name;
        summary_.policy = scenario.policy;
        summary_.backend = std::move(backend);
        summary_.decide = scenario.decide;
        summary_.seed = scenario.seed;
        summary_.budget = scenario.memory.budget;
    }

    void add(const LaunchRecord& record) {
        add_record(digest_, record);
        if (!record.decision) {
            summary_.waiting += record.outcome.duration;
            return;
        }
        summary_.waves += record.outcome.waves;
        const LaunchRecommendation& answer = record.decision->recommendation;
        ++summary_.launches;
        TopologyShare& share = summary_.by_topology[static_cast<std::size_t>(answer.topology)];
        ++share.launches;
        share.waves += record.outcome.waves;
        share.time += record.outcome.duration;
        summary_.relaunch += record.outcome.relaunch;
        summary_.compilation += record.outcome.compilation;
        summary_.peak = std::max(summary_.peak, answer.estimated_peak_device_bytes);
        if (answer.topology != DispatchTopology::Empty) {
            ++running_launches_;
            worker_groups_ += answer.worker_groups;
        }
        const LaunchRequest& request = record.observation.request;
        flaps_.add(answer.topology, request.frontier_density, request.memory_pressure);
    }

    void count_refusal(bool out_of_memory) {
        ++summary_.refusals;
        summary_.oom_rejections += out_of_memory ? 1 : 0;
    }
    void stop(std::string why) { summary_.stopped_by = std::move(why); }
    [[nodiscard]] bool stopped() const { return summary_.stopped_by.has_value(); }
    [[nodiscard]] std::uint64_t launches() const { return summary_.launches; }

    RunSummary finish(const Backend& backend) {
        digest_.add(backend.digest());
        summary_.digest = digest_.value();
        summary_.levels = backend.levels();
        summary_.makespan = backend.now();
        summary_.topology_switches = flaps_.switches();
        summary_.flaps = flaps_.flaps();
        summary_.worker_groups_mean = running_launches_ == 0 ? 0
                                                             : static_cast<double>(worker_groups_) /
                                                                   static_cast<double>(running_launches_);
        if (const ServiceTotals* totals = backend.service_totals()) {
            summary_.service = *totals;
            if (const Histogram latencies = totals->sum().latency_ns; !latencies.empty()) {
                constexpr double kMedian = 0.5;
                constexpr double kTail = 0.99;
                summary_.latency = LatencySummary{latencies.quantile(kMedian), latencies.quantile(kTail),
                                                  latencies.greatest()};
            }
        }
        return std::move(summary_);
    }

private:
    RunSummary summary_;
    FlapCounter flaps_;
    Digest digest_;
    std::uint64_t worker_groups_ = 0;
    std::uint64_t running_launches_ = 0;
};

}  // namespace

Loaded<RunSummary> run_scenario(const Scenario& scenario, std::string backend_name, Policy& policy,
                                Backend& backend, RecordSink& sink, const RunOptions& options) {
    constexpr std::uint64_t kProgressEvery = 256;
    const bool asks_once = std::holds_alternative<RequestsWorkload>(scenario.workload);
    SummaryBuilder summary(scenario, std::move(backend_name));
    PolicyState state;
    std::uint32_t refusals_in_a_row = 0;
    for (std::uint64_t index = 0; !backend.done(); ++index) {
        if (options.stop.stop_requested()) {
            return Refusal(InputError{.kind = InputErrorKind::Interrupted,
                                      .where = scenario.file,
                                      .line = {},
                                      .key = scenario.name,
                                      .problem = "interrupted",
                                      .allowed = {}});
        }
        if (options.progress && index % kProgressEvery == 0) {
            options.progress({summary.launches(), backend.now()});
        }
        LaunchRecord record;
        record.index = index;
        record.observation = backend.observe();
        const auto decision = policy.recommend(record.observation, state);
        if (decision) {
            record.decision = *decision;
            record.outcome = backend.launch(decision->recommendation);
            state = decision->next;
            refusals_in_a_row = 0;
            policy.observe(
                {record.observation, *record.decision, record.outcome.duration, record.outcome.items});
        } else {
            const bool out_of_memory = decision.error().code == ErrorCode::OutOfMemory;
            record.error = decision.error();
            record.outcome.start = backend.now();
            summary.count_refusal(out_of_memory);
            if (asks_once) {
                record.outcome.duration = SimTime(0);
            } else if (out_of_memory && refusals_in_a_row++ < scenario.out_of_memory_retries_max) {
                record.outcome.duration = scenario.out_of_memory_pause;
            } else {
                summary.stop(fmt::format("launch {} was refused: {}", index, to_string(decision.error())));
            }
        }
        summary.add(record);
        sink.record(record);
        if (summary.stopped()) {
            break;
        }
        if (record.error) {
            backend.pause(record.outcome.duration);
        }
    }
    return summary.finish(backend);
}

}  // namespace megabed
