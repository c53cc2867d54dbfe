#include "bench/fidelity/agreement.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>

namespace megabed {
namespace {

int sign(double value) { return (value > 0 ? 1 : 0) - (value < 0 ? 1 : 0); }

}  // namespace

double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (values[above] - values[below]) * (place - static_cast<double>(below));
}

std::optional<double> kendall_tau(std::span<const double> left, std::span<const double> right) {
    std::int64_t agreement = 0;
    std::int64_t untied_left = 0;
    std::int64_t untied_right = 0;
    for (std::size_t at = 0; at < left.size(); ++at) {
        for (std::size_t other = 0; other < at; ++other) {
            const int by_left = sign(left[at] - left[other]);
            const int by_right = sign(right[at] - right[other]);
            agreement += by_left * by_right;
            untied_left += by_left != 0 ? 1 : 0;
            untied_right += by_right != 0 ? 1 : 0;
        }
    }
    if (untied_left == 0 || untied_right == 0) {
        return std::nullopt;
    }
    return static_cast<double>(agreement) /
           std::sqrt(static_cast<double>(untied_left) * static_cast<double>(untied_right));
}

Agreement agreement_of(std::span<const TimePair> pairs) {
    Agreement agreement;
    agreement.pairs = pairs.size();
    std::vector<double> errors;
    std::map<std::string, std::vector<const TimePair*>> scenarios;
    for (const TimePair& pair : pairs) {
        errors.push_back(std::abs(pair.error()));
        scenarios[pair.scenario].push_back(&pair);
    }
    agreement.median_abs_error = quantile(errors, 0.5);
    agreement.p90_abs_error = quantile(errors, 0.9);
    double taus = 0;
    std::size_t ordered = 0;
    std::size_t same = 0;
    for (const auto& [scenario, mine] : scenarios) {
        std::vector<double> simulated;
        std::vector<double> measured;
        for (const TimePair* pair : mine) {
            for (std::size_t other = 0; other < simulated.size(); ++other) {
                const double difference = pair->measured_ns - measured[other];
                if (std::abs(difference) > pair->noise_ns + mine[other]->noise_ns) {
                    ++agreement.differences;
                    same += sign(difference) == sign(pair->simulated_ns - simulated[other]) ? 1 : 0;
                }
            }
            simulated.push_back(pair->simulated_ns);
            measured.push_back(pair->measured_ns);
        }
        if (const auto tau = kendall_tau(simulated, measured)) {
            taus += *tau;
            ++ordered;
        }
    }
    if (ordered > 0) {
        agreement.kendall_tau = taus / static_cast<double>(ordered);
    }
    if (agreement.differences > 0) {
        agreement.sign_agreement = static_cast<double>(same) / static_cast<double>(agreement.differences);
    }
    return agreement;
}

}  // namespace megabed
