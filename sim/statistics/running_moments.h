#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <limits>

namespace megabed {

/// Count, mean, variance and extremes of numbers seen one at a time, without keeping them. The variance does
/// not cancel however far the mean is from zero. Our own, as Boost.Accumulators can neither merge two sets nor
/// write one to an archive. Source: Welford, Technometrics 4 (1962); merge: Chan, Golub and LeVeque, The
/// American Statistician 37 (1983).
class RunningMoments {
public:
    void add(double value) {
        ++count_;
        const double before = value - mean_;
        mean_ += before / static_cast<double>(count_);
        squares_ += before * (value - mean_);
        least_ = std::min(least_, value);
        greatest_ = std::max(greatest_, value);
    }

    /// As if all that `other` saw had been added here, up to rounding.
    void merge(const RunningMoments& other) {
        if (other.count_ == 0) {
            return;
        }
        const auto ours = static_cast<double>(count_);
        const auto theirs = static_cast<double>(other.count_);
        const double apart = other.mean_ - mean_;
        mean_ += apart * (theirs / (ours + theirs));
        squares_ += other.squares_ + apart * apart * (ours * theirs / (ours + theirs));
        count_ += other.count_;
        least_ = std::min(least_, other.least_);
        greatest_ = std::max(greatest_, other.greatest_);
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }
    /// Requires, of all below: at least one number.
    [[nodiscard]] double mean() const {
        assert(count_ > 0);
        return mean_;
    }
    [[nodiscard]] double least() const { return least_; }
    [[nodiscard]] double greatest() const { return greatest_; }
    /// Of the sample, over count - 1; 0 for a single number.
    [[nodiscard]] double variance() const {
        return count_ < 2 ? 0 : squares_ / static_cast<double>(count_ - 1);
    }
    [[nodiscard]] double standard_deviation() const { return std::sqrt(variance()); }
    /// The standard deviation of the mean, if the numbers are independent.
    [[nodiscard]] double standard_error() const {
        assert(count_ > 0);
        return std::sqrt(variance() / static_cast<double>(count_));
    }

    bool operator==(const RunningMoments&) const = default;

    /// For checkpoints.
    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& count_& mean_& squares_& least_& greatest_;
    }

private:
    std::uint64_t count_ = 0;
    double mean_ = 0;
    double squares_ = 0;  ///< sum of squared distances from the mean
    double least_ = std::numeric_limits<double>::infinity();
    double greatest_ = -std::numeric_limits<double>::infinity();
};

}  // namespace megabed
