#pragma once

#include "bench/scenario_runner.h"

#include <nlohmann/json.hpp>
#include <string>

namespace megabed {

/// For the table: each figure's mean and half-width over the replications, and what a comparison found, in
/// words. Nothing for a single run.
void append_replications(std::string& text, const FinishedRun& run);

/// For the document: count, confidence, whether the target was met, and by figure (times in ns) mean,
/// half-width and extremes; seeds and digests of all replications in order. Null for a single run.
[[nodiscard]] nlohmann::ordered_json replications_json(const FinishedRun& run);

/// The differences to the policy of `--compare`, likewise. Null without one.
[[nodiscard]] nlohmann::ordered_json comparison_json(const FinishedRun& run);

}  // namespace megabed
