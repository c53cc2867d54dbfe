#include "policy/sizing.h"

#include <gtest/gtest.h>

namespace megabed {
namespace {

constexpr GridLimits kLimits{1024, 65'535, 1024};

TEST(Sizing, An_unset_request_derives_groups_from_the_limits) {
    const auto plan = calculate_optimal_grid(SizingPolicy{}, {1000, 0}, kLimits);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->worker_groups, 255U);
    EXPECT_EQ(plan->workgroup_size_x, 255U);  // a group count becomes a lane count, as in the original
    EXPECT_EQ(plan->slot_count, 1020U);
    EXPECT_EQ(plan->dispatch_grid_x, 4U);
}

TEST(Sizing, A_zero_limit_is_named) {
    const struct {
        GridLimits limits;
        ErrorField field;
    } cases[] = {{{0, 1, 1}, ErrorField::MaxWorkgroupSizeX},
                 {{1, 0, 1}, ErrorField::MaxComputeWorkgroupsPerDimension},
                 {{1, 1, 0}, ErrorField::MaxComputeInvocationsPerWorkgroup}};
    for (const auto& bad : cases) {
        const auto plan = calculate_optimal_grid(SizingPolicy{}, {1, 1}, bad.limits);
        ASSERT_FALSE(plan);
        EXPECT_EQ(plan.error().code, ErrorCode::ZeroAdapterLimit);
        EXPECT_EQ(plan.error().field, bad.field);
    }
}

TEST(Sizing, The_grid_is_capped_by_workers_and_by_the_sizing_limit) {
    EXPECT_EQ(dispatch_grid_x_for(SizingPolicy{}, 10, 1'000'000, 32), 10U);
    EXPECT_EQ(dispatch_grid_x_for(SizingPolicy{}, 100'000, 100'000'000, 32), 1024U);
    EXPECT_EQ(dispatch_grid_x_for(SizingPolicy{}, 0, 0, 0), 1U);
}

TEST(Sizing, Powerful_adapters_get_a_floor) {
    EXPECT_EQ(default_worker_groups_from_limits({}, 47, 4096), 64U);
    EXPECT_EQ(default_worker_groups_from_limits({}, 47, 4095), 1U);
    EXPECT_EQ(default_worker_groups_from_limits({}, 0xFFFFFFFF, 64), 1024U);
}

}  // namespace
}  // namespace megabed
