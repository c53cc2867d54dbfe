#pragma once

#include "properties/policy_law.h"

#include <span>

namespace megabed {

/// S1 to S6: the policy does not flap.
[[nodiscard]] std::span<const Law> stability_laws();
/// M1 to M4: more pressure never means a larger launch, a longer queue never a lower class.
[[nodiscard]] std::span<const Law> monotonicity_laws();
/// O1 to O4: every input has an answer, exact and legal.
[[nodiscard]] std::span<const Law> size_laws();
/// O5a to O5c: launches fit the budget.
[[nodiscard]] std::span<const Law> budget_laws();
/// O6 to O8: parameters, readings of 0, and fusing without a graph.
[[nodiscard]] std::span<const Law> safety_laws();
/// T1 and T2: the cache changes nothing but time.
[[nodiscard]] std::span<const Law> cache_laws();
/// H1 to H3: autotuning, diffusion and the natural gradient.
[[nodiscard]] std::span<const Law> part_laws();

}  // namespace megabed
