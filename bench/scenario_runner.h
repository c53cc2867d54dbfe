#pragma once

#include "scenarios/scenario_loader.h"
#include "sim/graphs/graph.h"
#include "sim/input_error.h"
#include "sim/replicate.h"
#include "sim/run_scenario.h"

#include <cstdint>
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
    std::optional<GraphFacts> graph;
    std::string launches_csv;  ///< of the first replication; empty unless asked for
    std::string trace_json;    ///< likewise
};

struct RunnerOptions {
    std::string backend = "sim";
    bool keep_files = false;  ///< fill launches_csv and trace_json
    bool show_progress = false;
    bool check = true;  ///< compare results with the oracle's, where the backend computes any
    unsigned jobs =
        1;  ///< threads for the replications of a run; a plug-in has one. Results do not depend on it
    std::optional<std::string> compare{};  ///< policy that every run is compared with
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

/// Runs every run of a file in order. A graph that several runs share is loaded once.
/// Errors: of the graphs; a root outside the graph; Interrupted.
[[nodiscard]] Loaded<std::vector<FinishedRun>> run_all(const ScenarioFile& file, const RunnerOptions& options);

/// One digest over all runs, in order.
[[nodiscard]] std::uint64_t combined_digest(const std::vector<FinishedRun>& runs);

/// A stop that Ctrl-C requests. Install once, before the work starts.
[[nodiscard]] std::stop_token stop_on_interrupt();

}  // namespace megabed
