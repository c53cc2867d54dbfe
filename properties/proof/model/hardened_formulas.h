#pragma once

#include "policy/hardened_policy.h"
#include "properties/proof/model/ledger.h"
#include "properties/proof/model/signals.h"

#include <z3++.h>

/// The hardened policy as formulas, stage by stage and named after the functions of policy/hardened_policy.h.
namespace megabed::proof::hardened_formulas {

/// What is carried. `settled` is the number of a frontier topology or `kNoTopology`.
struct Memory {
    z3::expr settled, constrained, hot_opcodes, hot_windows, deep_queue;
    Optional density, pressure;
};
[[nodiscard]] Memory memory_from(const Input& input, const megabed::hardened::Memory& values = {});
/// What `unpack` can give: a frontier topology or none.
[[nodiscard]] z3::expr valid(const Memory& memory);
/// The state word, and what it must fit.
[[nodiscard]] z3::expr pack(Ledger& ledger, const Memory& memory);

/// Whether `check_parameters` accepts.
[[nodiscard]] z3::expr accepts(Ledger& ledger, const Parameters& parameters);

struct CapacityRange {
    z3::expr tight, full;
};
[[nodiscard]] CapacityRange capacity_range(Ledger& ledger, const Parameters& parameters,
                                           const Request& request);

/// Density and pressure, read or inferred.
struct Readings {
    z3::expr density, pressure;
};
/// What stands in where nothing was read and nothing is carried.
[[nodiscard]] Readings infer(Ledger& ledger, const Parameters& parameters, const Request& request,
                             const CapacityRange& range);
[[nodiscard]] Readings take_readings(const Request& request, const Memory& memory, const Readings& inferred);

struct Chosen {
    Choice choice;
    z3::expr frontier;  ///< the topology without memory pressure
    Memory seen, next;
    z3::expr jit;
};
[[nodiscard]] Chosen choose_topology(Ledger& ledger, const Parameters& parameters, const Request& request,
                                     const Readings& readings, const Memory& memory);

[[nodiscard]] z3::expr shed_groups(Ledger& ledger, const Parameters& parameters, const Request& request,
                                   const z3::expr& topology, const z3::expr& frontier, const Readings& readings,
                                   const z3::expr& groups);

struct Grid {
    z3::expr groups, kept, lanes, slots, grid_x;
    Failing failing;
};
/// Unshed groups. Requires: the adapter limits are at least 1.
[[nodiscard]] z3::expr unshed_groups(Ledger& ledger, const Parameters& parameters, const Request& request);
[[nodiscard]] Grid size_grid(Ledger& ledger, const Parameters& parameters, const Request& request,
                             const z3::expr& groups, const z3::expr& kept);
[[nodiscard]] z3::expr classify(Ledger& ledger, const Parameters& parameters, const Request& request,
                                const z3::expr& groups, const z3::expr& lanes);

struct Fit {
    z3::expr capacity, peak;
    Failing failing;
};
[[nodiscard]] Fit fit_capacity(Ledger& ledger, const Parameters& parameters, const Request& request,
                               const CapacityRange& range, const z3::expr& constrained);

struct Answer {
    Failing failing;
    Chosen chosen;
    Grid grid;
    Fit fit;
    z3::expr pressure, age, next;
};
[[nodiscard]] Answer recommend(Ledger& ledger, const Parameters& parameters, const Request& request,
                               const Memory& memory);

}  // namespace megabed::proof::hardened_formulas
