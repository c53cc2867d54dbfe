#include "policy/hardened_policy.h"

#include "policy/reference_policy.h"

#include <gtest/gtest.h>
#include <limits>

namespace megabed {
namespace {

using enum DispatchTopology;
constexpr LaunchPolicyParameters kStandard{};

LaunchRequest base() {
    LaunchRequest request = LaunchRequest::direct(16'384, 128, 256);
    request.max_compute_workgroups_per_dimension = 65'535;
    request.max_compute_invocations_per_workgroup = 1024;
    request.graph_node_count = 100'000;
    request.graph_edge_count = 250'000;
    request.frontier_density = BasisPoints(2000);
    request.memory_pressure = BasisPoints(1000);
    return request;
}

/// The topologies of a sequence of requests, carried.
std::vector<DispatchTopology> walk(const std::vector<LaunchRequest>& requests) {
    std::vector<DispatchTopology> topologies;
    PolicyState state;
    for (const LaunchRequest& request : requests) {
        const auto decision = hardened::recommend(kStandard, request, state);
        EXPECT_TRUE(decision);
        state = decision->next;
        topologies.push_back(decision->recommendation.topology);
    }
    return topologies;
}

TEST(HardenedPolicy, Decides_at_compile_time) {
    constexpr auto kDecision = [] {
        LaunchRequest request = LaunchRequest::direct(16'384, 128, 256);
        request.max_compute_workgroups_per_dimension = 65'535;
        request.graph_node_count = 100'000;
        request.frontier_density = BasisPoints(2000);
        return hardened::recommend(kStandard, request, {});
    }();
    static_assert(kDecision.has_value());
    static_assert((*kDecision).recommendation.topology == HybridFrontier);
    static_assert((*kDecision).recommendation.worker_groups == 128);
}

TEST(HardenedPolicy, What_is_remembered_fits_a_word_and_any_bits_are_read) {
    hardened::Memory memory;
    memory.settled = FusedDense;
    memory.constrained = true;
    memory.hot_windows = true;
    memory.density = BasisPoints(65'535);
    memory.pressure = BasisPoints(0);
    EXPECT_EQ(hardened::unpack(hardened::pack(memory)), memory);
    EXPECT_EQ(hardened::pack(memory).words[1], 0U);
    for (std::uint64_t code = 0; code < 8; ++code) {
        PolicyState state;
        state.words[0] = code;
        const auto settled = hardened::unpack(state).settled;
        EXPECT_EQ(settled.has_value(), code >= 2 && code <= 5) << code;
    }
}

TEST(HardenedPolicy, An_empty_queue_and_a_pressure_spike_do_not_make_it_forget) {
    LaunchRequest low = base();
    low.frontier_density = BasisPoints(499);
    LaunchRequest above = base();
    above.frontier_density = BasisPoints(501);
    LaunchRequest empty = base();
    empty.queue_len = 0;
    LaunchRequest spike = low;
    spike.memory_pressure = BasisPoints(9000);
    EXPECT_EQ(walk({low, empty, above, empty, low}),
              (std::vector{SparseFrontier, Empty, SparseFrontier, Empty, SparseFrontier}));
    EXPECT_EQ(walk({low, spike, above}), (std::vector{SparseFrontier, MemoryConstrained, SparseFrontier}));
}

TEST(HardenedPolicy, Warm_counters_keep_a_fused_launch_fused_and_cold_ones_make_it_dense) {
    LaunchRequest hot = base();
    hot.frontier_density = BasisPoints(4100);
    hot.hot_opcode_count = 8;
    LaunchRequest warm = hot;
    warm.hot_opcode_count = 7;
    LaunchRequest cold = hot;
    cold.frontier_density = BasisPoints(3900);
    cold.hot_opcode_count = 0;
    EXPECT_EQ(walk({hot, warm, hot, warm}), (std::vector{FusedDense, FusedDense, FusedDense, FusedDense}));
    EXPECT_EQ(walk({hot, cold}), (std::vector{FusedDense, DenseFrontier}));
}

TEST(HardenedPolicy, A_missing_reading_is_the_last_one_read) {
    LaunchRequest dense = base();
    dense.frontier_density = BasisPoints(4500);
    LaunchRequest unread = dense;
    unread.frontier_density.reset();
    LaunchRequest without_graph = dense;
    without_graph.graph_node_count.reset();
    without_graph.graph_edge_count.reset();
    EXPECT_EQ(walk({dense, unread, without_graph}), (std::vector{DenseFrontier, DenseFrontier, DenseFrontier}));
}

TEST(HardenedPolicy, Lanes_are_whole_warps_within_both_limits) {
    LaunchRequest request = base();
    request.requested_worker_groups.reset();  // 255 groups
    EXPECT_EQ(hardened::recommend(kStandard, request, {})->recommendation.geometry.workgroup_size_x, 256U);
    request.requested_worker_groups = 1024;
    request.max_workgroup_size_x = 1024;
    request.max_compute_invocations_per_workgroup = 256;
    EXPECT_EQ(hardened::recommend(kStandard, request, {})->recommendation.geometry.workgroup_size_x, 256U);
    request.max_compute_invocations_per_workgroup = 20;
    EXPECT_EQ(hardened::recommend(kStandard, request, {})->recommendation.geometry.workgroup_size_x, 20U);
}

TEST(HardenedPolicy, Groups_are_shed_in_steps) {
    LaunchRequest sparse = base();
    sparse.requested_worker_groups = 512;
    const auto groups_at = [&](std::uint16_t density, std::uint16_t pressure) {
        sparse.frontier_density = BasisPoints(density);
        sparse.memory_pressure = BasisPoints(pressure);
        return hardened::recommend(kStandard, sparse, {})->recommendation.worker_groups;
    };
    EXPECT_EQ(groups_at(62, 1000), 64U);
    EXPECT_EQ(groups_at(63, 1000), 128U);
    EXPECT_EQ(groups_at(250, 1000), 256U);
    EXPECT_EQ(groups_at(251, 1000), 512U);
    EXPECT_EQ(groups_at(2000, 8500), 384U);
    EXPECT_EQ(groups_at(2000, 9000), 320U);
    EXPECT_EQ(groups_at(2000, 9999), 256U);
    EXPECT_EQ(groups_at(62, 9999), 64U);
    sparse.requested_worker_groups = 40;
    EXPECT_EQ(groups_at(62, 1000), 32U);
}

TEST(HardenedPolicy, Capacity_takes_the_room_there_is) {
    LaunchRequest request = base();
    const auto capacity_with = [&](std::uint64_t budget) {
        request.device_memory_budget = Bytes(budget);
        const auto decision = hardened::recommend(kStandard, request, {});
        return decision ? std::int64_t{decision->recommendation.hit_capacity} : -1;
    };
    constexpr std::int64_t kTight = 16'384;
    EXPECT_EQ(capacity_with(kTight * 16 - 1), -1);
    EXPECT_EQ(capacity_with(kTight * 16), kTight);
    EXPECT_EQ(capacity_with(kTight * 24), kTight * 3 / 2);
    EXPECT_EQ(capacity_with(kTight * 64), kTight * 2);
    EXPECT_EQ(hardened::recommend(kStandard, request, {})->recommendation.device_memory_budget,
              Bytes(kTight * 64));
}

TEST(HardenedPolicy, An_empty_queue_needs_nothing_and_leaves_no_trace) {
    LaunchRequest request = base();
    request.queue_len = 0;
    request.hot_opcode_count = 100;
    request.resident_device_bytes = Bytes(1000);
    request.device_memory_budget = Bytes(10);
    const auto decision = hardened::recommend(kStandard, request, {});
    ASSERT_TRUE(decision);
    EXPECT_EQ(decision->recommendation.topology, Empty);
    EXPECT_EQ(decision->recommendation.hit_capacity, 0U);
    EXPECT_EQ(decision->recommendation.estimated_peak_device_bytes, Bytes(1000));
    EXPECT_EQ(decision->next, PolicyState{});
}

TEST(HardenedPolicy, What_does_not_fit_its_type_is_an_error) {
    LaunchRequest request = base();
    request.queue_len = std::numeric_limits<std::uint32_t>::max();
    request.requested_hit_capacity = 1;
    auto decision = hardened::recommend(kStandard, request, {});
    ASSERT_FALSE(decision);
    EXPECT_EQ(decision.error().field, ErrorField::Slots);

    request = base();
    request.expected_hits_per_item = 1U << 20;
    decision = hardened::recommend(kStandard, request, {});
    ASSERT_FALSE(decision);
    EXPECT_EQ(decision.error().field, ErrorField::HitCapacity);

    request = base();
    request.resident_device_bytes = Bytes::max();
    decision = hardened::recommend(kStandard, request, {});
    ASSERT_FALSE(decision);
    EXPECT_EQ(decision.error().code, ErrorCode::CapacityOverflow);

    request = base();
    request.max_workgroup_size_x = 0;
    EXPECT_EQ(hardened::recommend(kStandard, request, {}).error().code, ErrorCode::ZeroAdapterLimit);

    LaunchPolicyParameters no_scratch;
    no_scratch.scratch_bytes_per_hit = 0;
    request = base();
    request.device_memory_budget = Bytes(1);
    EXPECT_EQ(hardened::recommend(no_scratch, request, {})->recommendation.hit_capacity, 32'768U);
}

TEST(HardenedPolicy, The_first_wrong_parameter_is_named) {
    const auto field_of = [](auto change) {
        LaunchPolicyParameters parameters;
        change(parameters);
        return hardened::check_parameters(parameters)->field;
    };
    EXPECT_FALSE(hardened::check_parameters(kStandard));
    using P = LaunchPolicyParameters;
    EXPECT_EQ(field_of([](P& p) { p.sparse_frontier_threshold = BasisPoints(250); }),
              ErrorField::SparseFrontierThreshold);
    EXPECT_EQ(field_of([](P& p) { p.sparse_frontier_threshold = BasisPoints(3500); }),
              ErrorField::DenseFrontierThreshold);
    EXPECT_EQ(field_of([](P& p) { p.dense_frontier_threshold = BasisPoints(9750); }),
              ErrorField::DenseFrontierThreshold);
    EXPECT_EQ(field_of([](P& p) { p.memory_pressure_threshold = BasisPoints(250); }),
              ErrorField::MemoryPressureThreshold);
    EXPECT_EQ(field_of([](P& p) { p.memory_pressure_threshold = BasisPoints(10'001); }),
              ErrorField::MemoryPressureThreshold);
    EXPECT_EQ(field_of([](P& p) { p.hysteresis = BasisPoints(500); }), ErrorField::SparseFrontierThreshold);
    EXPECT_EQ(field_of([](P& p) { p.hysteresis = BasisPoints(2500); }), ErrorField::Hysteresis);
    EXPECT_EQ(field_of([](P& p) { p.hit_capacity_multiplier = 0; }), ErrorField::HitCapacityMultiplier);
    EXPECT_EQ(field_of([](P& p) { p.saturated_waves = 0; }), ErrorField::SaturatedWaves);
}

TEST(HardenedPolicy, Each_threshold_is_accepted_as_far_as_the_hysteresis_leaves_room) {
    struct Bounds {
        std::uint16_t width;
        std::uint16_t sparse_least;
        std::uint16_t sparse_most;  ///< at a dense threshold of `dense_most`
        std::uint16_t dense_least;  ///< at a sparse threshold of `sparse_least`
        std::uint16_t dense_most;
        std::uint16_t pressure_least;
    };
    for (const Bounds& bounds :
         {Bounds{0, 1, 9998, 2, 9999, 1}, Bounds{100, 101, 9698, 302, 9899, 101},
          Bounds{250, 251, 9248, 752, 9749, 251}, Bounds{1000, 1001, 6998, 3002, 8999, 1001},
          Bounds{2499, 2500, 2501, 7499, 7500, 2500}}) {
        const auto check = [&](int sparse, int dense, int pressure) {
            LaunchPolicyParameters parameters;
            parameters.hysteresis = BasisPoints(bounds.width);
            parameters.sparse_frontier_threshold = BasisPoints(static_cast<std::uint16_t>(sparse));
            parameters.dense_frontier_threshold = BasisPoints(static_cast<std::uint16_t>(dense));
            parameters.memory_pressure_threshold = BasisPoints(static_cast<std::uint16_t>(pressure));
            return hardened::check_parameters(parameters);
        };
        using enum ErrorField;
        const auto wrong = [](ErrorField field, std::uint64_t actual, std::uint64_t limit) {
            return std::optional(Error{ErrorCode::InvalidParameter, field, actual, limit});
        };
        EXPECT_EQ(check(bounds.sparse_least, bounds.dense_least, bounds.pressure_least), std::nullopt);
        EXPECT_EQ(check(bounds.sparse_most, bounds.dense_most, 10'000), std::nullopt);
        EXPECT_EQ(check(bounds.sparse_least - 1, bounds.dense_least, 10'000),
                  wrong(SparseFrontierThreshold, bounds.sparse_least - 1U, bounds.sparse_least));
        EXPECT_EQ(check(bounds.sparse_least, bounds.dense_least - 1, 10'000),
                  wrong(DenseFrontierThreshold, bounds.dense_least - 1U, bounds.dense_least));
        EXPECT_EQ(check(bounds.sparse_most + 1, bounds.dense_most, 10'000),
                  wrong(DenseFrontierThreshold, bounds.dense_most, bounds.dense_most + 1U));
        EXPECT_EQ(check(bounds.sparse_most, bounds.dense_most + 1, 10'000),
                  wrong(DenseFrontierThreshold, bounds.dense_most + 1U, bounds.dense_most));
        EXPECT_EQ(check(bounds.sparse_least, bounds.dense_least, bounds.pressure_least - 1),
                  wrong(MemoryPressureThreshold, bounds.pressure_least - 1U, bounds.pressure_least));
        EXPECT_EQ(check(bounds.sparse_least, bounds.dense_least, 10'001),
                  wrong(MemoryPressureThreshold, 10'001, 10'000));
    }
    LaunchPolicyParameters too_wide;
    too_wide.hysteresis = BasisPoints(2500);
    EXPECT_EQ(to_string(*hardened::check_parameters(too_wide)),
              "hysteresis_bps is 2500; the nearest allowed value is 2499");
}

TEST(HardenedPolicy, Holds_are_as_wide_as_the_hysteresis) {
    using enum DispatchTopology;
    for (const int width : {0, 100, 400}) {
        LaunchPolicyParameters parameters;
        parameters.hysteresis = BasisPoints(static_cast<std::uint16_t>(width));
        const auto topology_after = [&](LaunchRequest first, LaunchRequest second) {
            const auto settled = hardened::recommend(parameters, first, {});
            return hardened::recommend(parameters, second, settled->next)->recommendation.topology;
        };
        const auto density = [](int bps) {
            LaunchRequest request = base();
            request.frontier_density = BasisPoints(static_cast<std::uint16_t>(bps));
            return request;
        };
        const auto pressure = [](int bps) {
            LaunchRequest request = base();
            request.memory_pressure = BasisPoints(static_cast<std::uint16_t>(bps));
            return request;
        };
        EXPECT_EQ(topology_after(density(1), density(500 + width)), SparseFrontier) << width;
        EXPECT_EQ(topology_after(density(1), density(501 + width)), HybridFrontier) << width;
        EXPECT_EQ(topology_after(density(2000), density(500 - width)), HybridFrontier) << width;
        EXPECT_EQ(topology_after(density(2000), density(499 - width)), SparseFrontier) << width;
        EXPECT_EQ(topology_after(density(2000), density(4000 + width)), HybridFrontier) << width;
        EXPECT_EQ(topology_after(density(2000), density(4001 + width)), DenseFrontier) << width;
        EXPECT_EQ(topology_after(density(9000), density(4000 - width)), DenseFrontier) << width;
        EXPECT_EQ(topology_after(density(9000), density(3999 - width)), HybridFrontier) << width;
        EXPECT_EQ(topology_after(pressure(9000), pressure(8500 - width)), MemoryConstrained) << width;
        EXPECT_EQ(topology_after(pressure(9000), pressure(8499 - width)), HybridFrontier) << width;
    }
}

TEST(HardenedPolicy, Requeues_count_as_queued_items) {
    LaunchRequest request = base();
    request.queue_len = 1;
    request.requeue_count = 1;
    EXPECT_EQ(hardened::recommend(kStandard, request, {})->recommendation.pressure, QueuePressure::Light);
    request.requeue_count = 128 * 128 - 1;
    EXPECT_EQ(hardened::recommend(kStandard, request, {})->recommendation.pressure, QueuePressure::Balanced);
    request.requeue_count = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(hardened::recommend(kStandard, request, {})->recommendation.pressure, QueuePressure::Saturated);
}

}  // namespace
}  // namespace megabed
