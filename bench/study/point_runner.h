#pragma once

#include "bench/graph_store.h"
#include "bench/study/run_outcome.h"
#include "policy/units.h"
#include "scenarios/scenario_loader.h"
#include "sim/input_error.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

namespace megabed {

/// Launches of one topology in a row that are kept of a run at most.
inline constexpr std::size_t kTimelineSegmentsMax = 4096;

/// One run of a study with all that it takes.
struct PointSpec {
    std::uint64_t id = 0;
    std::string path;                         ///< of the scenario: graphs and profiles are looked up beside it
    std::shared_ptr<const std::string> text;  ///< of the scenario
    std::string run;                          ///< its name
    std::string policy;
    std::vector<std::string> settings;
    std::string backend = "sim";
    std::uint64_t seed = 1;
    bool timeline = false;
    bool launch_cache = false;  ///< count what a launch cache would have served
    bool hindsight = true;      ///< look back for the best topologies, which costs about as much as the run
};

/// Carries runs of a study out, each with one thread, as many at once as threads call it. Graphs, parsed
/// scenarios and the best plans in hindsight are kept between runs that share them.
class PointRunner {
public:
    /// Requires: `threads` is how many will call; plug-ins were loaded before they were started.
    explicit PointRunner(unsigned threads, std::stop_token stop = {});

    /// Whatever goes wrong with the run is told in the outcome's `error`. Nothing: it was interrupted.
    [[nodiscard]] std::optional<RunOutcome> run(const PointSpec& spec);

private:
    using SharedFile = std::shared_ptr<const Loaded<ScenarioFile>>;
    [[nodiscard]] SharedFile parsed(const PointSpec& spec);
    [[nodiscard]] std::optional<SimTime> best_makespan(const PointSpec& spec, const Scenario& scenario,
                                                       const CsrGraph* graph);
    [[nodiscard]] bool carry_out(const PointSpec& spec, const Scenario& scenario, RunOutcome& outcome);

    std::stop_token stop_;
    GraphStore graphs_;
    std::size_t files_max_;
    std::mutex mutex_;
    std::deque<std::pair<std::string, SharedFile>>
        files_;  ///< by path, policy and settings; the newest in front
    std::unordered_map<std::uint64_t, std::optional<SimTime>> best_;  ///< by a digest of what they depend on
    std::mutex plugin_mutex_;                                         ///< one process serves a plug-in
    std::mutex measured_mutex_;  ///< runs in measured time would disturb each other
};

}  // namespace megabed
