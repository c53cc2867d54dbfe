#pragma once

#include "bench/graph_store.h"
#include "policy/launch_recommendation.h"
#include "sim/costs/wave_terms.h"
#include "sim/input_error.h"
#include "sim/scenario.h"

#include <cstdint>
#include <string>
#include <vector>

namespace megabed {

/// One launch as a backend carried it out.
struct MeasuredLaunch {
    LaunchRecommendation recommendation;
    std::uint32_t queue_len = 0;
    std::int64_t busy_ns = 0;  ///< without drain, relaunch and compilation
};

struct MeasuredRun {
    std::vector<MeasuredLaunch> launches;  ///< in order
    std::int64_t makespan_ns = 0;

    /// What the launches take together.
    [[nodiscard]] std::int64_t busy_ns() const;
};

/// All launches of one run. `compiles`: launches of the compiled route run in a kernel that is compiled
/// for the run. Errors: as `run_one`; a run that does not come to its end.
[[nodiscard]] Loaded<MeasuredRun> measure_launches(const Scenario& scenario, const std::string& backend,
                                                   bool compiles, GraphStore& graphs);

/// What the waves of one launch come to.
struct LaunchTerms {
    WaveTerms terms;
    bool compiled = false;
};

/// The terms of launches that were carried out, by going through the traversal once more.
/// Requires: the scenario traverses `graph`, and the launches are all of the run.
[[nodiscard]] std::vector<LaunchTerms> terms_of(const Scenario& scenario, const CsrGraph& graph,
                                                const std::vector<MeasuredLaunch>& launches, bool compiles);

}  // namespace megabed
