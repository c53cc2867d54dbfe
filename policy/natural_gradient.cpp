#include "policy/natural_gradient.h"

namespace megabed {

void natural_gradient_step(std::span<const double> matrix, std::span<const double> gradient, std::uint32_t n,
                           double rate, std::vector<double>& out) {
    out.clear();
    const std::uint64_t size = n;
    if (matrix.size() < size * size || gradient.size() < size) {
        return;
    }
    out.resize(n);
    for (std::uint64_t row = 0; row < size; ++row) {
        double sum = 0.0;
        for (std::uint64_t column = 0; column < size; ++column) {
            const double term = matrix[row * size + column] * gradient[column];
            sum = sum + term;
        }
        out[row] = -rate * sum;
    }
}

std::vector<double> natural_gradient_step(std::span<const double> matrix, std::span<const double> gradient,
                                          std::uint32_t n, double rate) {
    std::vector<double> out;
    natural_gradient_step(matrix, gradient, n, rate, out);
    return out;
}

}  // namespace megabed
