#pragma once

#include "properties/proof/model/ledger.h"
#include "properties/proof/model/signals.h"

#include <z3++.h>

/// The reference policy as formulas, stage by stage and named after the functions of policy/reference_policy.h.
namespace megabed::proof::reference_formulas {

struct Effective {
    Signals signals;
    z3::expr groups, budget, hot_opcodes, hot_windows;
};
[[nodiscard]] Effective infer_missing_signals(Ledger& ledger, const Parameters& parameters,
                                              const Request& request);

/// A value, or an error if `failing.failed`.
struct Outcome {
    z3::expr value;
    Failing failing;
};

[[nodiscard]] Outcome shed_worker_groups(Ledger& ledger, const Parameters& parameters, const z3::expr& topology,
                                         const Effective& effective);

struct Grid {
    z3::expr groups, lanes, slots, grid_x;
};
/// Requires: the adapter limits are at least 1.
[[nodiscard]] Grid size_grid(Ledger& ledger, const Parameters& parameters, const Request& request,
                             const z3::expr& groups);
/// The part of it that pads: slots and grid for `groups` >= 1 and `lanes` >= 1.
[[nodiscard]] Grid pad_slots(Ledger& ledger, const Parameters& parameters, const z3::expr& queue,
                             const z3::expr& groups, const z3::expr& lanes);

/// Requires: lanes at most 2^32 - 1, which `pad_slots` states of grid x lanes.
[[nodiscard]] Outcome classify_pressure(Ledger& ledger, const Parameters& parameters, const Request& request,
                                        const z3::expr& lanes);
[[nodiscard]] Outcome hit_capacity(Ledger& ledger, const Parameters& parameters, const Request& request,
                                   const z3::expr& pressure);
[[nodiscard]] Outcome peak_bytes(Ledger& ledger, const Parameters& parameters, const Request& request,
                                 const z3::expr& capacity, const z3::expr& budget);

/// The whole answer; without an error every field but those of `failing` is meaningful.
struct Answer {
    Failing failing;
    Choice choice;
    Grid grid;
    z3::expr capacity, peak, budget, pressure, jit, hot_opcodes, hot_windows, age;
};
[[nodiscard]] Answer recommend(Ledger& ledger, const Parameters& parameters, const Request& request,
                               const z3::expr& previous);

}  // namespace megabed::proof::reference_formulas
