#pragma once

#include "policy/field_rule_parameters.h"
#include "policy/units.h"

#include <cstdint>

namespace megabed {

/// Constants that size a grid. Source: spec "Sizing"; the values are the original runtime's.
struct SizingPolicy {
    std::uint32_t default_worker_groups = 64;  ///< for callers that size without adapter limits
    std::uint32_t occupancy_divisor = 256;     ///< default groups = largest grid / this
    std::uint32_t dispatch_workgroups_max = 1024;
    std::uint32_t powerful_invocations = 4096;  ///< adapters from here up ...
    std::uint32_t powerful_groups_min = 64;     ///< ... get at least this many groups by default

    constexpr bool operator==(const SizingPolicy&) const = default;
};

/// The thresholds of a launch policy.
/// Units: `*_threshold` of density and pressure in basis points; counts otherwise.
struct LaunchPolicyParameters {
    SizingPolicy sizing{};
    std::uint32_t min_hit_capacity = 1024;
    std::uint32_t hit_capacity_multiplier = 2;
    std::uint32_t saturated_waves = 4;
    std::uint32_t hot_opcode_threshold = 8;
    std::uint32_t hot_window_threshold = 4;
    std::uint32_t jit_queue_len_threshold = 4096;
    std::uint32_t priority_age_threshold = 32;
    BasisPoints sparse_frontier_threshold{500};
    BasisPoints dense_frontier_threshold{4000};
    BasisPoints memory_pressure_threshold{8500};
    /// Half-width of the hold around a frontier threshold, and depth of the hold below the memory threshold.
    BasisPoints hysteresis{250};
    std::uint32_t fusion_edge_threshold = 65'536;
    std::uint32_t scratch_bytes_per_hit = 16;
    FieldRuleParameters field{};  ///< read by the policies of that name alone, never by the reference

    [[nodiscard]] static constexpr LaunchPolicyParameters standard() { return {}; }
    constexpr bool operator==(const LaunchPolicyParameters&) const = default;
};

/// The widest hysteresis that leaves room for any thresholds: hysteresis < sparse, sparse + 2 x hysteresis <
/// dense and dense + hysteresis < 10000 make 4 x hysteresis at most 10000 - 3.
inline constexpr std::uint16_t kHysteresisMaxBps = (kWholeBps - 3) / 4;
static_assert(kHysteresisMaxBps == 2499);

}  // namespace megabed
