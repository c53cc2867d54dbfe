#pragma once

#include "bench/study/tune_file.h"
#include "sim/input_error.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace megabed {

/// Settings to try, one for each tuned parameter; none: the policy's defaults.
using Candidate = std::vector<std::string>;

/// How a policy does on a set of points, beside the baseline.
struct TuneScore {
    double makespan_ns = 0;  ///< geometric mean; 0 where a run failed
    double baseline_ns = 0;  ///< of the baseline on the same points
    std::uint64_t points = 0;

    /// How many times shorter than the baseline's; 0 where a run failed.
    [[nodiscard]] double speedup() const { return makespan_ns > 0 ? baseline_ns / makespan_ns : 0; }
};

/// One scenario's part of the verdict: geometric means over seeds.
struct ScenarioVerdict {
    std::string label;
    double tuned = 0;     ///< speed-up over the baseline
    double defaults = 0;  ///< of the policy with its own parameters
};

/// One round of successive halving.
struct TuneRung {
    std::size_t candidates = 0;
    std::uint64_t points = 0;
    double best_speedup = 0;
};

struct TuneResult {
    Candidate best;
    TuneScore tuned_on;  ///< of the best candidate
    TuneScore held_out;
    TuneScore defaults_tuned_on;  ///< of the policy with its own parameters
    TuneScore defaults_held_out;
    std::vector<TuneRung> rungs;
    std::vector<ScenarioVerdict> verdict;  ///< a row for each held-out scenario
    std::uint64_t runs = 0;
};

struct TuneOptions {
    unsigned jobs = 1;
    std::stop_token stop{};
    std::function<void(const std::string&)> progress{};
};

/// Successive halving: all candidates are tried on a few points, the better part of them on more, and so on;
/// the last ones on all. The policy's own parameters stay in to the end, so that the result is never worse than
/// they are where it was tuned. The same plan gives the same result for any number of jobs. Source: Jamieson
/// and Talwalkar, AISTATS 2016, with the points of a study as the budget. Errors: no candidate ran;
/// Interrupted.
[[nodiscard]] Loaded<TuneResult> tune(const TunePlan& plan, const TuneOptions& options);

}  // namespace megabed
