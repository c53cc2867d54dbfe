#include "policy/reference_policy.h"

#include <gtest/gtest.h>

namespace megabed {
namespace {

using enum DispatchTopology;

constexpr LaunchRequest base() {
    LaunchRequest request;
    request.queue_len = 16'384;
    request.requested_worker_groups = 128;
    request.max_workgroup_size_x = 256;
    request.max_compute_workgroups_per_dimension = 65'535;
    request.max_compute_invocations_per_workgroup = 1024;
    request.graph_node_count = 100'000;
    request.graph_edge_count = 250'000;
    request.frontier_density = BasisPoints(2000);
    request.memory_pressure = BasisPoints(1000);
    return request;
}

// The policy is constexpr from end to end; this is also what lets a device compile it.
static_assert((*reference::recommend({}, base())).recommendation.topology == HybridFrontier);

TopologyChoice choose(LaunchRequest request, std::optional<DispatchTopology> previous = std::nullopt) {
    return reference::recommend({}, request, previous).value().choice;
}

LaunchRequest with_density(std::uint16_t bps) {
    LaunchRequest request = base();
    request.frontier_density = BasisPoints(bps);
    return request;
}

LaunchRequest with_pressure(std::uint16_t bps) {
    LaunchRequest request = base();
    request.memory_pressure = BasisPoints(bps);
    return request;
}

TEST(ReferencePolicy, Raw_topologies_change_exactly_at_their_thresholds) {
    EXPECT_EQ(choose(with_density(500)).topology, SparseFrontier);
    EXPECT_EQ(choose(with_density(501)).topology, HybridFrontier);
    EXPECT_EQ(choose(with_density(3999)).topology, HybridFrontier);
    EXPECT_EQ(choose(with_density(4000)).topology, DenseFrontier);
    EXPECT_EQ(choose(with_pressure(8499)).topology, HybridFrontier);
    EXPECT_EQ(choose(with_pressure(8500)).topology, MemoryConstrained);
    LaunchRequest hot = with_density(4000);
    hot.hot_opcode_count = 8;
    EXPECT_EQ(choose(hot).topology, FusedDense);
    hot.hot_opcode_count = 7;
    EXPECT_EQ(choose(hot).topology, DenseFrontier);
}

TEST(ReferencePolicy, Holds_end_exactly_at_their_bounds_and_name_themselves) {
    const struct {
        LaunchRequest request;
        DispatchTopology previous;
        DispatchTopology expected;
        TopologyHold hold;
    } cases[] = {
        {with_density(750), SparseFrontier, SparseFrontier, TopologyHold::SparseAboveThreshold},
        {with_density(751), SparseFrontier, HybridFrontier, TopologyHold::None},
        {with_density(250), HybridFrontier, HybridFrontier, TopologyHold::HybridBelowSparse},
        {with_density(249), HybridFrontier, SparseFrontier, TopologyHold::None},
        {with_density(4250), HybridFrontier, HybridFrontier, TopologyHold::HybridAboveDense},
        {with_density(4251), HybridFrontier, DenseFrontier, TopologyHold::None},
        {with_density(3750), DenseFrontier, DenseFrontier, TopologyHold::DenseBelowThreshold},
        {with_density(3749), DenseFrontier, HybridFrontier, TopologyHold::None},
        {with_pressure(8250), MemoryConstrained, MemoryConstrained, TopologyHold::MemoryNotYetRelieved},
        {with_pressure(8249), MemoryConstrained, HybridFrontier, TopologyHold::None},
        {with_density(3750), FusedDense, HybridFrontier, TopologyHold::None},  // not hot any more
    };
    for (const auto& expected : cases) {
        const TopologyChoice choice = choose(expected.request, expected.previous);
        EXPECT_EQ(choice.topology, expected.expected) << to_string(expected.previous);
        EXPECT_EQ(choice.hold, expected.hold) << to_string(choice.hold);
    }
}

/// The topology and the hold of a request after a topology, with a hysteresis of `width`.
TopologyChoice choose_with(std::uint16_t width, const LaunchRequest& request, DispatchTopology previous) {
    LaunchPolicyParameters parameters;
    parameters.hysteresis = BasisPoints(width);
    return reference::recommend(parameters, request, previous).value().choice;
}

TEST(ReferencePolicy, Holds_are_as_wide_as_the_hysteresis) {
    for (const int width : {1, 100, 250, 400, 1000}) {
        const auto density = [](int bps) { return with_density(static_cast<std::uint16_t>(bps)); };
        const auto pressure = [](int bps) { return with_pressure(static_cast<std::uint16_t>(bps)); };
        const struct {
            LaunchRequest inside;
            LaunchRequest outside;
            DispatchTopology held;
            DispatchTopology left_for;
            TopologyHold hold;
        } cases[] = {
            {density(500 + width), density(501 + width), SparseFrontier, HybridFrontier,
             TopologyHold::SparseAboveThreshold},
            {density(4000 + width), density(4001 + width), HybridFrontier, DenseFrontier,
             TopologyHold::HybridAboveDense},
            {density(4000 - width), density(3999 - width), DenseFrontier, HybridFrontier,
             TopologyHold::DenseBelowThreshold},
            {pressure(8500 - width), pressure(8499 - width), MemoryConstrained, HybridFrontier,
             TopologyHold::MemoryNotYetRelieved},
        };
        const auto wide = static_cast<std::uint16_t>(width);
        for (const auto& expected : cases) {
            const TopologyChoice inside = choose_with(wide, expected.inside, expected.held);
            EXPECT_EQ(inside.topology, expected.held) << width << ' ' << to_string(expected.hold);
            EXPECT_EQ(inside.hold, expected.hold) << width;
            EXPECT_EQ(choose_with(wide, expected.outside, expected.held).topology, expected.left_for)
                << width << ' ' << to_string(expected.hold);
        }
        if (width < 500) {
            EXPECT_EQ(choose_with(wide, density(500 - width), HybridFrontier).hold,
                      TopologyHold::HybridBelowSparse);
            EXPECT_EQ(choose_with(wide, density(499 - width), HybridFrontier).topology, SparseFrontier);
        }
    }
}

TEST(ReferencePolicy, Without_width_it_holds_hybrid_exactly_on_a_threshold_and_nothing_else) {
    LaunchPolicyParameters parameters;
    parameters.hysteresis = BasisPoints(0);
    for (const DispatchTopology previous : kAllTopologies) {
        for (std::uint32_t bps = 0; bps <= kWholeBps; ++bps) {
            const auto reading = static_cast<std::uint16_t>(bps);
            for (const LaunchRequest& request : {with_density(reading), with_pressure(reading)}) {
                const TopologyChoice stateless = reference::recommend(parameters, request)->choice;
                const TopologyChoice choice = reference::recommend(parameters, request, previous)->choice;
                const std::uint16_t density = request.frontier_density->value();
                const bool on_a_threshold = density == 500 || density == 4000;
                if (previous == HybridFrontier && on_a_threshold) {
                    // The bounds of a hold are inclusive, so a band of width 0 is still a point.
                    EXPECT_EQ(choice.topology, HybridFrontier) << bps;
                    EXPECT_NE(choice.hold, TopologyHold::None);
                } else {
                    EXPECT_EQ(choice, stateless) << bps << " after " << to_string(previous);
                }
            }
        }
    }
}

TEST(ReferencePolicy, A_threshold_that_the_hysteresis_does_not_fit_under_or_over_is_out_of_range) {
    LaunchPolicyParameters parameters;
    parameters.hysteresis = BasisPoints(501);
    EXPECT_EQ(reference::recommend(parameters, with_density(50), HybridFrontier).error(),
              (Error{ErrorCode::ThresholdOutOfRange, ErrorField::SparseFrontierThreshold, 500, 0}));
    parameters.hysteresis = BasisPoints(500);
    EXPECT_TRUE(reference::recommend(parameters, with_density(50), HybridFrontier));
    parameters.hysteresis = BasisPoints::max();
    EXPECT_EQ(reference::recommend(parameters, with_density(1000), SparseFrontier).error(),
              (Error{ErrorCode::ThresholdOutOfRange, ErrorField::SparseFrontierThreshold, 500, 65'535}));
}

TEST(ReferencePolicy, A_threshold_out_of_range_is_an_error_only_in_the_arm_that_needs_it) {
    LaunchPolicyParameters parameters;
    parameters.sparse_frontier_threshold = BasisPoints(100);
    EXPECT_TRUE(reference::recommend(parameters, with_density(50), SparseFrontier));
    const auto broken = reference::recommend(parameters, with_density(50), HybridFrontier);
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error(),
              (Error{ErrorCode::ThresholdOutOfRange, ErrorField::SparseFrontierThreshold, 100, 0}));
}

TEST(ReferencePolicy, Pressure_sheds_a_quarter_at_the_threshold_and_half_at_the_top) {
    LaunchRequest request = with_pressure(8500);
    request.requested_worker_groups = 256;
    EXPECT_EQ(reference::recommend({}, request)->recommendation.worker_groups, 192U);
    request.memory_pressure = BasisPoints(10'000);
    EXPECT_EQ(reference::recommend({}, request)->recommendation.worker_groups, 128U);
}

TEST(ReferencePolicy, An_absent_reading_and_a_zero_are_answered_alike) {
    LaunchRequest absent = base();
    absent.frontier_density.reset();
    absent.memory_pressure.reset();
    absent.resident_device_bytes = Bytes(900);
    absent.device_memory_budget = Bytes(1 << 30);
    LaunchRequest zero = absent;
    zero.frontier_density = BasisPoints(0);
    zero.memory_pressure = BasisPoints(0);
    zero.requested_hit_capacity = 0;
    EXPECT_EQ(reference::recommend({}, absent), reference::recommend({}, zero));
}

TEST(ReferencePolicy, Out_of_memory_says_how_much_was_asked_and_allowed) {
    LaunchRequest request = base();
    request.resident_device_bytes = Bytes(1000);
    request.device_memory_budget = Bytes(100'000);
    const auto answer = reference::recommend({}, request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error(), (Error{ErrorCode::OutOfMemory, ErrorField::PeakDeviceBytes, 525'288, 100'000}));
    EXPECT_EQ(to_string(answer.error()), "estimated_peak_device_bytes is 525288; the budget is 100000");
}

// Two of the original's known defects, kept on purpose.
TEST(ReferencePolicy, Known_defect_more_pressure_can_mean_more_workers) {
    LaunchRequest request = with_density(125);
    request.memory_pressure = BasisPoints(8499);
    EXPECT_EQ(reference::recommend({}, request)->recommendation.worker_groups, 32U);
    request.memory_pressure = BasisPoints(8500);
    EXPECT_EQ(reference::recommend({}, request)->recommendation.worker_groups, 96U);
}

TEST(ReferencePolicy, Known_defect_less_pressure_can_mean_out_of_memory) {
    LaunchRequest request = base();
    request.device_memory_budget = Bytes(262'144);
    request.memory_pressure = BasisPoints(8500);
    EXPECT_TRUE(reference::recommend({}, request));
    request.memory_pressure = BasisPoints(8499);
    EXPECT_FALSE(reference::recommend({}, request));
}

}  // namespace
}  // namespace megabed
