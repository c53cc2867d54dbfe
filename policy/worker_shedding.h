#pragma once

#include "policy/error.h"
#include "policy/launch_parameters.h"
#include "policy/launch_recommendation.h"

#include <algorithm>
#include <cstdint>

namespace megabed {

/// Groups to keep in a memory-constrained launch: 75 % at the threshold, falling to 50 % at full pressure.
/// Requires: requested > 1.
/// Errors:   ThresholdOutOfRange if the threshold is above 10000 bps.
[[nodiscard]] constexpr Result<std::uint32_t> shed_under_pressure(const LaunchPolicyParameters& parameters,
                                                                  std::uint16_t pressure_bps,
                                                                  std::uint32_t requested) {
    const std::uint32_t threshold = parameters.memory_pressure_threshold.value();
    if (threshold > kWholeBps) {
        return fail(ErrorCode::ThresholdOutOfRange, ErrorField::MemoryPressureThreshold, threshold, kWholeBps);
    }
    constexpr std::uint32_t kShedFirst = 2500;
    constexpr std::uint32_t kShedMore = 2500;
    const std::uint32_t span = std::max(kWholeBps - threshold, 1U);
    const std::uint32_t over = std::min(pressure_bps > threshold ? pressure_bps - threshold : 0U, span);
    const std::uint32_t keep = kWholeBps - (kShedFirst + over * kShedMore / span);
    return std::max(static_cast<std::uint32_t>(std::uint64_t{requested} * keep / kWholeBps), 1U);
}

/// Groups to keep in a sparse launch: the share density / sparse threshold, not below min(requested, 32).
/// Requires: requested > 1.
[[nodiscard]] constexpr std::uint32_t shed_when_sparse(const LaunchPolicyParameters& parameters,
                                                       std::uint16_t density_bps, std::uint32_t requested) {
    const std::uint32_t span = std::max(std::uint32_t{parameters.sparse_frontier_threshold.value()}, 1U);
    const std::uint32_t density = std::clamp(std::uint32_t{density_bps}, 1U, span);
    const std::uint32_t scaled = static_cast<std::uint32_t>(std::uint64_t{requested} * density / span);
    return std::min(std::max(scaled, std::min(requested, 32U)), requested);
}

/// The requested groups after shedding. An unset request (0) and a request for one group are never shed.
/// Errors: ThresholdOutOfRange, from `shed_under_pressure`.
/// Source: spec "Order of a recommendation", 6.
[[nodiscard]] constexpr Result<std::uint32_t> shed_worker_groups(
    const LaunchPolicyParameters& parameters, DispatchTopology topology, std::uint32_t requested,
    std::uint16_t density_bps, std::uint16_t pressure_bps, std::uint32_t nodes) {
    if (requested <= 1) {
        return requested;
    }
    if (topology == DispatchTopology::MemoryConstrained && pressure_bps != 0) {
        return shed_under_pressure(parameters, pressure_bps, requested);
    }
    if (topology == DispatchTopology::SparseFrontier && nodes != 0 && density_bps != 0) {
        return shed_when_sparse(parameters, density_bps, requested);
    }
    return requested;
}

}  // namespace megabed
