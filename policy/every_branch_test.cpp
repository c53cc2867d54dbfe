#include "policy/autotune.h"
#include "policy/hardened_policy.h"
#include "policy/natural_gradient.h"
#include "policy/recommendation_cache.h"
#include "policy/reference_policy.h"
#include "policy/registry.h"
#include "policy/requeue_accounting.h"

#include <gtest/gtest.h>
#include <array>
#include <limits>
#include <random>
#include <string>
#include <vector>

// Drives the policies over requests around every boundary, so that each branch of this folder is taken by its
// own tests (preset coverage). What the answers must be is the business of the laws and the golden rows; here
// they must be the same twice, through every way of asking.
namespace megabed {
namespace {

constexpr std::uint32_t kU32Max = std::numeric_limits<std::uint32_t>::max();

class RequestSource {
public:
    explicit RequestSource(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }

    template <class Value, std::size_t Count>
    Value pick(const std::array<Value, Count>& values) {
        return values[below(Count)];
    }

    LaunchPolicyParameters parameters() {
        constexpr std::array<std::uint16_t, 8> kThresholds{249, 251, 500, 4000, 8500, 10'000, 10'001, 65'400};
        LaunchPolicyParameters parameters;
        if (below(2) == 0) {
            parameters.sparse_frontier_threshold = BasisPoints(pick(kThresholds));
            parameters.dense_frontier_threshold = BasisPoints(pick(kThresholds));
            parameters.memory_pressure_threshold = BasisPoints(pick(kThresholds));
        }
        if (below(4) == 0) {
            constexpr std::array<std::uint16_t, 6> kWidths{0, 100, 249, 1000, 2500, 65'535};
            parameters.hysteresis = BasisPoints(pick(kWidths));
        }
        if (below(8) == 0) {
            parameters.saturated_waves = kU32Max;
            parameters.scratch_bytes_per_hit = static_cast<std::uint32_t>(below(2)) * kU32Max;
        }
        return parameters;
    }

    LaunchRequest request() {
        constexpr std::array<std::uint32_t, 9> kCounts{0, 1, 7, 8, 31, 128, 4096, 70'000, kU32Max};
        constexpr std::array<std::uint16_t, 11> kReadings{0,    1,    60,   300,  500,   700,
                                                          3900, 4100, 8300, 9200, 65'535};
        constexpr std::array<std::uint64_t, 5> kBytes{0, 1, 1 << 20, std::uint64_t{1} << 40, ~std::uint64_t{0}};
        LaunchRequest request = LaunchRequest::direct(pick(kCounts), pick(kCounts), pick(kCounts));
        request.max_compute_workgroups_per_dimension = pick(kCounts);
        request.max_compute_invocations_per_workgroup = pick(kCounts);
        request.expected_hits_per_item = static_cast<std::uint32_t>(below(3));
        request.hot_opcode_count = pick(kCounts);
        request.hot_window_count = static_cast<std::uint32_t>(below(6));
        request.requeue_count = below(3) == 0 ? pick(kBytes) : 0;
        request.max_priority_age = pick(kCounts);
        request.resident_device_bytes = Bytes(pick(kBytes));
        const auto maybe = [&](auto& field, auto value) {
            field.reset();
            if (below(4) != 0) {
                field = value;
            }
        };
        maybe(request.requested_worker_groups, pick(kCounts));
        maybe(request.requested_hit_capacity, below(3) == 0 ? pick(kCounts) : 0U);
        maybe(request.graph_node_count, pick(kCounts));
        maybe(request.graph_edge_count, pick(kCounts));
        maybe(request.frontier_density, BasisPoints(pick(kReadings)));
        maybe(request.memory_pressure, BasisPoints(pick(kReadings)));
        maybe(request.device_memory_budget, Bytes(pick(kBytes)));
        return request;
    }

private:
    std::mt19937_64 engine_;
};

TEST(EveryBranch, The_reference_answers_the_same_through_the_seam_and_the_cache) {
    RequestSource source(1);
    RecommendationCache cache;
    for (int round = 0; round < 60'000; ++round) {
        const LaunchPolicyParameters parameters = source.parameters();
        const LaunchRequest request = source.request();
        PolicyState state;
        const std::uint64_t code = source.below(7);
        if (code > 0) {
            state.remember(static_cast<DispatchTopology>(code - 1));
        }
        const auto answer = reference::recommend(parameters, request, state.previous_topology());
        EXPECT_EQ(cache.recommend(parameters, request, state.previous_topology()), answer);
        const auto decision = make_policy("reference", parameters)->recommend({request, {}}, state);
        ASSERT_EQ(decision.has_value(), answer.has_value());
        if (decision) {
            EXPECT_EQ(decision->recommendation, answer->recommendation);
            EXPECT_EQ(decision->next.previous_topology(), answer->choice.topology);
        } else {
            EXPECT_EQ(decision.error(), answer.error());
        }
        for (const PolicyRow& row : registered_policies()) {
            const auto again = row.make(parameters)->recommend({request, {}}, state);
            EXPECT_TRUE(again || !to_string(again.error()).empty()) << row.name;
        }
    }
}

TEST(EveryBranch, The_hardened_policy_answers_the_same_through_the_seam) {
    RequestSource source(2);
    PolicyState state;
    for (int round = 0; round < 60'000; ++round) {
        const LaunchPolicyParameters parameters = source.parameters();
        const LaunchRequest request = source.request();
        const auto decision = make_policy("hardened", parameters)->recommend({request, {}}, state);
        if (const auto wrong = hardened::check_parameters(parameters)) {
            ASSERT_FALSE(decision);
            EXPECT_EQ(decision.error(), *wrong);
            continue;
        }
        const auto direct = hardened::recommend(parameters, request, state);
        ASSERT_EQ(decision.has_value(), direct.has_value());
        if (decision) {
            EXPECT_EQ(decision->recommendation, direct->recommendation);
            EXPECT_EQ(decision->next, direct->next);
            state = source.below(20) == 0 ? PolicyState{} : decision->next;
        }
    }
}

TEST(EveryBranch, Each_error_and_field_is_put_into_words) {
    for (int code = 0; code <= static_cast<int>(ErrorCode::NotSupported) + 1; ++code) {
        for (int field = 0; field <= static_cast<int>(ErrorField::Hysteresis) + 1; ++field) {
            const std::string text =
                to_string(Error{static_cast<ErrorCode>(code), static_cast<ErrorField>(field), 5, 7});
            EXPECT_FALSE(text.empty());
            const bool known = code <= static_cast<int>(ErrorCode::NotSupported);
            EXPECT_EQ(text == "unknown error", !known) << text;
            EXPECT_EQ(text.find('?') != std::string::npos,
                      known && field > static_cast<int>(ErrorField::Hysteresis));
        }
    }
}

/// Equal to itself, and different once `change` has been made.
template <class Value, class Change>
void expect_tells_apart(const Value& value, Change change) {
    Value other = value;
    EXPECT_EQ(other, value);
    change(other);
    EXPECT_NE(other, value);
}

TEST(EveryBranch, Values_differ_if_any_member_does) {
    using R = LaunchRecommendation;
    const R recommendation;
    expect_tells_apart(recommendation, [](R& r) { r.geometry.workgroup_size_x = 1; });
    expect_tells_apart(recommendation, [](R& r) { r.geometry.slot_count = SlotCount(1); });
    expect_tells_apart(recommendation, [](R& r) { r.geometry.dispatch_grid[0] = 1; });
    expect_tells_apart(recommendation, [](R& r) { r.worker_groups = 1; });
    expect_tells_apart(recommendation, [](R& r) { r.hit_capacity = 1; });
    expect_tells_apart(recommendation, [](R& r) { r.pressure = QueuePressure::Light; });
    expect_tells_apart(recommendation, [](R& r) { r.execution_mode = ExecutionMode::Jit; });
    expect_tells_apart(recommendation, [](R& r) { r.topology = DispatchTopology::DenseFrontier; });
    expect_tells_apart(recommendation, [](R& r) { r.promote_hot_opcodes = true; });
    expect_tells_apart(recommendation, [](R& r) { r.promote_hot_windows = true; });
    expect_tells_apart(recommendation, [](R& r) { r.age_priority_work = true; });
    expect_tells_apart(recommendation, [](R& r) { r.estimated_peak_device_bytes = Bytes(1); });
    expect_tells_apart(recommendation, [](R& r) { r.device_memory_budget = Bytes(1); });
    expect_tells_apart(Error{}, [](Error& e) { e.code = ErrorCode::OutOfMemory; });
    expect_tells_apart(Error{}, [](Error& e) { e.field = ErrorField::HitCapacity; });
    expect_tells_apart(Error{}, [](Error& e) { e.actual = 1; });
    expect_tells_apart(Error{}, [](Error& e) { e.limit = 1; });
    expect_tells_apart(LaunchCacheStats{}, [](LaunchCacheStats& s) { s.entries = 1; });
    expect_tells_apart(LaunchCacheStats{}, [](LaunchCacheStats& s) { s.hits = 1; });
    expect_tells_apart(LaunchCacheStats{}, [](LaunchCacheStats& s) { s.misses = 1; });
    using P = PriorityRequeueAccounting;
    expect_tells_apart(P{}, [](P& p) { p.requeue_count = 1; });
    expect_tells_apart(P{}, [](P& p) { p.aged_promotions = 1; });
    expect_tells_apart(P{}, [](P& p) { p.max_priority_age = 1; });
    expect_tells_apart(PolicyState{}, [](PolicyState& s) { s.words[2] = 1; });
    expect_tells_apart(PolicyState{}, [](PolicyState& s) { s.remember(DispatchTopology::Empty); });
    using T = TopologyChoice;
    expect_tells_apart(T{}, [](T& t) { t.topology = DispatchTopology::FusedDense; });
    expect_tells_apart(T{}, [](T& t) { t.rule = TopologyRule::Forced; });
    expect_tells_apart(T{}, [](T& t) { t.hold = TopologyHold::HybridAboveDense; });
    using A = reference::Answer;
    expect_tells_apart(A{}, [](A& a) { a.recommendation.worker_groups = 1; });
    expect_tells_apart(A{}, [](A& a) { a.choice.rule = TopologyRule::Forced; });
    using M = hardened::Memory;
    expect_tells_apart(M{}, [](M& m) { m.settled = DispatchTopology::DenseFrontier; });
    expect_tells_apart(M{}, [](M& m) { m.constrained = true; });
    expect_tells_apart(M{}, [](M& m) { m.hot_opcodes = true; });
    expect_tells_apart(M{}, [](M& m) { m.hot_windows = true; });
    expect_tells_apart(M{}, [](M& m) { m.deep_queue = true; });
    expect_tells_apart(M{}, [](M& m) { m.density = BasisPoints(1); });
    expect_tells_apart(M{}, [](M& m) { m.pressure = BasisPoints(1); });
}

TEST(EveryBranch, Keys_of_the_cache_differ_if_any_field_does) {
    LaunchRequest base = LaunchRequest::direct(1000, 64, 256);
    using R = LaunchRequest;
    using P = LaunchPolicyParameters;
    const std::vector<void (*)(R&, P&)> changes{
        [](R& r, P&) { r.queue_len = 5; },
        [](R& r, P&) { r.memory_pressure = BasisPoints(5); },
        [](R& r, P&) { r.graph_edge_count = 5; },
        [](R& r, P&) { r.resident_device_bytes = Bytes(5); },
        [](R& r, P&) { r.device_memory_budget = Bytes(1 << 30); },
        [](R& r, P&) { r.max_workgroup_size_x = 5; },
        [](R& r, P&) { r.requested_hit_capacity = 5; },
        [](R& r, P&) { r.expected_hits_per_item = 5; },
        [](R& r, P&) { r.max_priority_age = 5; },
        [](R& r, P&) { r.requeue_count = 5; },
        [](R&, P& p) { p.sizing.occupancy_divisor = 5; },
        [](R&, P& p) { p.sizing.powerful_invocations = 5; },
        [](R&, P& p) { p.min_hit_capacity = 5; },
        [](R&, P& p) { p.saturated_waves = 5; },
        [](R&, P& p) { p.hot_window_threshold = 5; },
        [](R&, P& p) { p.priority_age_threshold = 5; },
        [](R&, P& p) { p.memory_pressure_threshold = BasisPoints(5); },
        [](R&, P& p) { p.hysteresis = BasisPoints(5); },
        [](R&, P& p) { p.fusion_edge_threshold = 5; },
    };
    for (const auto change : changes) {
        RecommendationCache cache;
        LaunchRequest request = base;
        LaunchPolicyParameters parameters;
        ASSERT_TRUE(cache.recommend(parameters, request));
        change(request, parameters);
        EXPECT_EQ(cache.recommend(parameters, request), reference::recommend(parameters, request));
        EXPECT_EQ(cache.stats(), (LaunchCacheStats{2, 0, 2}));
        EXPECT_TRUE(cache.recommend({}, base));
        EXPECT_EQ(cache.stats(), (LaunchCacheStats{2, 1, 2}));
    }
}

TEST(EveryBranch, A_cache_in_use_agrees_with_no_cache) {
    RecommendationCache cache;
    std::mt19937_64 engine(3);
    for (int round = 0; round < 20'000; ++round) {
        LaunchRequest request = LaunchRequest::direct(static_cast<std::uint32_t>(engine() % 300 + 1), 64, 256);
        request.frontier_density = BasisPoints(static_cast<std::uint16_t>(engine() % 3));
        EXPECT_EQ(cache.recommend({}, request), reference::recommend({}, request));
    }
    EXPECT_EQ(cache.stats().entries, RecommendationCache::kCapacity);
}

TEST(EveryBranch, What_a_recommendation_never_asks_of_its_parts) {
    EXPECT_EQ(worker_workgroup_size(0, 256), 1U);
    using enum DispatchTopology;
    // A topology that is none holds nothing.
    const TopologySignals between{.queue_len = 1, .density_bps = 100};
    LaunchPolicyParameters low;
    low.sparse_frontier_threshold = BasisPoints(10);
    low.dense_frontier_threshold = BasisPoints(200);
    const TopologyChoice raw = raw_topology(low, between);
    EXPECT_EQ(raw.topology, HybridFrontier);
    EXPECT_EQ(stabilised_topology(low, between, raw, static_cast<DispatchTopology>(9)), raw);
    // Fused and dense holds below a threshold that the half-width does not fit under.
    for (const DispatchTopology previous : {FusedDense, DenseFrontier}) {
        EXPECT_EQ(stabilised_topology(low, between, raw, previous).error().field,
                  ErrorField::DenseFrontierThreshold);
    }
    // Shedding without a reading.
    EXPECT_EQ(*shed_worker_groups({}, MemoryConstrained, 64, 100, 0, 5), 64U);
    EXPECT_EQ(*shed_worker_groups({}, SparseFrontier, 64, 0, 0, 5), 64U);
    EXPECT_EQ(*shed_worker_groups({}, SparseFrontier, 64, 100, 0, 0), 64U);
}

TEST(EveryBranch, Lists_of_unequal_length_and_short_matrices) {
    EXPECT_EQ(autotune_known_costs(std::vector<std::uint32_t>{4, 8}, std::vector<double>{3.0, 2.0, 1.0}, 7),
              8U);
    EXPECT_EQ(autotune_known_costs(std::vector<std::uint32_t>{4, 8}, std::vector<double>{2.0, 3.0}, 7), 4U);
    const std::vector<double> matrix{1.0, 0.0, 0.0, 1.0};
    EXPECT_TRUE(natural_gradient_step(matrix, std::vector<double>{1.0}, 2, 1.0).empty());
    EXPECT_TRUE(natural_gradient_step(std::vector<double>{1.0}, std::vector<double>{1.0, 1.0}, 2, 1.0).empty());
    EXPECT_EQ(classify_pressure({}, 1, std::numeric_limits<std::uint64_t>::max(), 0).error().field,
              ErrorField::PressureLanes);
}

}  // namespace
}  // namespace megabed
