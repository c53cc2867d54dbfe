#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace megabed {

/// IEEE 754 total order: -NaN < -inf < ... < -0 < +0 < ... < +inf < +NaN.
[[nodiscard]] constexpr bool total_order_less(double left, double right) {
    const auto key = [](double value) {
        const auto bits = std::bit_cast<std::int64_t>(value);
        return bits ^ static_cast<std::int64_t>(static_cast<std::uint64_t>(bits >> 63) >> 1);
    };
    return key(left) < key(right);
}
static_assert(total_order_less(-0.0, 0.0) && !total_order_less(1.0, 1.0));

/// The candidate of least cost over the common length, first wins ties; `current` if either is empty.
/// Units: costs in any unit that is smaller when better. A -NaN cost is the least (law H1).
/// Source: spec "Helpers".
[[nodiscard]] constexpr std::uint32_t autotune(std::span<const std::uint32_t> candidates,
                                               std::span<const double> costs, std::uint32_t current) {
    const std::size_t count = candidates.size() < costs.size() ? candidates.size() : costs.size();
    if (count == 0) {
        return current;
    }
    std::size_t best = 0;
    for (std::size_t index = 1; index < count; ++index) {
        if (total_order_less(costs[index], costs[best])) {
            best = index;
        }
    }
    return candidates[best];
}

/// As `autotune`, but only candidates above 0 whose cost is a number take part; `current` if there is none.
[[nodiscard]] constexpr std::uint32_t autotune_known_costs(std::span<const std::uint32_t> candidates,
                                                           std::span<const double> costs,
                                                           std::uint32_t current) {
    const std::size_t count = candidates.size() < costs.size() ? candidates.size() : costs.size();
    std::size_t best = count;
    for (std::size_t index = 0; index < count; ++index) {
        const bool known = costs[index] == costs[index] && candidates[index] > 0;
        if (known && (best == count || total_order_less(costs[index], costs[best]))) {
            best = index;
        }
    }
    return best == count ? current : candidates[best];
}

/// The hit-capacity multiplier of least observed cost.
[[nodiscard]] constexpr std::uint32_t autotune_hit_capacity_multiplier(
    std::span<const std::uint32_t> candidates, std::span<const double> costs,
    std::uint32_t current_multiplier) {
    return autotune(candidates, costs, current_multiplier);
}

/// The workgroup size of least observed cost, in lanes.
[[nodiscard]] constexpr std::uint32_t autotune_workgroup_size(std::span<const std::uint32_t> candidates,
                                                              std::span<const double> costs,
                                                              std::uint32_t current_size) {
    return autotune(candidates, costs, current_size);
}

}  // namespace megabed
