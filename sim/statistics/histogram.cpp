#include "sim/statistics/histogram.h"

#include "policy/units.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace megabed {

void Histogram::merge(const Histogram& other) {
    counts_.resize(std::max(counts_.size(), other.counts_.size()), 0);
    std::transform(other.counts_.begin(), other.counts_.end(), counts_.begin(), counts_.begin(),
                   [](std::uint64_t theirs, std::uint64_t ours) { return theirs + ours; });
    count_ += other.count_;
    sum_ += other.sum_;
    least_ = std::min(least_, other.least_);
    greatest_ = std::max(greatest_, other.greatest_);
}

void Histogram::add_counted(std::span<const std::uint64_t> counts, std::uint64_t sum, std::int64_t least,
                            std::int64_t greatest) {
    const auto last = std::find_if(counts.rbegin(), counts.rend(), [](std::uint64_t of) { return of != 0; });
    const auto used = static_cast<std::size_t>(counts.rend() - last);
    counts_.resize(std::max(counts_.size(), used), 0);
    for (std::size_t bucket = 0; bucket < used; ++bucket) {
        counts_[bucket] += counts[bucket];
        count_ += counts[bucket];
    }
    sum_ += static_cast<WideInteger>(sum);
    least_ = std::min(least_, least);
    greatest_ = std::max(greatest_, greatest);
}

std::int64_t Histogram::quantile(double share) const {
    assert(!empty() && share >= 0 && share <= 1);
    constexpr WideInteger kDecimals = 1'000'000'000;
    const auto billionths = static_cast<WideInteger>(std::llround(share * static_cast<double>(kDecimals)));
    const auto rank = std::max<WideInteger>(div_ceil(billionths * count_, kDecimals), 1);
    WideInteger seen = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
        seen += counts_[bucket];
        if (seen >= rank) {
            return std::min(static_cast<std::int64_t>(greatest_of(bucket)), greatest_);
        }
    }
    return greatest_;
}

}  // namespace megabed
