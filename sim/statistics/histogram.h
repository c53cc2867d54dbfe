#pragma once

#include "sim/statistics/wide_integer.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace megabed {

/// A histogram of non-negative integers in constant memory: values below 256 exactly, larger ones in buckets
/// whose width is at most 1/128 of their least value, whatever their size.
/// Quantiles are the greatest value of the bucket they fall into, and never above the greatest value added: at
/// most 1/128 too high, never too low. Count, sum and mean are exact, so that the order of adding and merging
/// does not show.
/// Source: the bucket layout of HdrHistogram (G. Tene), with 7 bits of precision.
class Histogram {
public:
    static constexpr unsigned kPrecisionBits = 7;
    static constexpr std::uint64_t kExact = std::uint64_t{2} << kPrecisionBits;

    void add(std::int64_t value) { add(value, 1); }
    /// Requires: value >= 0.
    void add(std::int64_t value, std::uint64_t times) {
        if (times == 0) {
            return;
        }
        assert(value >= 0);
        const auto unsigned_value = static_cast<std::uint64_t>(value);
        const std::size_t bucket = bucket_of(unsigned_value);
        if (bucket >= counts_.size()) {
            counts_.resize(bucket + 1, 0);
        }
        counts_[bucket] += times;
        count_ += times;
        sum_ += static_cast<WideInteger>(value) * static_cast<WideInteger>(times);
        least_ = value < least_ ? value : least_;
        greatest_ = value > greatest_ ? value : greatest_;
    }
    void merge(const Histogram& other);

    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] bool empty() const { return count_ == 0; }
    /// Requires, of all below: not empty.
    [[nodiscard]] double mean() const { return static_cast<double>(sum_) / static_cast<double>(count_); }
    [[nodiscard]] std::int64_t least() const { return least_; }
    [[nodiscard]] std::int64_t greatest() const { return greatest_; }
    /// The least value that at least a share of all values does not exceed: the value of rank
    /// ceil(share * count), but at least the first. The share is read to nine decimals, so that 0.55 of 100
    /// values is the 55th, although the nearest double lies above 0.55. Requires: 0 <= share <= 1.
    [[nodiscard]] std::int64_t quantile(double share) const;

    bool operator==(const Histogram&) const = default;

    /// Adds values that were counted elsewhere: `counts` by `bucket_of`, and their exact sum and range.
    /// Requires: the counts are of at least one value, and fit what is said of them.
    void add_counted(std::span<const std::uint64_t> counts, std::uint64_t sum, std::int64_t least,
                     std::int64_t greatest);
    /// Values below 2^(p+1) have a bucket each; above, 2^p buckets for every power of two.
    [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t value) {
        if (value < kExact) {
            return static_cast<std::size_t>(value);
        }
        // Not std::bit_width: nvcc 13 accepts its __builtin_clzl in device code and compiles it to nonsense.
        const auto bits = 64 - static_cast<unsigned>(__builtin_clzll(value));
        const unsigned shift = bits - (kPrecisionBits + 1);
        return (static_cast<std::size_t>(shift) << kPrecisionBits) + static_cast<std::size_t>(value >> shift);
    }

    /// For checkpoints.
    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        std::size_t buckets = counts_.size();
        archive& buckets;
        counts_.resize(buckets);
        for (std::uint64_t& count : counts_) {
            archive& count;
        }
        archive& count_;
        serialize_wide(archive, sum_);
        archive& least_& greatest_;
    }

private:
    static constexpr std::uint64_t greatest_of(std::size_t bucket) {
        if (bucket < kExact) {
            return bucket;
        }
        const auto shift = static_cast<unsigned>(bucket >> kPrecisionBits) - 1;
        const std::uint64_t mantissa = bucket - (static_cast<std::size_t>(shift) << kPrecisionBits);
        return (mantissa << shift) + ((std::uint64_t{1} << shift) - 1);
    }

    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
    WideInteger sum_ = 0;
    std::int64_t least_ = std::numeric_limits<std::int64_t>::max();
    std::int64_t greatest_ = 0;
};

}  // namespace megabed
