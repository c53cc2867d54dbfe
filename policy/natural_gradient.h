#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace megabed {

/// One step out[row] = (-rate) * sum over columns of matrix[row][column] * gradient[column].
/// Shapes: `matrix` n x n row-major, `gradient` n; shorter input gives an empty `out`, surplus is ignored.
/// The sum runs left to right from 0.0 without fused multiply-add. `out` keeps its capacity.
/// Source: spec "Helpers".
void natural_gradient_step(std::span<const double> matrix, std::span<const double> gradient, std::uint32_t n,
                           double rate, std::vector<double>& out);

/// As above, into a new vector.
[[nodiscard]] std::vector<double> natural_gradient_step(std::span<const double> matrix,
                                                        std::span<const double> gradient, std::uint32_t n,
                                                        double rate);

}  // namespace megabed
