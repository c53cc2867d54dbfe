#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace megabed {

/// Per-item decay s <- s - (damping * coefficient) * s, repeated, without fused multiply-add.
/// The result is in `out`; both vectors keep their capacity. Unequal lengths: `out` is the input.
/// The original's comment promises diffusion between siblings; this is what its code does (law H2).
/// Source: spec "Helpers".
void diffuse_priority(std::span<const double> priorities, std::span<const double> coefficients, double damping,
                      std::uint32_t iterations, std::vector<double>& out);

/// As above, into a new vector.
[[nodiscard]] std::vector<double> diffuse_priority(std::span<const double> priorities,
                                                   std::span<const double> coefficients, double damping,
                                                   std::uint32_t iterations);

}  // namespace megabed
