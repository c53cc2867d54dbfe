#include "policy/fisher_step.h"

#include <cmath>
#include <cstddef>

namespace megabed {
namespace {

/// The lower Cholesky factor in place, or the row whose pivot is not positive.
Result<std::vector<double>> cholesky(std::span<const double> matrix, std::size_t n) {
    std::vector<double> factor(matrix.begin(), matrix.end());
    for (std::size_t row = 0; row < n; ++row) {
        for (std::size_t column = 0; column <= row; ++column) {
            double rest = factor[row * n + column];
            for (std::size_t k = 0; k < column; ++k) {
                rest -= factor[row * n + k] * factor[column * n + k];
            }
            if (column < row) {
                factor[row * n + column] = rest / factor[column * n + column];
            } else if (rest > 0.0) {
                factor[row * n + row] = std::sqrt(rest);
            } else {
                return fail(ErrorCode::NotInvertible, ErrorField::FisherMatrix, row, n);
            }
        }
    }
    return factor;
}

}  // namespace

Result<std::vector<double>> fisher_step(std::span<const double> fisher, std::span<const double> gradient,
                                        std::uint32_t n, double rate) {
    const std::uint64_t size = n;
    if (fisher.size() != size * size) {
        return fail(ErrorCode::InvalidShape, ErrorField::FisherMatrix, fisher.size(), size * size);
    }
    if (gradient.size() != size) {
        return fail(ErrorCode::InvalidShape, ErrorField::Gradient, gradient.size(), size);
    }
    const auto factor = cholesky(fisher, n);
    if (!factor) {
        return Failure(factor.error());
    }
    const std::vector<double>& lower = *factor;
    std::vector<double> step(gradient.begin(), gradient.end());
    for (std::size_t row = 0; row < n; ++row) {
        for (std::size_t column = 0; column < row; ++column) {
            step[row] -= lower[row * n + column] * step[column];
        }
        step[row] /= lower[row * n + row];
    }
    for (std::size_t row = n; row-- > 0;) {
        for (std::size_t below = row + 1; below < n; ++below) {
            step[row] -= lower[below * n + row] * step[below];
        }
        step[row] /= lower[row * n + row];
    }
    for (double& value : step) {
        value *= -rate;
    }
    return step;
}

}  // namespace megabed
