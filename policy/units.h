#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace megabed {

/// An amount of one unit. Construction from a bare number is explicit and different units never mix.
template <class Unit, class Representation>
class Quantity {
public:
    using representation = Representation;

    constexpr Quantity() = default;
    constexpr explicit Quantity(Representation value) : value_(value) {}

    [[nodiscard]] constexpr Representation value() const { return value_; }
    [[nodiscard]] static constexpr Quantity max() {
        return Quantity(std::numeric_limits<Representation>::max());
    }

    constexpr auto operator<=>(const Quantity&) const = default;

    constexpr Quantity& operator+=(Quantity other) {
        value_ = static_cast<Representation>(value_ + other.value_);
        return *this;
    }
    constexpr Quantity& operator-=(Quantity other) {
        value_ = static_cast<Representation>(value_ - other.value_);
        return *this;
    }
    friend constexpr Quantity operator+(Quantity left, Quantity right) { return left += right; }
    friend constexpr Quantity operator-(Quantity left, Quantity right) { return left -= right; }

private:
    Representation value_{};
};

/// A share in hundredths of a percent: 10000 is the whole. Readings above the whole are representable.
using BasisPoints = Quantity<struct BasisPointsUnit, std::uint16_t>;
/// A number of bytes.
using Bytes = Quantity<struct BytesUnit, std::uint64_t>;
/// A number of ring slots; a slot is a tile of work whose size the device profile sets.
using SlotCount = Quantity<struct SlotCountUnit, std::uint32_t>;
/// A point or a span of simulated or measured time, in integer nanoseconds.
using SimTime = Quantity<struct SimTimeUnit, std::int64_t>;

inline constexpr std::uint32_t kWholeBps = 10'000;

/// Smallest integer not below numerator / denominator. Requires: denominator > 0.
template <class Integer>
[[nodiscard]] constexpr Integer div_ceil(Integer numerator, Integer denominator) {
    return static_cast<Integer>(numerator / denominator + (numerator % denominator != 0 ? 1 : 0));
}
static_assert(div_ceil(7U, 4U) == 2U && div_ceil(8U, 4U) == 2U && div_ceil(0U, 4U) == 0U);

/// part / whole in basis points, rounded down and at most `kWholeBps`. Requires: whole > 0.
[[nodiscard]] constexpr BasisPoints ratio_floor(std::uint64_t part, std::uint64_t whole) {
    if (part >= whole) {
        return BasisPoints(kWholeBps);
    }
    constexpr std::uint64_t kNarrow = std::numeric_limits<std::uint32_t>::max();
    if (part <= kNarrow / kWholeBps && whole <= kNarrow) {  // most readings; a narrow division is much faster
        return BasisPoints(static_cast<std::uint16_t>(static_cast<std::uint32_t>(part) * kWholeBps /
                                                      static_cast<std::uint32_t>(whole)));
    }
    if (part <= std::numeric_limits<std::uint64_t>::max() / kWholeBps) {
        return BasisPoints(static_cast<std::uint16_t>(part * kWholeBps / whole));
    }
    __extension__ using Wide = unsigned __int128;
    return BasisPoints(static_cast<std::uint16_t>(static_cast<Wide>(part) * kWholeBps / whole));
}
static_assert(ratio_floor(1, 3).value() == 3333);
static_assert(ratio_floor(5, 4).value() == 10'000);
static_assert(ratio_floor(429'496, 429'497).value() == 9999 && ratio_floor(429'497, 429'498).value() == 9999);
static_assert(ratio_floor(1, std::uint64_t{1} << 32).value() == 0);
static_assert(ratio_floor(std::uint64_t{1} << 62, std::uint64_t{1} << 63).value() == 5000);

/// A count in 32 bits, the largest representable one where it does not fit.
[[nodiscard]] constexpr std::uint32_t saturate_u32(std::uint64_t count) {
    constexpr std::uint64_t kLimit = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(count > kLimit ? kLimit : count);
}

/// Sum that stops at the largest representable value instead of wrapping.
[[nodiscard]] constexpr std::uint32_t saturating_add(std::uint32_t left, std::uint32_t right) {
    const std::uint32_t sum = left + right;
    return sum < left ? std::numeric_limits<std::uint32_t>::max() : sum;
}

/// Product that stops at the largest representable value instead of wrapping.
[[nodiscard]] constexpr std::uint32_t saturating_mul(std::uint32_t left, std::uint32_t right) {
    return saturate_u32(std::uint64_t{left} * right);
}

}  // namespace megabed
