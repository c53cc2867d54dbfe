#pragma once

#include "policy/error.h"
#include "policy/launch_parameters.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace megabed {

/// Entries of the output queue: the explicit request, else queue x hits x multiplier with a floor.
/// At or above the memory threshold the multiplier is 1.
/// Errors: CapacityOverflow if a product leaves 32 bits.
/// Source: spec "Order of a recommendation", 9.
[[nodiscard]] constexpr Result<std::uint32_t> hit_capacity_for(const LaunchPolicyParameters& parameters,
                                                               std::uint32_t requested, std::uint32_t queue_len,
                                                               std::uint32_t expected_hits_per_item,
                                                               std::uint16_t pressure_bps) {
    if (requested != 0) {
        return requested;
    }
    constexpr std::uint64_t kLimit = std::numeric_limits<std::uint32_t>::max();
    const bool pressed = pressure_bps >= parameters.memory_pressure_threshold.value();
    const std::uint64_t multiplier = pressed ? 1 : parameters.hit_capacity_multiplier;
    const std::uint64_t hits = std::uint64_t{queue_len} * std::max(expected_hits_per_item, 1U);
    if (hits > kLimit) {
        return fail(ErrorCode::CapacityOverflow, ErrorField::HitCapacity, hits, kLimit);
    }
    const std::uint64_t capacity = hits * multiplier;
    if (capacity > kLimit) {
        return fail(ErrorCode::CapacityOverflow, ErrorField::HitCapacity, capacity, kLimit);
    }
    return std::max(static_cast<std::uint32_t>(capacity), parameters.min_hit_capacity);
}

/// Resident bytes plus the scratch of the output queue, checked against the budget.
/// Errors: CapacityOverflow if the sum leaves 64 bits; OutOfMemory over a budget that is not 0.
/// Source: spec "Order of a recommendation", 10.
[[nodiscard]] constexpr Result<Bytes> peak_device_bytes(const LaunchPolicyParameters& parameters,
                                                        Bytes resident, std::uint32_t hit_capacity,
                                                        std::uint64_t budget) {
    const std::uint64_t scratch = std::uint64_t{hit_capacity} * parameters.scratch_bytes_per_hit;
    constexpr std::uint64_t kLimit = std::numeric_limits<std::uint64_t>::max();
    if (resident.value() > kLimit - scratch) {
        return fail(ErrorCode::CapacityOverflow, ErrorField::PeakDeviceBytes, kLimit, kLimit);
    }
    const std::uint64_t peak = resident.value() + scratch;
    if (budget != 0 && peak > budget) {
        return fail(ErrorCode::OutOfMemory, ErrorField::PeakDeviceBytes, peak, budget);
    }
    return Bytes(peak);
}

}  // namespace megabed
