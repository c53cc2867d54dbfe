#pragma once

#include "policy/error.h"
#include "policy/launch_parameters.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace megabed {

/// What the adapter allows. Units: lanes, groups, lanes. Each must be at least 1.
struct GridLimits {
    std::uint32_t max_workgroup_size_x = 0;
    std::uint32_t max_compute_workgroups_per_dimension = 0;
    std::uint32_t max_compute_invocations_per_workgroup = 0;
};

struct GridRequest {
    std::uint32_t queue_len = 0;
    std::uint32_t requested_worker_groups = 0;  ///< 0: derive from the limits
};

/// A sized grid as plain numbers; y and z of the grid are 1.
struct GridPlan {
    std::uint32_t worker_groups = 0;
    std::uint32_t workgroup_size_x = 0;
    std::uint32_t slot_count = 0;
    std::uint32_t dispatch_grid_x = 0;
};

/// Groups to use when nobody asked for a number.
/// Source: spec "Sizing".
[[nodiscard]] constexpr std::uint32_t default_worker_groups_from_limits(
    const SizingPolicy& sizing, std::uint32_t max_compute_workgroups_per_dimension,
    std::uint32_t max_compute_invocations_per_workgroup) {
    const std::uint32_t by_occupancy =
        std::clamp(max_compute_workgroups_per_dimension / std::max(sizing.occupancy_divisor, 1U), 1U,
                   std::max(sizing.dispatch_workgroups_max, 1U));
    return max_compute_invocations_per_workgroup >= sizing.powerful_invocations
               ? std::max(by_occupancy, sizing.powerful_groups_min)
               : by_occupancy;
}
static_assert(default_worker_groups_from_limits({}, 65'535, 1024) == 255);
static_assert(default_worker_groups_from_limits({}, 47, 4096) == 64);

/// Lanes a group. The original turns its *group* count into a *lane* count here; law O4 speaks of it.
[[nodiscard]] constexpr std::uint32_t worker_workgroup_size(std::uint32_t worker_count,
                                                            std::uint32_t max_workgroup_size_x) {
    return worker_count == 0 ? 1 : std::min(worker_count, std::max(max_workgroup_size_x, 1U));
}
static_assert(worker_workgroup_size(255, 1024) == 255 && worker_workgroup_size(0, 1024) == 1);

/// ceil(count / width) where the sum count + width - 1 saturates, as in the original.
[[nodiscard]] constexpr std::uint32_t saturating_tiles(std::uint32_t count, std::uint32_t width) {
    return saturating_add(count, width - 1) / width;
}

/// Slots rounded up to whole groups, at least one group; saturates at 2^32 - 1.
[[nodiscard]] constexpr std::uint32_t padded_slot_count(std::uint32_t slot_count,
                                                        std::uint32_t workgroup_size_x) {
    const std::uint32_t width = std::max(workgroup_size_x, 1U);
    return saturating_mul(std::max(saturating_tiles(slot_count, width), 1U), width);
}
static_assert(padded_slot_count(4096, 30) == 4110 && padded_slot_count(0, 8) == 8);

/// Groups to dispatch for a queue, in x: as many as it fills, within the workers and the sizing limit.
/// y and z are always 1.
[[nodiscard]] constexpr std::uint32_t dispatch_grid_x_for(const SizingPolicy& sizing,
                                                          std::uint32_t worker_count, std::uint32_t queue_len,
                                                          std::uint32_t max_workgroup_size_x) {
    const std::uint32_t filled = std::max(saturating_tiles(queue_len, std::max(max_workgroup_size_x, 1U)), 1U);
    return std::min(std::min(filled, std::max(worker_count, 1U)), sizing.dispatch_workgroups_max);
}

/// The error for the first limit that is 0, if any.
[[nodiscard]] constexpr std::optional<Error> check_limits(const GridLimits& limits) {
    if (limits.max_workgroup_size_x == 0) {
        return Error{ErrorCode::ZeroAdapterLimit, ErrorField::MaxWorkgroupSizeX, 0, 1};
    }
    if (limits.max_compute_workgroups_per_dimension == 0) {
        return Error{ErrorCode::ZeroAdapterLimit, ErrorField::MaxComputeWorkgroupsPerDimension, 0, 1};
    }
    if (limits.max_compute_invocations_per_workgroup == 0) {
        return Error{ErrorCode::ZeroAdapterLimit, ErrorField::MaxComputeInvocationsPerWorkgroup, 0, 1};
    }
    return std::nullopt;
}

/// Worker groups, lanes a group, padded slots and grid for a queue.
/// Errors: ZeroAdapterLimit, naming the limit.
/// Source: spec "Sizing".
[[nodiscard]] constexpr Result<GridPlan> calculate_optimal_grid(const SizingPolicy& sizing,
                                                                const GridRequest& request,
                                                                const GridLimits& limits) {
    if (const std::optional<Error> error = check_limits(limits)) {
        return Failure(*error);
    }
    const std::uint32_t asked =
        request.requested_worker_groups != 0
            ? request.requested_worker_groups
            : default_worker_groups_from_limits(sizing, limits.max_compute_workgroups_per_dimension,
                                                limits.max_compute_invocations_per_workgroup);
    const std::uint32_t groups = std::max(std::min(asked, limits.max_compute_workgroups_per_dimension), 1U);
    const std::uint32_t lanes = worker_workgroup_size(groups, limits.max_workgroup_size_x);
    const std::uint32_t slots = padded_slot_count(std::max(request.queue_len, 1U), lanes);
    return GridPlan{groups, lanes, slots, dispatch_grid_x_for(sizing, groups, slots, lanes)};
}

}  // namespace megabed
