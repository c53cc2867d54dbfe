#include "sim/adversary.h"

#include "policy/registry.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <vector>

namespace megabed {
namespace {

using namespace megabed::testing;

Scenario adversarial(AdversaryGoal goal, std::uint16_t step) {
    Scenario scenario = synthetic(60);
    auto& workload = std::get<SyntheticWorkload>(scenario.workload);
    workload.vertices = 100'000;
    workload.arcs = 1'000'000;
    workload.shape = DensityShape::Adversarial;
    workload.low = BasisPoints(1);
    workload.high = BasisPoints(9000);
    workload.step = BasisPoints(step);
    workload.goal = goal;
    workload.search_runs = 300;
    workload.trajectory = {workload.low};
    return scenario;
}

AdversaryResult search(const Scenario& scenario, const std::string& policy) {
    return worst_trajectory(scenario, [&](const Scenario& run) { return make_policy(policy, run.parameters); });
}

TEST(Adversary, Makes_a_policy_without_hysteresis_flap_at_every_wave_and_cannot_the_other) {
    const Scenario scenario = adversarial(AdversaryGoal::Flaps, 400);
    EXPECT_GE(search(scenario, "stateless").worth, 57);  // of 59 switches
    // Law S1: inside a band the topology changes once at most, so that nothing returns inside one cell.
    EXPECT_LE(search(scenario, "reference").worth, 1);
}

TEST(Adversary, Makes_a_policy_flap_the_more_the_narrower_its_hysteresis) {
    Scenario scenario = adversarial(AdversaryGoal::Flaps, 400);
    std::vector<double> flaps;
    for (const std::uint16_t width : std::initializer_list<std::uint16_t>{0, 100, 250}) {
        scenario.parameters.hysteresis = BasisPoints(width);
        flaps.push_back(search(scenario, "reference").worth);
    }
    EXPECT_GE(flaps[0], 10);
    EXPECT_GE(flaps[0], flaps[1]);
    EXPECT_GT(flaps[1], flaps[2]);
    EXPECT_LE(flaps[2], 1);
}

TEST(Adversary, Its_trajectory_keeps_to_the_range_and_the_step_and_is_worth_what_it_says) {
    Scenario scenario = adversarial(AdversaryGoal::Flaps, 300);
    const AdversaryResult found = search(scenario, "stateless");
    ASSERT_EQ(found.trajectory.size(), 60U);
    for (std::size_t wave = 1; wave < found.trajectory.size(); ++wave) {
        EXPECT_LE(std::abs(found.trajectory[wave].value() - found.trajectory[wave - 1].value()), 300);
    }
    std::get<SyntheticWorkload>(scenario.workload).trajectory = found.trajectory;
    scenario.policy = "stateless";
    EXPECT_EQ(static_cast<double>(run(scenario).flaps), found.worth);
}

TEST(Adversary, Is_found_again_from_the_same_seed_and_regret_is_a_goal_too) {
    const Scenario scenario = adversarial(AdversaryGoal::Regret, 2000);
    const AdversaryResult first = search(scenario, "fixed:sparse");
    EXPECT_EQ(search(scenario, "fixed:sparse").trajectory, first.trajectory);
    EXPECT_GT(first.worth, 0.1);
    EXPECT_EQ(first.runs, 300U);
}

}  // namespace
}  // namespace megabed
