#pragma once

#include "bench/scenario_runner.h"
#include "scenarios/scenario_loader.h"

#include <string>
#include <vector>

namespace megabed {

/// What a person sees after a run: per run one line of facts, a row a topology, and one line of totals.
[[nodiscard]] std::string summary_table(const ScenarioFile& file, const std::vector<FinishedRun>& runs);

/// 1234567 as `1,234,567`.
[[nodiscard]] std::string with_commas(std::uint64_t value);

/// A time with a unit that keeps three or four figures, such as `61.3 us`.
[[nodiscard]] std::string human_time(SimTime time);

/// Bytes with a binary unit, such as `1.5 MiB`.
[[nodiscard]] std::string human_bytes(Bytes bytes);

}  // namespace megabed
