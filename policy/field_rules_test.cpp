#include "policy/field_rule.h"
#include "policy/testing/traversal_traces.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace megabed {
namespace {

using enum DispatchTopology;

const std::vector<std::string> kTraversalRules{"gap", "cugraph", "gunrock", "gswitch"};

TEST(FieldRules, An_empty_queue_runs_nothing_and_ends_the_traversal) {
    for (const std::string& name : kTraversalRules) {
        const auto policy = make_policy(name, {});
        Observation idle = kScaleFree.at(3);
        idle.request.queue_len = 0;
        const auto decision = policy->recommend(idle, decide(name, {}, kScaleFree)[2].next);
        EXPECT_EQ(decision->recommendation.topology, Empty) << name;
        EXPECT_EQ(decision->rule, TopologyRule::QueueEmpty) << name;
        EXPECT_EQ(decision->next, PolicyState{}) << name;
    }
}

TEST(FieldRules, A_first_level_forgets_the_traversal_before_it) {
    for (const std::string& name : kTraversalRules) {
        const auto fresh = decide(name, {}, kScaleFree);
        const auto policy = make_policy(name, {});
        const auto again = policy->recommend(kScaleFree.at(0), fresh[3].next);
        EXPECT_EQ(again->next, fresh[0].next) << name;
        EXPECT_EQ(again->rule, fresh[0].rule) << name;
    }
}

TEST(FieldRules, Without_a_graph_they_push) {
    for (const std::string& name : kTraversalRules) {
        for (int missing = 0; missing < 3; ++missing) {
            Observation observation = kScaleFree.at(2);
            if (missing != 0) {
                observation.request.graph_node_count.reset();
            }
            if (missing != 1) {
                observation.request.graph_edge_count.reset();
            }
            const auto decision = make_policy(name, {})->recommend(observation, {});
            EXPECT_EQ(decision->rule, TopologyRule::ReadingsMissing) << name;
            EXPECT_NE(decision->recommendation.topology, DenseFrontier) << name;
        }
    }
}

TEST(FieldRules, Without_telemetry_the_frontier_has_the_mean_degree) {
    // 1500 vertices, 30,000 arcs: 100 vertices have 2000, a fifteenth.
    const auto policy = make_policy("gap", {});
    PolicyState state;
    std::string seen;
    for (const std::uint32_t queue : {100U, 100U, 100U, 101U, 101U, 83U, 100U, 100U}) {
        Observation observation;
        observation.request = LaunchRequest::direct(queue, 64, 256);
        observation.request.graph_node_count = 1500;
        observation.request.graph_edge_count = 30'000;
        const auto decision = policy->recommend(observation, state);
        state = decision->next;
        seen += topologies({*decision});
    }
    // Pushing uses nothing up; 83 is an eighteenth and smaller, and the launch after a pull is not counted.
    EXPECT_EQ(seen, "sssddsss");
    Observation deep;
    deep.request = LaunchRequest::direct(4000, 64, 256);
    deep.request.graph_node_count = 1500;
    deep.request.graph_edge_count = 30'000;
    const field::Readings readings = field::take_readings(deep);
    EXPECT_EQ(readings.frontier, 1500U);
    EXPECT_EQ(readings.frontier_arcs, 30'000U);
    EXPECT_EQ(readings.unexplored_arcs, 0U);
    EXPECT_EQ(readings.unvisited_with_arcs, 0U);
}

TEST(FieldRules, Any_bits_of_a_state_and_any_telemetry_are_answered_and_answered_alike) {
    TraceSource source(7);
    for (const PolicyRow& row : registered_policies()) {
        const auto policy = row.make({});
        for (int round = 0; round < 3000; ++round) {
            PolicyState state;
            state.words = {source.magnitude(~std::uint64_t{0}), source.magnitude(~std::uint64_t{0}),
                           source.magnitude(~std::uint64_t{0})};
            Observation observation = source.next().at(0);
            if (source.below(4) != 0) {
                observation.traversal = TraversalTelemetry{source.magnitude(~std::uint64_t{0}),
                                                           source.magnitude(~std::uint64_t{0}),
                                                           static_cast<std::uint32_t>(source.magnitude(~0U)),
                                                           static_cast<std::uint32_t>(source.below(3)),
                                                           false,
                                                           {}};
            }
            const auto decision = policy->recommend(observation, state);
            const auto again = policy->recommend(observation, state);
            ASSERT_EQ(decision.has_value(), again.has_value()) << row.name;
            if (decision) {
                ASSERT_EQ(decision->recommendation, again->recommendation) << row.name;
                ASSERT_EQ(decision->next, again->next) << row.name;
                ASSERT_FALSE(to_string(decision->rule).empty());
            }
        }
    }
}

TEST(FieldRules, Errors_are_those_of_the_rules_that_fill_in_the_rest) {
    for (const char* const name : {"gap", "cugraph", "gunrock", "gswitch", "vyre-driver", "bandit"}) {
        Observation observation = kScaleFree.at(2);
        observation.request.device_memory_budget = Bytes(16);
        const auto decision = make_policy(name, {})->recommend(observation, {});
        ASSERT_FALSE(decision) << name;
        EXPECT_EQ(decision.error().code, ErrorCode::OutOfMemory) << name;
    }
}

TEST(FieldRules, Policies_that_do_not_learn_have_nothing_to_save) {
    const auto policy = make_policy("gap", {});
    EXPECT_TRUE(policy->learned().empty());
    const Observation observation = kScaleFree.at(0);
    const Decision decision = *policy->recommend(observation, {});
    policy->observe({observation, decision, SimTime(5), 7});
    policy->restore(std::vector<std::uint64_t>{1, 2, 3});
    EXPECT_EQ(policy->recommend(observation, {})->next, decision.next);
}

}  // namespace
}  // namespace megabed
