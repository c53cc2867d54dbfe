#pragma once

#include "scenarios/run_reader.h"
#include "scenarios/section_reader.h"
#include "sim/scenario.h"

namespace megabed {

/// Reads `[memory]`: the budget, what happens after a refusal, and what others hold.
void read_memory(const RunTables& tables, Scenario& scenario, FirstError& errors);

/// Reads `[[faults]]`: what happens to readings on their way to the policy.
void read_faults(const RunTables& tables, Scenario& scenario, FirstError& errors);

}  // namespace megabed
