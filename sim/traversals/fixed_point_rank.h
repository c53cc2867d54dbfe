#pragma once

#include <cstdint>

namespace megabed {

/// The arithmetic of PageRank in fixed point, exact and so equal everywhere. Plain constexpr, for device code
/// too.

/// The rank that vertices would share evenly.
inline constexpr std::uint64_t kRankOne = std::uint64_t{1} << 32;

/// floor(value * damping / 10000) without overflow.
/// Requires: damping_bps is at most 10000.
[[nodiscard]] constexpr std::uint64_t damped(std::uint64_t value, std::uint32_t damping_bps) {
    constexpr std::uint64_t kWhole = 10'000;
    return value / kWhole * damping_bps + value % kWhole * damping_bps / kWhole;
}

/// What every vertex starts with.
[[nodiscard]] constexpr std::uint64_t first_residual(std::uint32_t damping_bps) {
    return kRankOne - damped(kRankOne, damping_bps);
}

/// A residual above this propagates.
[[nodiscard]] constexpr std::uint64_t residual_threshold(std::uint32_t tolerance_ppm) {
    return kRankOne / 1'000'000 * tolerance_ppm;
}

/// What each neighbour gets of a residual; the remainder of the division is lost.
/// Requires: degree is at least 1.
[[nodiscard]] constexpr std::uint64_t share_of(std::uint64_t residual, std::uint32_t damping_bps,
                                               std::uint64_t degree) {
    return damped(residual, damping_bps) / degree;
}

static_assert(damped(~std::uint64_t{0}, 10'000) == ~std::uint64_t{0});
static_assert(damped(19'999, 8500) == 16'999);
static_assert(first_residual(8500) == 644'245'095);

}  // namespace megabed
