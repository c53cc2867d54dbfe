#include "policy/sheaf_diffusion.h"

#include <algorithm>
#include <cmath>

namespace megabed {
namespace {

/// What each item gains in one step: the flow along its links. Both ends get the same number with opposite
/// signs, which is what keeps the total.
void add_flow(std::span<const double> values, std::span<const SiblingLink> links, double step,
              std::vector<double>& change) {
    std::fill(change.begin(), change.end(), 0.0);
    for (const SiblingLink& link : links) {
        const double flow = step * link.weight * (values[link.second] - values[link.first]);
        change[link.first] += flow;
        change[link.second] -= flow;
    }
}

}  // namespace

Result<std::vector<double>> diffuse_over_siblings(std::span<const double> priorities,
                                                  std::span<const SiblingLink> links, double damping,
                                                  std::uint32_t iterations) {
    if (!(damping > 0.0)) {
        return fail(ErrorCode::InvalidParameter, ErrorField::Damping, 0, 1);
    }
    std::vector<double> degrees(priorities.size(), 0.0);
    for (const SiblingLink& link : links) {
        const std::uint64_t last = std::max(link.first, link.second);
        if (last >= priorities.size() || link.first == link.second) {
            return fail(ErrorCode::InvalidShape, ErrorField::Siblings, last,
                        priorities.empty() ? 0 : priorities.size() - 1);
        }
        if (!(link.weight > 0.0) || !std::isfinite(link.weight)) {
            return fail(ErrorCode::InvalidShape, ErrorField::Siblings, 0, 1);
        }
        degrees[link.first] += link.weight;
        degrees[link.second] += link.weight;
    }
    std::vector<double> values(priorities.begin(), priorities.end());
    if (links.empty()) {
        return values;
    }
    constexpr double kLargestStep = 0.5;  // beyond it two linked items would swap rather than meet
    const double step = std::min(damping, kLargestStep) / *std::max_element(degrees.begin(), degrees.end());
    const auto [least, most] = std::minmax_element(priorities.begin(), priorities.end());
    std::vector<double> change(values.size());
    for (std::uint32_t iteration = 0; iteration < iterations; ++iteration) {
        add_flow(values, links, step, change);
        for (std::size_t item = 0; item < values.size(); ++item) {
            // Exact arithmetic never leaves the range; rounding may by its last bit.
            values[item] = std::clamp(values[item] + change[item], *least, *most);
        }
    }
    return values;
}

}  // namespace megabed
