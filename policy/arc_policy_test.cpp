#include "policy/arc_policy.h"

#include "policy/registry.h"
#include "policy/testing/traversal_traces.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <random>

namespace megabed {
namespace {

constexpr std::uint32_t kVertices = 1 << 20;
constexpr std::uint32_t kArcs = 1 << 25;

/// A level in a graph of 2^20 vertices and 2^25 arcs.
Observation level(std::uint32_t frontier, std::uint64_t frontier_arcs, std::uint64_t unexplored,
                  std::uint32_t visited, std::uint32_t previous) {
    Observation observation;
    observation.request = LaunchRequest::direct(frontier, 1024, 1024);
    observation.request.graph_node_count = kVertices;
    observation.request.graph_edge_count = kArcs;
    observation.request.expected_hits_per_item = 32;
    observation.traversal =
        TraversalTelemetry{frontier_arcs, unexplored, visited, previous, false, kVertices - visited};
    return observation;
}

Decision decide(const Observation& observation, const PolicyState& state = {}) {
    const auto decision = make_policy("arcs", {})->recommend(observation, state);
    EXPECT_TRUE(decision);
    return decision.value_or(Decision{});
}

std::uint64_t lanes_of(const Decision& decision) {
    const LaunchGeometry& geometry = decision.recommendation.geometry;
    return std::uint64_t{geometry.dispatch_grid[0]} * geometry.workgroup_size_x;
}

TEST(ArcPolicy, Pulls_where_that_reads_fewer_arcs) {
    const Decision early = decide(level(2, 29'000, kArcs - 29'000, 3, 1));
    EXPECT_EQ(early.recommendation.topology, DispatchTopology::HybridFrontier);
    EXPECT_EQ(early.rule, TopologyRule::PushReadsFewerArcs);
    const Decision middle = decide(level(28'000, 16'000'000, kArcs - 16'000'000, 28'003, 2));
    EXPECT_EQ(middle.recommendation.topology, DispatchTopology::DenseFrontier);
    EXPECT_EQ(middle.rule, TopologyRule::PullReadsFewerArcs);
    // Hardly anything is left to be found; the bitmap costs more than the few arcs.
    const Decision late = decide(level(300, 320, 500, kVertices - 400, 70'000));
    EXPECT_EQ(late.recommendation.topology, DispatchTopology::HybridFrontier);
}

TEST(ArcPolicy, Gives_lanes_by_arcs_not_by_vertices) {
    EXPECT_EQ(lanes_of(decide(level(1, 6, kArcs - 6, 1, 0))), 32U);
    EXPECT_EQ(lanes_of(decide(level(2, 600, kArcs - 600, 3, 1))), 768U);
    EXPECT_GE(lanes_of(decide(level(2, 29'000, kArcs - 29'000, 3, 1))), 29'000U / 4);
    EXPECT_GE(lanes_of(decide(level(28'000, 16'000'000, kArcs - 16'000'000, 28'003, 2))), kVertices / 4);
}

TEST(ArcPolicy, Has_room_for_all_that_a_level_can_find_as_far_as_the_budget_goes) {
    Observation observation = level(2, 29'000, kArcs - 29'000, 3, 1);
    EXPECT_EQ(decide(observation).recommendation.hit_capacity, 29'000U);
    observation.request.device_memory_budget = Bytes(1 << 20);
    observation.request.memory_pressure = BasisPoints(5000);
    observation.request.resident_device_bytes = Bytes(1 << 19);
    const Decision tight = decide(observation);
    EXPECT_EQ(tight.recommendation.hit_capacity, 29'000U);
    EXPECT_EQ(tight.recommendation.estimated_peak_device_bytes, Bytes((1 << 19) + 16 * 29'000));
    observation.request.resident_device_bytes = Bytes((1 << 20) - 16 * 2000);
    EXPECT_EQ(decide(observation).recommendation.hit_capacity, 1024U);
    observation.request.requested_hit_capacity = 777;
    EXPECT_EQ(decide(observation).recommendation.hit_capacity, 777U);
}

/// Components begin everywhere: each wave is weighed against all rows, since values may still change.
TEST(ArcPolicy, Weighs_a_pull_by_all_arcs_where_vertices_come_back) {
    Decision decision = decide(level(kVertices, kArcs, 0, kVertices, 0));
    EXPECT_EQ(decision.recommendation.topology, DispatchTopology::DenseFrontier);
    decision = decide(level(kVertices / 64, kArcs / 64, 0, kVertices, kVertices), decision.next);
    EXPECT_EQ(decision.recommendation.topology, DispatchTopology::HybridFrontier);
    EXPECT_TRUE(arcs::unpack(decision.next).revisits);
    // The same reading in a search that has left half of the arcs is cheap to pull.
    PolicyState search;
    Decision other = decide(level(1000, kArcs / 64, kArcs / 2, kVertices / 2, 10), search);
    EXPECT_FALSE(arcs::unpack(other.next).revisits);
    other = decide(level(kVertices / 4, kArcs / 2, kArcs / 4, kVertices / 2, 1000), other.next);
    EXPECT_EQ(other.recommendation.topology, DispatchTopology::DenseFrontier);
    EXPECT_FALSE(arcs::unpack(other.next).revisits);
    // A new traversal begins with a clean memory.
    EXPECT_FALSE(arcs::unpack(decide(level(1, 6, kArcs - 6, 1, 0), decision.next).next).revisits);
}

TEST(ArcPolicy, Is_the_hardened_policy_without_a_traversal_and_under_pressure) {
    const auto ours = make_policy("arcs", {});
    const auto hardened = make_policy("hardened", {});
    std::mt19937_64 random(5);
    TraceSource traces(9);
    std::size_t constrained = 0;
    std::size_t sized = 0;
    for (int round = 0; round < 200; ++round) {
        const Trace trace = traces.next();
        PolicyState state;
        for (std::size_t at = 0; at < trace.levels.size(); ++at) {
            Observation observation = trace.at(at);
            observation.request.memory_pressure = BasisPoints(static_cast<std::uint16_t>(random() % 10'001));
            if (random() % 2 == 0) {
                observation.traversal.reset();
            }
            const auto expected = hardened->recommend(observation, state);
            const auto found = ours->recommend(observation, state);
            ASSERT_EQ(expected.has_value(), found.has_value());
            if (!found) {
                continue;
            }
            EXPECT_EQ(found->next.words[0], expected->next.words[0]);
            const bool pressed = found->recommendation.topology == DispatchTopology::MemoryConstrained;
            if (pressed || !observation.traversal) {
                EXPECT_EQ(found->recommendation, expected->recommendation);
                constrained += pressed ? 1 : 0;
            } else {
                const LaunchGeometry& geometry = found->recommendation.geometry;
                EXPECT_GE(geometry.slot_count.value(), observation.request.queue_len);
                EXPECT_EQ(geometry.slot_count.value() % geometry.workgroup_size_x, 0U);
                EXPECT_LE(geometry.workgroup_size_x, observation.request.max_workgroup_size_x);
                EXPECT_LE(geometry.dispatch_grid[0], std::max(found->recommendation.worker_groups, 1U));
                ++sized;
            }
            state = found->next;
        }
    }
    EXPECT_GT(constrained, 20U);
    EXPECT_GT(sized, 100U);
}

}  // namespace
}  // namespace megabed
