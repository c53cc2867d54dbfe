#include "policy/registry.h"
#include "sim/graphs/graph_source.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <sstream>
#include <string>

namespace megabed {
namespace {

using namespace megabed::testing;

/// Runs to a time, saves, and goes on in another process's place: fresh policy, backend and run.
RunSummary resumed(const Scenario& scenario, SimTime stop, const CsrGraph* graph) {
    std::stringstream state;
    {
        const auto policy = make_policy(scenario.policy, scenario.parameters);
        const auto backend = make_sim_backend(scenario, graph);
        CountingSink sink;
        ScenarioRun run(scenario, "sim", *policy, *backend, sink);
        EXPECT_TRUE(run.advance({}, stop));
        CheckpointWriter writer(state);
        run.save(writer);
    }
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    const auto backend = make_sim_backend(scenario, graph);
    CountingSink sink;
    ScenarioRun run(scenario, "sim", *policy, *backend, sink);
    CheckpointReader reader(state);
    run.load(reader);
    EXPECT_TRUE(run.advance());
    return run.summary();
}

void expect_same_wherever_it_stops(const Scenario& scenario, const CsrGraph* graph = nullptr) {
    const RunSummary whole = run(scenario, graph);
    for (const std::int64_t part : {1, 2, 3, 5, 7}) {
        const SimTime stop(whole.makespan.value() * part / 8);
        const RunSummary again = resumed(scenario, stop, graph);
        EXPECT_EQ(again.digest, whole.digest) << scenario.policy << " stopped at " << stop.value();
        EXPECT_EQ(again.makespan, whole.makespan);
        EXPECT_EQ(again.flaps, whole.flaps);
        EXPECT_EQ(again.events, whole.events);
        EXPECT_EQ(again.launches, whole.launches);
        if (whole.service) {
            EXPECT_EQ(again.service->tenants, whole.service->tenants);
            EXPECT_EQ(again.service->in_flight_mean, whole.service->in_flight_mean);
        }
    }
}

TEST(Checkpoint, A_service_with_every_process_resumes_to_the_same_digest) {
    Scenario scenario = service(4, SimTime(900), ItemTimeLaw::Exponential, SimTime(2'000'000));
    scenario.device = small_device();
    scenario.memory.budget = Bytes(1 << 28);
    scenario.memory.co_tenants = {MemoryAllocations{1e6, Bytes(4096), SimTime(100'000)},
                                  MemorySpikes{SimTime(100'000), SimTime(50'000), Bytes(1 << 20)}};
    scenario.faults = {{Signal::QueueLength, FaultKind::Delay, BasisPoints(5000), 3},
                       {Signal::Pressure, FaultKind::Reorder, BasisPoints(3000), 0}};
    ServiceWorkload& workload = service_of(scenario);
    workload.ring_slots = SlotCount(64);
    workload.epoch = SimTime(20'000);
    workload.warm_up = SimTime(300'000);
    Tenant bursty = poisson(1e6);
    bursty.arrivals = OpenArrivals{0, {{1e5, SimTime(40'000)}, {2e7, SimTime(8000)}}};
    bursty.when_full = FullRing::Wait;
    bursty.opcodes = {1, 2, 3};
    bursty.opcode_length_mean = SimTime(30'000);
    Tenant clients = poisson(1);
    clients.arrivals = ClosedArrivals{5, SimTime(4000)};
    clients.contended_keys = 2;
    clients.quota_items = 2;
    Tenant trace = poisson(1);
    trace.arrivals = TraceArrivals{{{SimTime(10), 7, SimTime(50)}, {SimTime(1'900'000), 7, {}}}};
    workload.tenants = {bursty, clients, trace};
    for (const char* const policy : {"reference", "hardened", "bandit"}) {
        scenario.policy = policy;
        expect_same_wherever_it_stops(scenario);
    }
}

TEST(Checkpoint, Traversals_resume_whatever_they_compute) {
    const auto graph = load_graph("rmat:scale=11,edge_factor=8,seed=1").value().graph;
    Scenario scenario = synthetic(1);
    scenario.kernels_cached = false;
    for (const TraversalKind kind : {TraversalKind::BreadthFirst, TraversalKind::ShortestPaths,
                                     TraversalKind::Components, TraversalKind::PageRank}) {
        TraversalSettings settings;
        settings.kind = kind;
        scenario.workload = TraversalWorkload{settings};
        for (const char* const policy : {"reference", "gunrock", "bandit"}) {
            scenario.policy = policy;
            expect_same_wherever_it_stops(scenario, &graph);
        }
    }
}

TEST(Checkpoint, Synthetic_frontiers_resume_in_the_middle_of_their_random_walk) {
    Scenario scenario = synthetic(500);
    auto& workload = std::get<SyntheticWorkload>(scenario.workload);
    workload.vertices = 100'000;
    workload.low = BasisPoints(100);
    workload.high = BasisPoints(6000);
    workload.step = BasisPoints(300);
    workload.noise = BasisPoints(300);
    workload.reversion = BasisPoints(500);
    for (const DensityShape shape : {DensityShape::RandomWalk, DensityShape::OrnsteinUhlenbeck}) {
        workload.shape = shape;
        for (const PolicyRow& row : registered_policies()) {
            scenario.policy = row.name;
            expect_same_wherever_it_stops(scenario);
        }
    }
}

}  // namespace
}  // namespace megabed
