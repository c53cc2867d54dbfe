#pragma once

#include "bench/scenario_runner.h"
#include "scenarios/scenario_loader.h"

#include <nlohmann/json.hpp>
#include <vector>

namespace megabed {

/// The document of `run --json` and summary.json: `complete` (false after an interruption), `runs`, the digest
/// over all of them, version, and under `replay` all that `megabed replay` needs. `null` where a field does not
/// apply.
[[nodiscard]] nlohmann::ordered_json summary_json(const ScenarioFile& file, const ScenarioOverrides& overrides,
                                                  const std::vector<FinishedRun>& runs, bool complete = true);

}  // namespace megabed
