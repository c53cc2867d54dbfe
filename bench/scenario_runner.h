#pragma once

#include "bench/graph_store.h"
#include "scenarios/scenario_loader.h"
#include "sim/adversary.h"
#include "sim/graphs/graph.h"
#include "sim/input_error.h"
#include "sim/replicate.h"
#include "sim/run_scenario.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

/// What a graph of a run looks like, for people.
struct GraphFacts {
    std::uint32_t vertices = 0;
    std::uint64_t undirected_edges = 0;
};

/// The same run under another policy, over the same random numbers.
struct Comparison {
    std::string policy;
    Replications replications;
};

/// A finished run with what the output files need.
struct FinishedRun {
    Scenario scenario;
    RunSummary summary;  ///< of the first replication, with the digest of all
    Replications replications;
    std::optional<Comparison> comparison;
    std::optional<AdversaryResult> adversary;
    std::optional<GraphFacts> graph;
};

struct RunnerOptions {
    std::string backend = "sim";
    /// Where each run's folder with launches.csv and trace.json goes, both of the first replication.
    std::optional<std::filesystem::path> out{};
    bool show_progress = false;
    bool check = true;  ///< compare results with the oracle's, where the backend computes any
    unsigned jobs =
        1;  ///< threads for the replications of a run; a plug-in has one. Results do not depend on it
    std::optional<std::string> compare{};  ///< policy that every run is compared with
    bool compiles = true;                  ///< the compiled route is taken where the backend has one
    bool regret = true;                    ///< look back for the best topologies, on the simulator
    RecordSink* records = nullptr;         ///< gets the launches of the first replication, unless `out` does
    std::stop_token stop{};
};

/// One backend, for `list backends`.
struct BackendRow {
    std::string_view name;
    std::string_view summary;
};
[[nodiscard]] std::span<const BackendRow> known_backends();

/// Refuses a backend that is unknown (Invalid) or cannot run scenarios here (Unavailable).
[[nodiscard]] Loaded<void> check_backend(const std::string& name);

/// Loads the policies of all runs and of `--compare`. A plug-in forks the process, so this comes before any
/// thread is started. Errors: of `find_policy_source`; a comparison of a run that has one replication.
[[nodiscard]] Loaded<void> load_policies(const ScenarioFile& file,
                                         const std::optional<std::string>& compare = {});

/// The runs that were finished, all of them or up to an interruption.
struct FinishedRuns {
    std::vector<FinishedRun> runs;
    std::optional<InputError> interrupted;
};

/// Runs every run of a file in order. A graph that several runs share is loaded once. What a finished run wrote
/// stays when a later one is interrupted.
/// Errors: of the graphs, the policies and the output files; a root outside the graph.
[[nodiscard]] Loaded<FinishedRuns> run_all(const ScenarioFile& file, const RunnerOptions& options);

/// One run. Threads may share `graphs`. `label` is for the progress line.
/// Errors: as run_all, and Interrupted.
[[nodiscard]] Loaded<FinishedRun> run_one(const Scenario& scenario, const RunnerOptions& options,
                                          GraphStore& graphs, const std::string& label);

/// Simulates one run up to a time, and gives the state it is in then; nothing where it ends before.
/// Errors: as run_all, and Interrupted.
[[nodiscard]] Loaded<std::optional<std::string>> run_until(const Scenario& scenario, SimTime until,
                                                           const RunnerOptions& options);

/// Goes on from that state to the end. Errors: as run_all; a state that does not fit; Interrupted.
[[nodiscard]] Loaded<FinishedRun> run_from(const Scenario& scenario, const std::string& state,
                                           const RunnerOptions& options);

/// One digest over all runs, in order.
[[nodiscard]] std::uint64_t combined_digest(const std::vector<FinishedRun>& runs);

/// A stop that Ctrl-C requests. Install once, before the work starts.
[[nodiscard]] std::stop_token stop_on_interrupt();

}  // namespace megabed
