#pragma once

#include "properties/proof/model/ledger.h"
#include "properties/proof/model/signals.h"

#include <z3++.h>
#include <string>

namespace megabed::proof {

/// Where a jittering reading stays. Source: laws.md "Conventions".
enum class Band : std::uint8_t { AroundSparse, AroundDense, BelowMemory };

/// Symbols for readings that keep their values from answer to answer.
[[nodiscard]] Signals any_signals(Ledger& ledger);
/// None or one of the six.
[[nodiscard]] z3::expr any_topology(Ledger& ledger);
/// `fixed` with a new symbol for the reading that jitters in `band`.
[[nodiscard]] Signals read_in_band(Ledger& ledger, const Parameters& parameters, const Signals& fixed,
                                   Band band, const std::string& name);

}  // namespace megabed::proof
