#include "bench/study/point_runner.h"

#include "bench/scenario_runner.h"
#include "policy/recommendation_cache.h"
#include "sim/adversary.h"
#include "sim/engine/digest.h"
#include "sim/hindsight.h"
#include "sim/launch_record.h"
#include "sim/plugins/plugin_policy.h"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>
#include <span>
#include <utility>

namespace megabed {
namespace {

std::int64_t as_integer(std::uint64_t value) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max()));
}

/// Gathers what a run's launches tell beyond its summary, as far as it is asked for.
class StudySink final : public RecordSink {
public:
    StudySink(const PointSpec& spec, const LaunchPolicyParameters& parameters)
        : timeline_(spec.timeline), parameters_(parameters) {
        if (spec.launch_cache) {
            cache_.emplace();
        }
    }

    void record(const LaunchRecord& record) override {
        if (cache_) {
            (void)cache_->recommend(parameters_, record.observation.request);
        }
        if (timeline_ && record.decision) {
            extend_timeline(record);
        }
    }

    [[nodiscard]] bool wanted() const { return timeline_ || cache_; }
    void fill(RunOutcome& outcome) {
        outcome.timeline = std::move(segments_);
        if (cache_) {
            outcome.cache_hits = as_integer(cache_->stats().hits);
            outcome.cache_misses = as_integer(cache_->stats().misses);
        }
    }

private:
    /// Launches of one topology in a row are one segment.
    void extend_timeline(const LaunchRecord& record) {
        const std::string_view topology = to_string(record.decision->recommendation.topology);
        if (segments_.empty() || segments_.back().topology != topology) {
            if (segments_.size() == kTimelineSegmentsMax) {
                full_ = true;
            }
            if (full_) {
                return;
            }
            segments_.push_back({std::string(topology), record.outcome.start.value(), 0, 0, {}, {}});
        } else if (full_) {
            return;
        }
        OutcomeSegment& segment = segments_.back();
        segment.end_ns = record.outcome.start.value() + record.outcome.duration.value();
        ++segment.launches;
        if (const auto density = record.observation.request.frontier_density) {
            const std::int64_t bps = density->value();
            segment.density_min_bps = std::min(segment.density_min_bps.value_or(bps), bps);
            segment.density_max_bps = std::max(segment.density_max_bps.value_or(bps), bps);
        }
    }

    bool timeline_;
    LaunchPolicyParameters parameters_;
    std::optional<RecommendationCache> cache_;
    std::vector<OutcomeSegment> segments_;
    bool full_ = false;
};

void describe(RunOutcome& outcome, const Scenario& scenario) {
    if (!scenario.graph.empty()) {
        outcome.graph = scenario.graph;
    }
    outcome.device = scenario.device.name;
    outcome.device_digest = hex(scenario.device.digest);
}

void fill(RunOutcome& outcome, const RunSummary& summary) {
    if (summary.stopped_by) {
        outcome.error = *summary.stopped_by;
    }
    outcome.digest = hex(summary.digest);
    outcome.makespan_ns = summary.makespan.value();
    outcome.launches = as_integer(summary.launches);
    outcome.waves = as_integer(summary.waves);
    outcome.levels = as_integer(summary.levels);
    outcome.topology_switches = as_integer(summary.topology_switches);
    outcome.flaps = as_integer(summary.flaps);
    outcome.worker_groups_mean = summary.worker_groups_mean;
    outcome.arcs = as_integer(summary.arcs);
    outcome.peak_bytes = as_integer(summary.peak.value());
    if (summary.budget) {
        outcome.budget_bytes = as_integer(summary.budget->value());
    }
    outcome.oom_rejections = as_integer(summary.oom_rejections);
    outcome.drain_ns = summary.drain.value();
    outcome.relaunch_ns = summary.relaunch.value();
    outcome.compilation_ns = summary.compilation.value();
    outcome.waiting_ns = summary.waiting.value();
    if (summary.hindsight) {
        outcome.hindsight_ns = summary.hindsight->value();
    }
    if (summary.regret) {
        outcome.regret = *summary.regret;
    }
    if (summary.service) {
        const TenantTotals sum = summary.service->sum();
        outcome.items_published = as_integer(sum.published);
        outcome.items_done = as_integer(sum.done);
        outcome.items_rejected = as_integer(sum.rejected);
        outcome.items_requeued = as_integer(sum.requeued);
    }
    if (summary.latency) {
        outcome.latency_mean_ns = summary.latency->mean;
        outcome.latency_p50_ns = summary.latency->p50;
        outcome.latency_p99_ns = summary.latency->p99;
        outcome.latency_max_ns = summary.latency->max;
    }
    for (const DispatchTopology topology : kAllTopologies) {
        const TopologyShare& share = summary.by_topology[static_cast<std::size_t>(topology)];
        if (share.launches != 0) {
            outcome.shares.push_back({std::string(to_string(topology)), as_integer(share.launches),
                                      as_integer(share.waves), share.time.value()});
        }
    }
}

std::string key_of(const PointSpec& spec) {
    return fmt::format("{}\n{}\n{}", spec.path, spec.policy, fmt::join(spec.settings, "\n"));
}

}  // namespace

PointRunner::PointRunner(unsigned threads, std::stop_token stop)
    : stop_(std::move(stop)), graphs_(threads + 1), files_max_(std::size_t{threads} + 1) {}

PointRunner::SharedFile PointRunner::parsed(const PointSpec& spec) {
    const std::string key = key_of(spec);
    {
        const std::scoped_lock lock(mutex_);
        const auto there =
            std::find_if(files_.begin(), files_.end(), [&](const auto& entry) { return entry.first == key; });
        if (there != files_.end()) {
            return there->second;
        }
    }
    ScenarioOverrides overrides;
    overrides.settings = spec.settings;
    overrides.policy = spec.policy;
    overrides.replications = 1;  // the study's seeds are its replications
    auto file = std::make_shared<const Loaded<ScenarioFile>>(parse_scenario(*spec.text, spec.path, overrides));
    const std::scoped_lock lock(mutex_);
    files_.emplace_front(key, file);
    if (files_.size() > files_max_) {
        files_.pop_back();
    }
    return file;
}

std::optional<SimTime> PointRunner::best_makespan(const PointSpec& spec, const Scenario& scenario,
                                                  const CsrGraph* graph) {
    const auto look_back = [&]() -> std::optional<SimTime> {
        const auto plan = best_in_hindsight(scenario, graph);
        return plan ? std::optional(plan->makespan) : std::nullopt;
    };
    if (is_adversarial(scenario)) {  // the densities are another for every policy
        return look_back();
    }
    const std::string text =
        fmt::format("{}\n{}\n{}\n{}\n{}", spec.path, spec.run, scenario.seed,
                    scenario.decide == DecisionPlace::Host ? "host" : "device", fmt::join(spec.settings, "\n"));
    const std::uint64_t key = digest_of(std::as_bytes(std::span(text)));
    {
        const std::scoped_lock lock(mutex_);
        if (const auto known = best_.find(key); known != best_.end()) {
            return known->second;
        }
    }
    const auto best = look_back();
    const std::scoped_lock lock(mutex_);
    best_.emplace(key, best);
    return best;
}

bool PointRunner::carry_out(const PointSpec& spec, const Scenario& scenario, RunOutcome& outcome) {
    StudySink sink(spec, scenario.parameters);
    RunnerOptions options;
    options.backend = spec.backend;
    options.stop = stop_;
    options.regret = false;
    options.records = sink.wanted() ? &sink : nullptr;
    std::unique_lock plugin(plugin_mutex_, std::defer_lock);
    std::unique_lock measured(measured_mutex_, std::defer_lock);
    if (is_plugin_path(scenario.policy)) {
        plugin.lock();
    }
    if (spec.backend != "sim") {
        measured.lock();
    }
    auto finished = run_one(scenario, options, graphs_, spec.run);
    if (!finished) {
        outcome.error = to_string(finished.error());
        return finished.error().kind != InputErrorKind::Interrupted;
    }
    RunSummary& summary = finished->summary;
    if (spec.hindsight && spec.backend == "sim" && !summary.stopped_by) {
        SharedGraph graph;
        if (!scenario.graph.empty()) {
            if (auto loaded = graphs_.get(scenario.graph)) {
                graph = *std::move(loaded);
            }
        }
        if (const auto best = best_makespan(spec, finished->scenario, graph.get())) {
            summary.set_hindsight(*best);
        }
    }
    fill(outcome, summary);
    sink.fill(outcome);
    return true;
}

std::optional<RunOutcome> PointRunner::run(const PointSpec& spec) {
    if (stop_.stop_requested()) {
        return std::nullopt;
    }
    const auto start = std::chrono::steady_clock::now();
    RunOutcome outcome;
    outcome.id = as_integer(spec.id);
    const SharedFile file = parsed(spec);
    if (!*file) {
        outcome.error = to_string(file->error());
    } else {
        const auto& runs = (*file)->runs;
        const auto run = std::find_if(runs.begin(), runs.end(),
                                      [&](const Scenario& known) { return known.name == spec.run; });
        if (run == runs.end()) {
            outcome.error = fmt::format("{}: {} is no run of it", spec.path, printable(spec.run));
        } else {
            Scenario scenario = *run;
            scenario.seed = spec.seed;
            describe(outcome, scenario);
            try {
                if (!carry_out(spec, scenario, outcome)) {
                    return std::nullopt;
                }
            } catch (const std::exception& failure) {  // memory that is not there, say
                outcome.error = failure.what();
            }
        }
    }
    outcome.wall_ns = std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
    return outcome;
}

}  // namespace megabed
