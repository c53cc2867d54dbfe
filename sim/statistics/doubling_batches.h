#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace megabed {

/// Means of equally long batches of a series of any length in bounded memory: when there are as many batches as
/// may be, neighbours are joined in pairs and batches are twice as long from then on. So there are always
/// between half of the most and the most, once there were that many.
class DoublingBatches {
public:
    /// Requires: first_length >= 1; most even and >= 2.
    DoublingBatches(std::uint64_t first_length, std::size_t most) : most_(most), length_(first_length) {
        assert(first_length >= 1 && most >= 2 && most % 2 == 0);
    }

    void add(double value) {
        sum_ += value;
        if (++filled_ < length_) {
            return;
        }
        means_.push_back(sum_ / static_cast<double>(length_));
        sum_ = 0;
        filled_ = 0;
        if (means_.size() == most_) {
            join_pairs();
        }
    }

    /// Of the batches that are complete, in the order of the series.
    [[nodiscard]] std::span<const double> means() const { return means_; }
    /// Numbers in a batch.
    [[nodiscard]] std::uint64_t length() const { return length_; }
    /// Numbers seen, those of the incomplete last batch included.
    [[nodiscard]] std::uint64_t count() const { return means_.size() * length_ + filled_; }

    /// For checkpoints.
    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        std::size_t size = means_.size();
        archive& most_& length_& filled_& sum_& size;
        means_.resize(size);
        for (double& mean : means_) {
            archive& mean;
        }
    }

private:
    void join_pairs() {
        for (std::size_t pair = 0; pair < most_ / 2; ++pair) {
            means_[pair] = (means_[2 * pair] + means_[2 * pair + 1]) / 2;
        }
        means_.resize(most_ / 2);
        length_ *= 2;
    }

    std::size_t most_;
    std::uint64_t length_;
    std::uint64_t filled_ = 0;
    double sum_ = 0;
    std::vector<double> means_;
};

}  // namespace megabed
