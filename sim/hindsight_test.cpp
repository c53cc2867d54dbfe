#include "sim/hindsight.h"

#include "policy/registry.h"
#include "sim/costs/cost_model.h"
#include "sim/engine/counter_random.h"
#include "sim/graphs/graph_builder.h"
#include "sim/graphs/graph_source.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <string>
#include <vector>

namespace megabed {
namespace {

using enum DispatchTopology;
using namespace megabed::testing;

RunSummary run_plan(const Scenario& scenario, std::vector<DispatchTopology> launches, const CsrGraph* graph) {
    const auto backend = make_sim_backend(scenario, graph);
    const auto policy = make_planned_policy(scenario.parameters, std::move(launches));
    CountingSink sink;
    return run_scenario(scenario, "sim", *policy, *backend, sink).value();
}

/// Every sequence of topologies, one after another, on the simulator itself.
SimTime best_by_trying_all(const Scenario& scenario, std::size_t launches, const CsrGraph* graph) {
    constexpr std::array kChoices{SparseFrontier, HybridFrontier, DenseFrontier, FusedDense, MemoryConstrained};
    std::vector<std::size_t> digits(launches, 0);
    SimTime best = SimTime::max();
    while (true) {
        std::vector<DispatchTopology> plan;
        for (const std::size_t digit : digits) {
            plan.push_back(kChoices[digit]);
        }
        const RunSummary summary = run_plan(scenario, plan, graph);
        if (!summary.stopped_by) {
            best = std::min(best, summary.makespan);
        }
        std::size_t at = 0;
        while (at < digits.size() && ++digits[at] == kChoices.size()) {
            digits[at++] = 0;
        }
        if (at == digits.size()) {
            return best;
        }
    }
}

Scenario walk(std::uint64_t seed, std::uint64_t waves) {
    Scenario scenario = synthetic(waves);
    scenario.seed = seed;
    auto& workload = std::get<SyntheticWorkload>(scenario.workload);
    workload.vertices = 200'000;
    workload.arcs = 3'000'000;
    workload.shape = DensityShape::RandomWalk;
    workload.low = BasisPoints(1);
    workload.high = BasisPoints(9000);
    workload.step = BasisPoints(4000);
    return scenario;
}

TEST(Hindsight, Is_the_best_of_all_sequences_tried_one_by_one) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        Scenario scenario = walk(seed, 5);
        scenario.fuse_waves_max = static_cast<std::uint32_t>(1 + seed % 3);
        scenario.kernels_cached = seed % 2 == 0;
        scenario.device.compile = SimTime(9000);
        scenario.parameters.jit_queue_len_threshold = 40'000;
        const auto plan = best_in_hindsight(scenario, nullptr, {true, 1000});
        ASSERT_TRUE(plan);
        EXPECT_EQ(plan->makespan, best_by_trying_all(scenario, 5, nullptr)) << seed;
    }
}

TEST(Hindsight, Its_plan_takes_on_the_simulator_what_it_promises) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Scenario scenario = walk(seed, 300);
        const auto plan = best_in_hindsight(scenario, nullptr, {true, 1000});
        ASSERT_TRUE(plan);
        EXPECT_EQ(run_plan(scenario, plan->launches, nullptr).makespan, plan->makespan);
    }
}

TEST(Hindsight, No_policy_that_fills_in_its_launches_alike_is_better) {
    const auto mesh = load_graph("mesh:rows=40,columns=50").value().graph;
    const auto rmat = load_graph("rmat:scale=12,edge_factor=16,seed=1").value().graph;
    for (const CsrGraph* const graph : {&mesh, &rmat}) {
        Scenario scenario = synthetic(1);
        scenario.kernels_cached = false;
        for (const TraversalKind kind : {TraversalKind::BreadthFirst, TraversalKind::ShortestPaths,
                                         TraversalKind::Components, TraversalKind::PageRank}) {
            TraversalSettings settings;
            settings.kind = kind;
            settings.tolerance_ppm = 10'000;
            scenario.workload = TraversalWorkload{settings};
            const auto plan = best_in_hindsight(scenario, graph);
            ASSERT_TRUE(plan);
            EXPECT_GT(plan->makespan, SimTime(0));
            for (const PolicyRow& row : registered_policies()) {
                // These size groups by rules of their own.
                if (row.name != "hardened" && row.name != "arcs") {
                    scenario.policy = row.name;
                    EXPECT_LE(plan->makespan, run(scenario, graph).makespan) << row.name;
                }
            }
        }
    }
}

TEST(Hindsight, Is_absent_where_there_are_no_waves_too_many_or_no_room) {
    Scenario tenants = service(1, SimTime(10), ItemTimeLaw::Constant, SimTime(1000));
    EXPECT_FALSE(best_in_hindsight(tenants, nullptr));
    EXPECT_FALSE(best_in_hindsight(synthetic(100), nullptr, {false, 99}));
    Scenario tight = synthetic(5);
    tight.memory.budget = Bytes(40'000);
    EXPECT_FALSE(best_in_hindsight(tight, nullptr));
}

}  // namespace
}  // namespace megabed
