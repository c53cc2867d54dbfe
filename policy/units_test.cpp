#include "policy/units.h"

#include <gtest/gtest.h>
#include <limits>
#include <type_traits>

namespace megabed {
namespace {

// What must not compile: units do not mix and do not arise by accident.
template <class Left, class Right>
concept CanAdd = requires(Left left, Right right) {
    left + right;
};
template <class Left, class Right>
concept CanCompare = requires(Left left, Right right) {
    left < right;
};
static_assert(!CanAdd<Bytes, SimTime> && !CanCompare<Bytes, SlotCount> && !CanAdd<Bytes, std::uint64_t>);
static_assert(CanAdd<Bytes, Bytes>);
static_assert(!std::is_convertible_v<std::uint16_t, BasisPoints> &&
              !std::is_convertible_v<Bytes, std::uint64_t>);

constexpr std::uint64_t kU64Max = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kU32Max = std::numeric_limits<std::uint32_t>::max();

TEST(Units, Ratio_floor_rounds_down_and_stops_at_the_whole) {
    EXPECT_EQ(ratio_floor(0, 1).value(), 0);
    EXPECT_EQ(ratio_floor(9999, 10'000).value(), 9999);
    EXPECT_EQ(ratio_floor(1, 10'001).value(), 0);
    EXPECT_EQ(ratio_floor(kU64Max, kU64Max).value(), 10'000);
    EXPECT_EQ(ratio_floor(kU64Max, 1).value(), 10'000);
    EXPECT_EQ(ratio_floor(kU64Max - 1, kU64Max).value(), 9999);
    EXPECT_EQ(ratio_floor(kU64Max / 10'000, kU64Max).value(), 0);
    EXPECT_EQ(ratio_floor(kU64Max / 10'000 + 1, kU64Max).value(), 1);
}

TEST(Units, Saturating_arithmetic_stops_at_the_largest_value) {
    EXPECT_EQ(saturating_add(kU32Max, 1), kU32Max);
    EXPECT_EQ(saturating_add(kU32Max - 1, 1), kU32Max);
    EXPECT_EQ(saturating_add(2, 3), 5U);
    EXPECT_EQ(saturating_mul(1U << 16, 1U << 16), kU32Max);
    EXPECT_EQ(saturating_mul(1U << 16, (1U << 16) - 1), 0xFFFF0000U);
}

}  // namespace
}  // namespace megabed
