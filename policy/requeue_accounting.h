#pragma once

#include "policy/error.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace megabed {

/// Requeue and ageing counters of a priority scheduler. Units: events, events, ticks.
struct PriorityRequeueAccounting {
    std::uint64_t requeue_count = 0;
    std::uint64_t aged_promotions = 0;
    std::uint32_t max_priority_age = 0;

    constexpr bool operator==(const PriorityRequeueAccounting&) const = default;

    /// Counts one requeue of an item `age` ticks old.
    /// Errors: CounterOverflow; the counters stay as they were.
    [[nodiscard]] constexpr std::optional<Error> record_requeue(std::uint32_t age) {
        return record(requeue_count, ErrorField::RequeueCount, age);
    }

    /// Counts one promotion because of age. Errors: as `record_requeue`.
    [[nodiscard]] constexpr std::optional<Error> record_aged_promotion(std::uint32_t age) {
        return record(aged_promotions, ErrorField::AgedPromotions, age);
    }

private:
    constexpr std::optional<Error> record(std::uint64_t& counter, ErrorField field, std::uint32_t age) {
        constexpr std::uint64_t kFull = std::numeric_limits<std::uint64_t>::max();
        if (counter == kFull) {
            return Error{ErrorCode::CounterOverflow, field, counter, kFull};
        }
        ++counter;
        max_priority_age = std::max(max_priority_age, age);
        return std::nullopt;
    }
};

}  // namespace megabed
