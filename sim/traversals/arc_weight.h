#pragma once

#include "sim/engine/counter_random.h"

#include <cstdint>

namespace megabed {

/// A value that no path reaches.
inline constexpr std::uint32_t kUnreached = 0xFFFF'FFFF;

/// The weight of an edge, 1 to weight_max: a function of its ends, so that a graph needs no stored weights and
/// every backend has the same. Plain constexpr, for device code too.
/// Requires: weight_max is at least 1.
[[nodiscard]] constexpr std::uint32_t arc_weight(std::uint32_t from, std::uint32_t to,
                                                 std::uint32_t weight_max) {
    const std::uint64_t lower = from < to ? from : to;
    const std::uint64_t higher = from < to ? to : from;
    return static_cast<std::uint32_t>(1 + scatter(lower << 32 | higher) % weight_max);
}

/// The distance behind one more arc. It stops at the largest that is not `kUnreached`, so that no path, however
/// long, wraps around.
/// Requires: distance is not kUnreached.
[[nodiscard]] constexpr std::uint32_t distance_over(std::uint32_t distance, std::uint32_t weight) {
    const std::uint32_t room = kUnreached - 1 - distance;
    return distance + (weight < room ? weight : room);
}

static_assert(arc_weight(3, 7, 255) == arc_weight(7, 3, 255));
static_assert(arc_weight(3, 7, 1) == 1);
static_assert(distance_over(kUnreached - 3, 5) == kUnreached - 1);

}  // namespace megabed
