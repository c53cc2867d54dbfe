#include "policy/priority_diffusion.h"

namespace megabed {

void diffuse_priority(std::span<const double> priorities, std::span<const double> coefficients, double damping,
                      std::uint32_t iterations, std::vector<double>& out) {
    out.assign(priorities.begin(), priorities.end());
    if (priorities.size() != coefficients.size()) {
        return;
    }
    for (std::size_t item = 0; item < out.size(); ++item) {
        double value = out[item];
        for (std::uint32_t step = 0; step < iterations; ++step) {
            const double rate = damping * coefficients[item];
            const double change = rate * value;
            value = value - change;
        }
        out[item] = value;
    }
}

std::vector<double> diffuse_priority(std::span<const double> priorities, std::span<const double> coefficients,
                                     double damping, std::uint32_t iterations) {
    std::vector<double> out;
    diffuse_priority(priorities, coefficients, damping, iterations, out);
    return out;
}

}  // namespace megabed
