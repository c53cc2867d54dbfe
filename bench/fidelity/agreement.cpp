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
        std::size_t told_apart = 0;
        std::size_t concordant = 0;
        for (std::size_t at = 0; at < mine.size(); ++at) {
            for (std::size_t other = 0; other < at; ++other) {
                const double difference = mine[at]->measured_ns - mine[other]->measured_ns;
                if (std::abs(difference) > mine[at]->noise_ns + mine[other]->noise_ns) {
                    ++told_apart;
                    concordant +=
                        sign(difference) == sign(mine[at]->simulated_ns - mine[other]->simulated_ns) ? 1 : 0;
                }
            }
        }
        agreement.differences += told_apart;
        same += concordant;
        if (told_apart > 0) {
            taus += 2 * static_cast<double>(concordant) / static_cast<double>(told_apart) - 1;
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
