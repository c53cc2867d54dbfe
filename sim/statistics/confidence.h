#pragma once

#include "policy/units.h"
#include "sim/statistics/running_moments.h"

#include <cmath>
#include <cstdint>
#include <span>

namespace megabed {

/// A mean, and how far to either side the truth may be at the confidence asked for.
struct Interval {
    double mean = 0;
    double half_width = 0;

    [[nodiscard]] double low() const { return mean - half_width; }
    [[nodiscard]] double high() const { return mean + half_width; }
    [[nodiscard]] bool contains(double value) const { return std::abs(value - mean) <= half_width; }

    bool operator==(const Interval&) const = default;
};

/// The t with P(|T| <= t) = confidence for Student's distribution with that many degrees of freedom, to nine
/// decimals: libraries and machines differ in the last bits, and a run's results must not.
/// Requires: degrees >= 1; 0 < confidence < 10000.
[[nodiscard]] double student_t(BasisPoints confidence, std::uint64_t degrees);

/// The interval for the mean of independent numbers of one distribution: exact for normal ones, and nearly so
/// for means of many. Requires: at least two numbers. Source: Law, Simulation Modeling and Analysis (5th ed.),
/// section 4.5.
[[nodiscard]] Interval confidence_interval(const RunningMoments& moments, BasisPoints confidence);

/// Moments of left[i] - right[i]: the paired comparison of two systems that were given the same random numbers,
/// whose common noise drops out. Requires: equal lengths.
/// Source: Law, section 10.2.1 (paired-t interval) and 11.2 (common random numbers).
[[nodiscard]] RunningMoments paired_differences(std::span<const double> left, std::span<const double> right);

/// When to stop replicating.
struct StoppingRule {
    std::uint64_t count_min = 2;
    std::uint64_t count_max = 2;
    BasisPoints
        relative_half_width{};  ///< target: half-width <= this share of |mean|; 0: only an exact mean meets it
    BasisPoints confidence{9500};
};

/// Whether the mean is as sharp as the rule wants, whatever the counts. Below two numbers never. A half-width
/// of at most g of the mean bounds the error relative to the truth by g / (1 - g).
[[nodiscard]] bool is_sharp(const RunningMoments& moments, const StoppingRule& rule);

/// Whether to stop now: at `count_max`, or from `count_min` on when the mean is sharp. As the numbers decide
/// when to stop, the interval covers a little less often than it says when `count_min` is small; ten or more is
/// safe. Source: Law, section 9.4.1 (sequential procedure for a relative error).
[[nodiscard]] bool is_enough(const RunningMoments& moments, const StoppingRule& rule);

}  // namespace megabed
