#include "sim/statistics/confidence.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>

namespace megabed {

double student_t(BasisPoints confidence, std::uint64_t degrees) {
    assert(degrees >= 1 && confidence.value() > 0 && confidence.value() < kWholeBps);
    constexpr double kDecimals = 1e9;
    const double each_tail = (kWholeBps - confidence.value()) / (2.0 * kWholeBps);
    const boost::math::students_t distribution(static_cast<double>(degrees));
    const double quantile = boost::math::quantile(boost::math::complement(distribution, each_tail));
    return std::round(quantile * kDecimals) / kDecimals;
}

Interval confidence_interval(const RunningMoments& moments, BasisPoints confidence) {
    assert(moments.count() >= 2);
    return {moments.mean(), student_t(confidence, moments.count() - 1) * moments.standard_error()};
}

RunningMoments paired_differences(std::span<const double> left, std::span<const double> right) {
    assert(left.size() == right.size());
    RunningMoments differences;
    for (std::size_t at = 0; at < std::min(left.size(), right.size()); ++at) {
        differences.add(left[at] - right[at]);
    }
    return differences;
}

bool is_sharp(const RunningMoments& moments, const StoppingRule& rule) {
    if (moments.count() < 2) {
        return false;
    }
    const Interval interval = confidence_interval(moments, rule.confidence);
    return interval.half_width <= rule.relative_half_width.value() * std::abs(interval.mean) / kWholeBps;
}

bool is_enough(const RunningMoments& moments, const StoppingRule& rule) {
    return moments.count() >= rule.count_max || (moments.count() >= rule.count_min && is_sharp(moments, rule));
}

}  // namespace megabed
