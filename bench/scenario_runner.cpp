#include "bench/scenario_runner.h"

#include "bench/graph_store.h"
#include "bench/progress_line.h"
#include "bench/run_outputs.h"
#include "bench/run_policy.h"
#include "gpu/cuda_backend.h"
#include "gpu/device_policy.h"
#include "scenarios/workload_tables.h"
#include "sim/engine/digest.h"
#include "sim/graphs/graph_source.h"
#include "sim/hindsight.h"
#include "sim/plugins/plugin_policy.h"
#include "sim/plugins/policy_source.h"
#include "sim/sim_backend.h"
#include "sim/threads/thread_backend.h"
#include "sim/traversals/oracles.h"
#include "sim/workloads/prescribed_oracle.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <memory>
#include <sstream>
#include <thread>
#include <utility>
#include <variant>

namespace megabed {
namespace {

constexpr std::array kBackends{
    BackendRow{"sim", "discrete-event simulation on this machine; no GPU needed"},
    BackendRow{"threads", "megakernel on this machine's threads: the work is done, times are measured"},
    BackendRow{"cuda", "the CUDA megakernel: a resident kernel on this machine's card, times are measured"},
};

Loaded<void> check_root(const Scenario& scenario, const CsrGraph& graph) {
    const auto* const traversal = std::get_if<TraversalWorkload>(&scenario.workload);
    if (traversal == nullptr || !traversal->traversal.root || *traversal->traversal.root < graph.vertices()) {
        return {};
    }
    return Refusal(
        InputError{.where = scenario.file,
                   .line = {},
                   .key = fmt::format("run {}: run.{}.root", scenario.name, workload_table(scenario.workload)),
                   .problem = fmt::format("is {}", *traversal->traversal.root),
                   .allowed = fmt::format("0 to {}", graph.vertices() - 1)});
}

/// Runs a scenario on a backend that does the work, and holds its result against the oracle's when it is
/// finished, unless that is not wanted.
template <class MeasuredBackend>
Loaded<RunSummary> run_and_check(const Scenario& scenario, const CsrGraph* graph, const RunnerOptions& options,
                                 Policy& policy, MeasuredBackend& backend, RecordSink& sink,
                                 const RunOptions& run_options) {
    const auto* const traversal = std::get_if<TraversalWorkload>(&scenario.workload);
    const bool prescribed = options.check && is_prescribed(scenario);
    TopologyHistory history(sink);
    auto summary =
        run_scenario(scenario, options.backend, policy, backend, prescribed ? history : sink, run_options);
    if (!summary || summary->stopped_by || !options.check) {
        return summary;
    }
    const bool same = traversal != nullptr
                          ? backend.result_digest() == oracle_digest(*graph, traversal->traversal)
                          : !prescribed || backend.result_digest() == prescribed_oracle(scenario, history);
    if (!same) {
        summary->stopped_by = "the result differs from the oracle's";
    }
    return summary;
}

Loaded<RunSummary> run_on_threads(const Scenario& scenario, const CsrGraph* graph, const RunnerOptions& options,
                                  Policy& policy, RecordSink& sink, const RunOptions& run_options) {
    const auto backend = make_thread_backend(scenario, graph);
    return run_and_check(scenario, graph, options, policy, *backend, sink, run_options);
}

Loaded<RunSummary> run_on_cuda(Scenario scenario, const CsrGraph* graph, const RunnerOptions& options,
                               Policy& policy, RecordSink& sink, const RunOptions& run_options) {
    scenario.decide = cuda_decision_place(scenario);
    CudaOptions cuda_options;
    cuda_options.compiles = options.compiles;
    const auto backend = make_cuda_backend(scenario, graph, cuda_options);
    if (!backend) {
        return Refusal(backend.error());
    }
    auto summary = run_and_check(scenario, graph, options, policy, **backend, sink, run_options);
    if (const auto route = (*backend)->compiled_route()) {
        fmt::print(stderr, "megabed: {}: {}\n", scenario.name, *route);
    }
    return summary;
}

RunOptions options_of_run(const RunnerOptions& options, ProgressLine& progress) {
    return {options.stop, [&progress](const RunProgress& at) {
                progress.show(fmt::format("{} launches, {} us", at.launches, at.now.value() / 1000));
            }};
}

/// All replications of a scenario. The launches of the first go to `outputs`.
Loaded<Replications> replicate_scenario(const Scenario& scenario, const CsrGraph* graph,
                                        const RunPolicy& policy, const RunnerOptions& options,
                                        RecordSink& outputs, ProgressLine& progress) {
    const bool repeated = scenario.replications.count_max > 1;
    const bool measured = options.backend != "sim";  // runs at the same time would disturb each other
    const unsigned jobs = policy.plugin || measured ? 1 : options.jobs;
    const auto replication = [&](std::uint32_t number, std::uint64_t seed) {
        Scenario own = scenario;
        own.seed = seed;
        const auto own_policy = policy.make(own);
        RunOptions run_options = options_of_run(options, progress);
        if (repeated) {
            run_options.progress = {};  // the replications are counted instead
        }
        NoRecords no_records;
        RecordSink& sink = number == 0 ? outputs : static_cast<RecordSink&>(no_records);
        if (options.backend == "threads") {
            return run_on_threads(own, graph, options, *own_policy, sink, run_options);
        }
        if (options.backend == "cuda") {
            return run_on_cuda(own, graph, options, *own_policy, sink, run_options);
        }
        const auto backend = make_sim_backend(own, graph, repeated ? 1 : options.jobs);
        return run_scenario(own, options.backend, *own_policy, *backend, sink, run_options);
    };
    ReplicateOptions replicate_options;
    replicate_options.jobs = jobs;
    if (repeated) {
        replicate_options.progress = [&](std::uint32_t done) {
            progress.show(
                fmt::format("replication {} of {}{}", done,
                            scenario.replications.count < scenario.replications.count_max ? "at most " : "",
                            scenario.replications.count_max));
        };
    }
    return replicate(scenario.replications, scenario.seed, replication, replicate_options);
}

/// The run once more under the policy of `--compare`, as often as it was run under its own.
Loaded<Comparison> compare_scenario(const FinishedRun& run, const CsrGraph* graph, const RunnerOptions& options,
                                    ProgressLine& progress) {
    Scenario other = run.scenario;
    other.policy = *options.compare;
    if (is_plugin_path(other.policy)) {
        other.decide = DecisionPlace::Host;
    }
    other.replications.count = static_cast<std::uint32_t>(run.replications.all.size());
    other.replications.count_max = other.replications.count;
    other.replications.relative_half_width = BasisPoints(0);
    const auto policy = policy_of_run(other, graph);
    if (!policy) {
        return Refusal(policy.error());
    }
    NoRecords no_records;
    auto replications = replicate_scenario(other, graph, *policy, options, no_records, progress);
    if (!replications) {
        return Refusal(replications.error());
    }
    return Comparison{other.policy, *std::move(replications)};
}

/// Why the first replication that did not finish its work, from number `first` on, did not.
std::optional<std::string> unfinished(const Replications& replications, std::size_t first) {
    for (std::size_t number = first; number < replications.all.size(); ++number) {
        const Replication& replication = replications.all[number];
        if (replication.stopped_by) {
            return fmt::format("replication {} (seed {}): {}", number, replication.seed,
                               *replication.stopped_by);
        }
    }
    return std::nullopt;
}

/// The graph of a run, null where it needs none.
Loaded<SharedGraph> graph_of(const Scenario& scenario, GraphStore& graphs, ProgressLine& progress) {
    if (scenario.graph.empty()) {
        return nullptr;
    }
    progress.show("loading the graph");
    auto loaded = graphs.get(scenario.graph);
    if (!loaded) {
        return loaded;
    }
    if (const auto checked = check_root(scenario, **loaded); !checked) {
        return Refusal(checked.error());
    }
    return loaded;
}

/// An adversarial density is searched for before the run, against the run's own policy: on the simulator, for
/// every backend.
void find_adversary(FinishedRun& run, const RunPolicy& policy, const RunnerOptions& options,
                    ProgressLine& progress) {
    if (!is_adversarial(run.scenario)) {
        return;
    }
    progress.show("searching for the worst trajectory");
    run.adversary = worst_trajectory(run.scenario, policy.make, options.stop);
    if (!run.adversary->trajectory.empty()) {  // a stop came before the first simulation
        std::get<SyntheticWorkload>(run.scenario.workload).trajectory = run.adversary->trajectory;
    }
}

/// How much longer the run took than the best topologies would have; only the simulator can tell.
void add_regret(FinishedRun& run, const CsrGraph* graph, ProgressLine& progress) {
    if (run.summary.backend != "sim" || run.summary.stopped_by) {
        return;
    }
    progress.show("looking back for the best topologies");
    if (const auto plan = best_in_hindsight(run.scenario, graph)) {
        run.summary.set_hindsight(plan->makespan);
    }
}

/// A run with all that it needs: its graph, its policy, the files that its launches go to.
struct PreparedRun {
    FinishedRun run;
    SharedGraph graph_held;
    const CsrGraph* graph = nullptr;
    RunPolicy policy;
    std::unique_ptr<RunOutputs> outputs;  ///< null where none were asked for
    RecordSink* records = nullptr;        ///< who else wants the launches
    NoRecords no_records;

    [[nodiscard]] RecordSink& sink() {
        if (outputs) {
            return *outputs;
        }
        return records != nullptr ? *records : static_cast<RecordSink&>(no_records);
    }
    /// The files take their names.
    [[nodiscard]] Loaded<void> commit() { return outputs ? outputs->commit() : Loaded<void>(); }
};

/// What only the simulator can carry out is refused elsewhere.
Loaded<void> check_needs_simulator(const Scenario& scenario, const RunnerOptions& options) {
    const bool planned = scenario.policy == kHindsightPolicy || options.compare == kHindsightPolicy;
    if (options.backend == "sim" || !planned) {
        return {};
    }
    return Refusal(InputError{
        .where = "--backend",
        .line = {},
        .key = fmt::format("run {}", scenario.name),
        .problem = fmt::format("the plan in hindsight is made by the simulator, and the backend is {}",
                               options.backend),
        .allowed = "sim"});
}

Loaded<std::unique_ptr<PreparedRun>> prepare(const Scenario& scenario, const RunnerOptions& options,
                                             GraphStore& graphs, ProgressLine& progress) {
    if (const auto checked = check_needs_simulator(scenario, options); !checked) {
        return Refusal(checked.error());
    }
    auto prepared = std::make_unique<PreparedRun>();
    prepared->run.scenario = scenario;
    auto graph = graph_of(scenario, graphs, progress);
    if (!graph) {
        return Refusal(graph.error());
    }
    prepared->graph_held = *std::move(graph);
    prepared->graph = prepared->graph_held.get();
    if (prepared->graph != nullptr) {
        prepared->run.graph = GraphFacts{prepared->graph->vertices(), prepared->graph->undirected_edges()};
    }
    prepared->records = options.records;
    auto policy = policy_of_run(scenario, prepared->graph);
    if (!policy) {
        return Refusal(policy.error());
    }
    prepared->policy = *std::move(policy);
    if (options.out) {
        auto outputs = RunOutputs::open(*options.out / scenario.name, scenario);
        if (!outputs) {
            return Refusal(outputs.error());
        }
        prepared->outputs = *std::move(outputs);
    }
    find_adversary(prepared->run, prepared->policy, options, progress);
    return prepared;
}

/// The paired differences that `--compare` asks for. Errors: as compare_scenario.
Loaded<void> add_comparison(FinishedRun& run, const CsrGraph* graph, const RunnerOptions& options,
                            ProgressLine& progress) {
    auto comparison = compare_scenario(run, graph, options, progress);
    if (!comparison) {
        return Refusal(comparison.error());
    }
    run.comparison = *std::move(comparison);
    const auto why = unfinished(run.comparison->replications, 0);
    if (why && !run.summary.stopped_by) {
        run.summary.stopped_by = fmt::format("under {}, {}", *options.compare, *why);
    }
    return {};
}

// Signal handlers may touch nothing but a lock-free flag; a watcher thread turns it into a stop request.
std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

}  // namespace

Loaded<FinishedRun> run_one(const Scenario& scenario, const RunnerOptions& options, GraphStore& graphs,
                            const std::string& label) {
    ProgressLine progress(options.show_progress, label);
    const auto prepared = prepare(scenario, options, graphs, progress);
    if (!prepared) {
        return Refusal(prepared.error());
    }
    PreparedRun& ready = **prepared;
    FinishedRun& run = ready.run;
    auto replications =
        replicate_scenario(run.scenario, ready.graph, ready.policy, options, ready.sink(), progress);
    if (!replications) {
        return Refusal(replications.error());
    }
    run.replications = *std::move(replications);
    run.summary = run.replications.first;
    run.summary.digest = run.replications.digest();
    if (options.regret) {
        add_regret(run, ready.graph, progress);
    }
    if (!run.summary.stopped_by) {
        run.summary.stopped_by = unfinished(run.replications, 1);
    }
    if (options.compare) {
        if (const auto added = add_comparison(run, ready.graph, options, progress); !added) {
            return Refusal(added.error());
        }
    }
    if (const auto written = ready.commit(); !written) {
        return Refusal(written.error());
    }
    return std::move(run);
}

std::span<const BackendRow> known_backends() { return kBackends; }

Loaded<void> check_backend(const std::string& name) {
    std::vector<std::string_view> names;
    names.reserve(kBackends.size());
    for (const BackendRow& row : kBackends) {
        names.push_back(row.name);
    }
    if (std::find(names.begin(), names.end(), name) == names.end()) {
        return Refusal(InputError{.where = "--backend",
                                  .line = {},
                                  .key = {},
                                  .problem = fmt::format("{} is no backend", printable(name)),
                                  .allowed = listed(names)});
    }
    if (name != "cuda") {
        return {};
    }
    if (const auto device = cuda_device_name(); !device) {
        return Refusal(device.error());
    }
    return {};
}

Loaded<void> load_policies(const ScenarioFile& file, const std::optional<std::string>& compare) {
    for (const Scenario& scenario : file.runs) {
        // The plan in hindsight is made for the run, when its graph is there.
        const bool planned = scenario.policy == kHindsightPolicy;
        if (const auto source = find_policy_source(planned ? "reference" : scenario.policy); !source) {
            return Refusal(source.error());
        }
        if (compare && scenario.replications.count_max < 2) {
            return Refusal(InputError{.where = "--compare",
                                      .line = {},
                                      .key = {},
                                      .problem = fmt::format("the run {} has one replication", scenario.name),
                                      .allowed = "two or more, by --replications or [replications]"});
        }
    }
    if (!compare || *compare == kHindsightPolicy) {
        return {};
    }
    if (const auto source = find_policy_source(*compare); !source) {
        InputError error = source.error();
        error.where = error.where == "--policy" ? "--compare" : error.where;
        return Refusal(std::move(error));
    }
    return {};
}

Loaded<FinishedRuns> run_all(const ScenarioFile& file, const RunnerOptions& options) {
    GraphStore graphs;
    FinishedRuns finished;
    finished.runs.reserve(file.runs.size());
    for (const Scenario& scenario : file.runs) {
        const std::string label =
            fmt::format("[{}/{}] {}", finished.runs.size() + 1, file.runs.size(), scenario.name);
        auto run = run_one(scenario, options, graphs, label);
        if (!run && run.error().kind == InputErrorKind::Interrupted) {
            finished.interrupted = run.error();
            return finished;
        }
        if (!run) {
            return Refusal(run.error());
        }
        finished.runs.push_back(*std::move(run));
    }
    return finished;
}

Loaded<std::optional<std::string>> run_until(const Scenario& scenario, SimTime until,
                                             const RunnerOptions& options) {
    GraphStore graphs;
    ProgressLine progress(options.show_progress, scenario.name);
    const auto prepared = prepare(scenario, options, graphs, progress);
    if (!prepared) {
        return Refusal(prepared.error());
    }
    PreparedRun& ready = **prepared;
    const auto policy = ready.policy.make(ready.run.scenario);
    const auto backend = make_sim_backend(ready.run.scenario, ready.graph, options.jobs);
    ScenarioRun simulation(ready.run.scenario, "sim", *policy, *backend, ready.no_records);
    if (const auto advanced = simulation.advance(options_of_run(options, progress), until); !advanced) {
        return Refusal(advanced.error());
    }
    if (simulation.finished()) {
        return std::nullopt;
    }
    std::ostringstream state;
    {
        CheckpointWriter writer(state);
        simulation.save(writer);
    }
    return std::move(state).str();
}

Loaded<FinishedRun> run_from(const Scenario& scenario, const std::string& state, const RunnerOptions& options) {
    GraphStore graphs;
    ProgressLine progress(options.show_progress, scenario.name);
    const auto prepared = prepare(scenario, options, graphs, progress);
    if (!prepared) {
        return Refusal(prepared.error());
    }
    PreparedRun& ready = **prepared;
    FinishedRun& run = ready.run;
    const auto policy = ready.policy.make(run.scenario);
    const auto backend = make_sim_backend(run.scenario, ready.graph, options.jobs);
    ScenarioRun simulation(run.scenario, "sim", *policy, *backend, ready.sink());
    try {
        std::istringstream stream(state);
        CheckpointReader reader(stream);
        simulation.load(reader);
    } catch (const std::exception& failure) {
        return Refusal(InputError{.where = "--resume",
                                  .line = {},
                                  .key = scenario.name,
                                  .problem = fmt::format("the state does not fit the run: {}", failure.what()),
                                  .allowed = "a checkpoint of this scenario, its graph unchanged"});
    }
    if (const auto advanced = simulation.advance(options_of_run(options, progress)); !advanced) {
        return Refusal(advanced.error());
    }
    run.summary = simulation.summary();
    run.replications.first = run.summary;
    run.replications.all = {Replication{scenario.seed, run.summary.digest, {}, run.summary.stopped_by}};
    add_regret(run, ready.graph, progress);
    if (const auto written = ready.commit(); !written) {
        return Refusal(written.error());
    }
    return std::move(run);
}

std::uint64_t combined_digest(const std::vector<FinishedRun>& runs) {
    Digest digest;
    for (const FinishedRun& run : runs) {
        digest.add(std::string_view(run.summary.name));
        digest.add(run.summary.digest);
    }
    return digest.value();
}

std::stop_token stop_on_interrupt() {
    static std::stop_source source;
    static const std::jthread watcher([](const std::stop_token& finished) {
        constexpr std::chrono::milliseconds kPoll(20);
        while (!finished.stop_requested() && !source.stop_requested()) {
            if (interrupted.load(std::memory_order_relaxed)) {
                source.request_stop();
            }
            std::this_thread::sleep_for(kPoll);
        }
    });
    // A second Ctrl-C, while a graph is loading say, ends the process at once: nothing is written before the
    // end.
    const auto on_signal = [](int signal) {
        if (interrupted.exchange(true)) {
            std::_Exit(128 + signal);
        }
    };
    (void)std::signal(SIGINT, on_signal);
    return source.get_token();
}

}  // namespace megabed
