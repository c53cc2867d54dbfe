#include "bench/calibrate/wave_samples.h"

#include "bench/scenario_runner.h"
#include "sim/costs/cost_model.h"
#include "sim/workloads/wave_source.h"

#include <fmt/format.h>
#include <numeric>
#include <variant>

namespace megabed {
namespace {

class LaunchList final : public RecordSink {
public:
    void record(const LaunchRecord& record) override {
        if (record.decision) {
            const LaunchOutcome& outcome = record.outcome;
            launches.push_back(
                {record.decision->recommendation, record.observation.request.queue_len,
                 (outcome.duration - outcome.drain - outcome.relaunch - outcome.compilation).value()});
        }
    }

    std::vector<MeasuredLaunch> launches;
};

}  // namespace

std::int64_t MeasuredRun::busy_ns() const {
    return std::accumulate(launches.begin(), launches.end(), std::int64_t{0},
                           [](std::int64_t sum, const MeasuredLaunch& launch) { return sum + launch.busy_ns; });
}

Loaded<MeasuredRun> measure_launches(const Scenario& scenario, const std::string& backend, bool compiles,
                                     GraphStore& graphs) {
    LaunchList list;
    RunnerOptions options;
    options.backend = backend;
    options.check = false;
    options.regret = false;
    options.compiles = compiles;
    options.records = &list;
    const auto run = run_one(scenario, options, graphs, scenario.name);
    if (!run) {
        return Refusal(run.error());
    }
    if (run->summary.stopped_by) {
        return Refusal(
            InputError{.where = scenario.file,
                       .line = {},
                       .key = fmt::format("run {} under {}", scenario.name, scenario.policy),
                       .problem = fmt::format("does not come to its end: {}", *run->summary.stopped_by),
                       .allowed = "a run that does"});
    }
    return MeasuredRun{std::move(list.launches), run->summary.makespan.value()};
}

std::vector<LaunchTerms> terms_of(const Scenario& scenario, const CsrGraph& graph,
                                  const std::vector<MeasuredLaunch>& launches, bool compiles) {
    const auto& workload = std::get<TraversalWorkload>(scenario.workload);
    const auto traversal = make_traversal(graph, workload.traversal, scenario.device.heavy_degree);
    std::vector<LaunchTerms> all;
    WaveOrder order;
    for (const MeasuredLaunch& launch : launches) {
        const LaunchRecommendation& asked = launch.recommendation;
        order.topology = asked.topology;
        order.grant = spread_over_blocks(asked.geometry.dispatch_grid[0], asked.geometry.workgroup_size_x,
                                         scenario.device.multiprocessors);
        order.hit_capacity = asked.hit_capacity;
        order.compiled = order.compiled || (compiles && asked.execution_mode == ExecutionMode::Jit);
        LaunchTerms launch_terms;
        launch_terms.compiled = order.compiled;
        const std::uint32_t waves_max = waves_of_launch(asked.topology, scenario.fuse_waves_max);
        for (std::uint32_t wave = 0; wave < waves_max && !traversal->done(); ++wave) {
            const WaveWork work = traversal->expand(direction_of(asked.topology));
            const WaveTerms terms = wave_terms(order, work, graph.vertices());
            order.before = left_behind(order, terms, work);
            launch_terms.terms.set = terms.set;
            for (std::size_t term = 0; term < kWaveTerms; ++term) {
                launch_terms.terms.amounts[term] += terms.amounts[term];
            }
        }
        all.push_back(launch_terms);
    }
    return all;
}

}  // namespace megabed
