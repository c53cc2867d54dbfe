#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace megabed {

/// Which of 4096 buckets hold anything; the first of them is two bit scans away.
class OccupancyMap {
public:
    static constexpr std::size_t kBuckets = 4096;

    void set(std::size_t bucket) {
        words_[bucket / kWord] |= std::uint64_t{1} << bucket % kWord;
        summary_ |= std::uint64_t{1} << bucket / kWord;
    }
    void clear(std::size_t bucket) {
        assert(bucket < kBuckets);
        words_[bucket / kWord] &= ~(std::uint64_t{1} << bucket % kWord);
        if (words_[bucket / kWord] == 0) {
            summary_ &= ~(std::uint64_t{1} << bucket / kWord);
        }
    }
    [[nodiscard]] bool empty() const { return summary_ == 0; }
    /// Requires: not empty.
    [[nodiscard]] std::size_t first() const {
        assert(!empty());
        const auto word = static_cast<std::size_t>(std::countr_zero(summary_));
        return word * kWord + static_cast<std::size_t>(std::countr_zero(words_[word]));
    }

private:
    static constexpr std::size_t kWord = 64;
    std::array<std::uint64_t, kBuckets / kWord> words_{};
    std::uint64_t summary_ = 0;
};

}  // namespace megabed
