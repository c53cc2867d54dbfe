#include "policy/registry.h"

#include <gtest/gtest.h>
#include <set>
#include <string>

namespace megabed {
namespace {

Observation hybrid_work() {
    Observation observation;
    LaunchRequest& request = observation.request;
    request = LaunchRequest::direct(1000, 64, 256);
    request.graph_node_count = 5000;
    request.frontier_density = BasisPoints(2000);
    return observation;
}

TEST(Registry, Names_are_unique_and_each_makes_its_policy) {
    std::set<std::string_view> names;
    for (const PolicyRow& row : registered_policies()) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_FALSE(row.summary.empty());
        const auto policy = make_policy(row.name, {});
        ASSERT_NE(policy, nullptr);
        const auto decision = policy->recommend(hybrid_work(), {});
        ASSERT_TRUE(decision) << row.name;
        const bool of_density = row.name == "reference" || row.name == "stateless" || row.name == "hardened";
        EXPECT_TRUE(!of_density || decision->recommendation.topology == DispatchTopology::HybridFrontier)
            << row.name;
    }
    EXPECT_EQ(make_policy("referense", {}), nullptr);
}

TEST(Registry, Fixed_policies_choose_their_topology_and_empty_when_nothing_is_queued) {
    for (const DispatchTopology topology : kAllTopologies) {
        const auto policy = make_policy("fixed:" + std::string(to_string(topology)), {});
        if (topology == DispatchTopology::Empty) {
            EXPECT_EQ(policy, nullptr);
            continue;
        }
        ASSERT_NE(policy, nullptr);
        EXPECT_EQ(policy->recommend(hybrid_work(), {})->recommendation.topology, topology);
        Observation idle = hybrid_work();
        idle.request.queue_len = 0;
        EXPECT_EQ(policy->recommend(idle, {})->recommendation.topology, DispatchTopology::Empty);
    }
}

TEST(Registry, The_reference_remembers_and_the_stateless_policy_does_not) {
    Observation observation = hybrid_work();
    observation.request.frontier_density = BasisPoints(600);
    PolicyState sparse_before;
    sparse_before.remember(DispatchTopology::SparseFrontier);
    EXPECT_EQ(make_policy("reference", {})->recommend(observation, sparse_before)->recommendation.topology,
              DispatchTopology::SparseFrontier);
    EXPECT_EQ(make_policy("stateless", {})->recommend(observation, sparse_before)->recommendation.topology,
              DispatchTopology::HybridFrontier);
}

TEST(Registry, Topology_names_round_trip) {
    for (const DispatchTopology topology : kAllTopologies) {
        EXPECT_EQ(topology_from_name(to_string(topology)), topology);
    }
    EXPECT_EQ(topology_from_name("frozen"), std::nullopt);
}

}  // namespace
}  // namespace megabed
