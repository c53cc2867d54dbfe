#pragma once

#include "policy/error.h"
#include "policy/launch_parameters.h"
#include "policy/launch_recommendation.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace megabed {

/// How full the queue is against `lanes` (groups x lanes a group); any requeue saturates.
/// Errors: CapacityOverflow if lanes x saturated_waves leaves 64 bits.
/// Source: spec "Order of a recommendation", 8.
[[nodiscard]] constexpr Result<QueuePressure> classify_pressure(const LaunchPolicyParameters& parameters,
                                                                std::uint32_t queue_len, std::uint64_t lanes,
                                                                std::uint64_t requeue_count) {
    if (queue_len == 0) {
        return QueuePressure::Empty;
    }
    const std::uint64_t width = std::max<std::uint64_t>(lanes, 1);
    const std::uint64_t waves = parameters.saturated_waves;
    constexpr std::uint64_t kLimit = std::numeric_limits<std::uint64_t>::max();
    // Not __builtin_mul_overflow: nvcc 13 accepts it in device code and compiles it to nonsense.
    __extension__ using Wide = unsigned __int128;
    const Wide saturated_from = static_cast<Wide>(width) * waves;
    if (saturated_from > kLimit) {
        return fail(ErrorCode::CapacityOverflow, ErrorField::PressureLanes, kLimit, kLimit);
    }
    if (requeue_count > 0 || queue_len >= saturated_from) {
        return QueuePressure::Saturated;
    }
    return queue_len >= width ? QueuePressure::Balanced : QueuePressure::Light;
}

}  // namespace megabed
