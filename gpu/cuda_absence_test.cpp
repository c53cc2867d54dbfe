#include "gpu/cuda_backend.h"
#include "gpu/device_policy.h"
#include "sim/graphs/graph_source.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <string>

/// What must hold in every build, with a card or without.
namespace megabed {
namespace {

Scenario traversal_scenario(const std::string& policy) {
    Scenario scenario;
    scenario.file = "test.toml";
    scenario.name = "test";
    scenario.policy = policy;
    scenario.decide = DecisionPlace::Device;
    scenario.device = testing::small_device();
    scenario.workload = TraversalWorkload();
    return scenario;
}

TEST(CudaDecisionPlace, Is_the_device_for_policies_that_compile_for_it_and_see_their_readings_undisturbed) {
    Scenario scenario = traversal_scenario("gap");
    EXPECT_EQ(cuda_decision_place(scenario), DecisionPlace::Device);
    scenario.decide = DecisionPlace::Host;
    EXPECT_EQ(cuda_decision_place(scenario), DecisionPlace::Host);
    scenario.decide = DecisionPlace::Device;
    scenario.policy = "bandit";
    EXPECT_EQ(cuda_decision_place(scenario), DecisionPlace::Host);
    for (const char* const policy : {"hardened", "arcs"}) {
        scenario.policy = policy;
        scenario.parameters = {};
        EXPECT_EQ(cuda_decision_place(scenario), DecisionPlace::Device);
        scenario.parameters.saturated_waves = 0;  // which they refuse
        EXPECT_EQ(cuda_decision_place(scenario), DecisionPlace::Host);
    }
    scenario.parameters = {};
    scenario.workload = ServiceWorkload();
    EXPECT_EQ(cuda_decision_place(scenario), DecisionPlace::Device);
    scenario.workload = SyntheticWorkload();
    EXPECT_EQ(cuda_decision_place(scenario), DecisionPlace::Device);
    scenario.workload = RequestsWorkload();
    EXPECT_EQ(cuda_decision_place(scenario), DecisionPlace::Device);
    scenario.workload = TraversalWorkload();
    scenario.policy = "gap";
    scenario.faults.push_back({Signal::Density, FaultKind::Drop, BasisPoints(10'000), 0});
    EXPECT_EQ(cuda_decision_place(scenario), DecisionPlace::Host);
}

TEST(CudaBackend, Says_what_is_missing_where_it_cannot_run) {
    if (cuda_device_name()) {
        GTEST_SKIP() << "there is a card";
    }
    const CsrGraph graph = load_graph("mesh:rows=4,columns=4").value().graph;
    const Scenario scenario = traversal_scenario("reference");
    const auto backend = make_cuda_backend(scenario, &graph);
    ASSERT_FALSE(backend);
    EXPECT_EQ(backend.error().kind, InputErrorKind::Unavailable);
}

}  // namespace
}  // namespace megabed
