#pragma once

#include <cstdint>

namespace megabed {

/// A random order of 0 .. count - 1 that is computed and not stored: a bijection, both ways, the same on host
/// and device. So a random set of k of count things is the first k places, without a draw that comes twice;
/// whether one belongs to it is a comparison. Requires: count > 0; arguments below count. Source: rounds of an
/// odd multiplication and a shifted exclusive or, each of them a bijection of as many bits as count has; what
/// falls outside goes round again ("cycle walking": Black and Rogaway, "Ciphers with arbitrary finite domains",
/// CT-RSA 2002).
class Shuffle {
public:
    constexpr Shuffle() = default;
    constexpr explicit Shuffle(std::uint32_t count, std::uint64_t key = 0) : count_(count) {
        while (mask_ < count - 1) {
            mask_ = mask_ << 1 | 1;
            ++bits_;
        }
        set_key(key);
    }
    /// Another order of as many.
    [[nodiscard]] constexpr Shuffle with_key(std::uint64_t key) const {
        Shuffle other = *this;
        other.set_key(key);
        return other;
    }

    [[nodiscard]] constexpr std::uint32_t count() const { return count_; }
    /// What stands at a place.
    [[nodiscard]] constexpr std::uint32_t at(std::uint32_t place) const {
        do {
            place = forth(place);
        } while (place >= count_);
        return place;
    }
    /// Where it stands.
    [[nodiscard]] constexpr std::uint32_t place_of(std::uint32_t value) const {
        do {
            value = back(value);
        } while (value >= count_);
        return value;
    }

private:
    // Odd, from the finishers of MurmurHash3 and from the golden ratio.
    static constexpr std::uint32_t kFactor0 = 0x85EB'CA6B;
    static constexpr std::uint32_t kFactor1 = 0xC2B2'AE35;
    static constexpr std::uint32_t kFactor2 = 0x9E37'79B1;

    // Their inverses modulo 2^32.
    static constexpr std::uint32_t kInverse0 = 0xA5CB'9243;
    static constexpr std::uint32_t kInverse1 = 0x7ED1'B41D;
    static constexpr std::uint32_t kInverse2 = 0x0E8B'2F51;
    static_assert(kFactor0 * kInverse0 == 1 && kFactor1 * kInverse1 == 1 && kFactor2 * kInverse2 == 1);

    constexpr void set_key(std::uint64_t key) {
        key_[0] = static_cast<std::uint32_t>(key);
        key_[1] = static_cast<std::uint32_t>(key >> 32);
        key_[2] = key_[0] ^ kFactor2 * key_[1];
    }
    /// At least half the bits, so that it is its own inverse.
    [[nodiscard]] constexpr std::uint32_t fold(std::uint32_t value) const {
        return value ^ value >> (bits_ + 1) / 2;
    }
    [[nodiscard]] constexpr std::uint32_t forth(std::uint32_t value) const {
        value = fold((value * kFactor0 + key_[0]) & mask_);
        value = fold((value * kFactor1 + key_[1]) & mask_);
        return fold((value * kFactor2 + key_[2]) & mask_);
    }
    [[nodiscard]] constexpr std::uint32_t back(std::uint32_t value) const {
        value = ((fold(value) - key_[2]) * kInverse2) & mask_;
        value = ((fold(value) - key_[1]) * kInverse1) & mask_;
        return ((fold(value) - key_[0]) * kInverse0) & mask_;
    }

    std::uint32_t count_ = 1;
    std::uint32_t mask_ = 0;
    std::uint32_t bits_ = 0;
    std::uint32_t key_[3] = {};
};

static_assert(Shuffle(1).at(0) == 0 && Shuffle(1, 99).place_of(0) == 0);
static_assert(Shuffle(1000, 0x1234'5678'9ABC'DEF0).place_of(Shuffle(1000, 0x1234'5678'9ABC'DEF0).at(7)) == 7);

}  // namespace megabed
