#pragma once

#include "policy/error.h"

#include <cstdint>
#include <span>
#include <vector>

namespace megabed {

/// One natural-gradient step -rate * F^-1 g, by the Cholesky factors of the Fisher matrix F; F^-1 is never
/// formed.
/// Shapes: `fisher` exactly n x n, row-major, symmetric positive definite (the lower triangle is read);
///         `gradient` exactly n.
/// Errors: InvalidShape if either has another size; NotInvertible if a pivot is not positive.
/// Source: Amari, "Natural gradient works efficiently in learning", 1998.
[[nodiscard]] Result<std::vector<double>> fisher_step(std::span<const double> fisher,
                                                      std::span<const double> gradient, std::uint32_t n,
                                                      double rate);

}  // namespace megabed
