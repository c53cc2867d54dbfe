#pragma once

#include "scenarios/scenario_loader.h"

#include <nlohmann/json.hpp>
#include <optional>

namespace megabed {

/// What the command line replaced in a scenario, for files from which a run is done again.
[[nodiscard]] nlohmann::ordered_json overrides_json(const ScenarioOverrides& overrides);

/// The same back. Nothing where a value is not what `overrides_json` writes.
[[nodiscard]] std::optional<ScenarioOverrides> overrides_from_json(const nlohmann::ordered_json& json);

}  // namespace megabed
