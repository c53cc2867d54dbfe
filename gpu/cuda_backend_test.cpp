#include "gpu/cuda_backend.h"

#include "gpu/device_policy.h"
#include "gpu/jit/testing/pretend_compiler.h"
#include "gpu/megakernel/traversal_kernel.h"
#include "policy/compiled_policy.h"
#include "policy/registry.h"
#include "sim/graphs/graph_source.h"
#include "sim/run_scenario.h"
#include "sim/sim_backend.h"
#include "sim/testing/small_scenarios.h"
#include "sim/traversals/oracles.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace megabed {
namespace {

Scenario traversal_scenario(TraversalKind kind, const std::string& policy, DecisionPlace decide) {
    Scenario scenario;
    scenario.file = "test.toml";
    scenario.name = "test";
    scenario.policy = policy;
    scenario.decide = decide;
    scenario.device = testing::small_device();
    scenario.kernels_cached = true;
    TraversalWorkload workload;
    workload.traversal.kind = kind;
    workload.traversal.tolerance_ppm = 10'000;
    scenario.workload = workload;
    return scenario;
}

class Sequence final : public RecordSink {
public:
    void record(const LaunchRecord& record) override { records.push_back(record); }
    std::vector<LaunchRecord> records;
};

struct Ran {
    RunSummary summary;
    Sequence sequence;
    std::optional<std::uint64_t> result;
    std::optional<std::string> compiled_route;
};

/// Errors: as make_cuda_backend.
Loaded<void> run_on_card(const Scenario& scenario, const CsrGraph& graph, Ran& ran,
                         const CudaOptions& options = {}) {
    const auto backend = make_cuda_backend(scenario, &graph, options);
    if (!backend) {
        return Refusal(backend.error());
    }
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    ran.summary = run_scenario(scenario, "cuda", *policy, **backend, ran.sequence).value();
    ran.result = (*backend)->result_digest();
    ran.compiled_route = (*backend)->compiled_route();
    return {};
}

void simulate(const Scenario& scenario, const CsrGraph& graph, Ran& ran) {
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    const auto backend = make_sim_backend(scenario, &graph);
    ran.summary = run_scenario(scenario, "sim", *policy, *backend, ran.sequence).value();
}

constexpr TraversalKind kKinds[] = {TraversalKind::BreadthFirst, TraversalKind::ShortestPaths,
                                    TraversalKind::Components, TraversalKind::PageRank};

/// Each skips where there is no card.
class CudaBackendOnTheCard : public ::testing::Test {
protected:
    void SetUp() override {
        if (const auto device = cuda_device_name(); !device) {
            GTEST_SKIP() << to_string(device.error());
        }
    }
};

using Choice = std::tuple<std::string, DecisionPlace>;
class CudaPolicies : public CudaBackendOnTheCard, public ::testing::WithParamInterface<Choice> {};

/// B2 and B3: the result is the oracle's, and what is observed and decided is what the simulator observes and
/// decides, launch by launch.
TEST_P(CudaPolicies, B2_B3_results_equal_the_oracle_and_decisions_the_simulators) {
    const auto& [policy, decide] = GetParam();
    for (const char* const spec : {"rmat:scale=10,edge_factor=8,seed=5", "mesh:rows=30,columns=30",
                                   "erdos-renyi:vertices=3000,edges=2500",
                                   "small-world:vertices=2000,neighbours=6,seed=2", "mesh:rows=2,columns=2"}) {
        const CsrGraph graph = load_graph(spec).value().graph;
        for (const TraversalKind kind : kKinds) {
            Scenario scenario = traversal_scenario(kind, policy, decide);
            scenario.memory.budget = Bytes(64'000'000);  // pressure is part of what is observed
            const std::string where = std::string(spec) + " kind " + std::to_string(static_cast<int>(kind));
            SCOPED_TRACE(where);
            Ran wanted;
            simulate(scenario, graph, wanted);
            Ran ran;
            const auto done = run_on_card(scenario, graph, ran);
            ASSERT_TRUE(done) << to_string(done.error());
            ASSERT_FALSE(ran.summary.stopped_by) << *ran.summary.stopped_by;
            EXPECT_EQ(ran.result,
                      oracle_digest(graph, std::get<TraversalWorkload>(scenario.workload).traversal));
            ASSERT_EQ(ran.sequence.records.size(), wanted.sequence.records.size());
            EXPECT_EQ(ran.summary.levels, wanted.summary.levels);
            for (std::size_t at = 0; at < ran.sequence.records.size(); ++at) {
                const LaunchRecord& ours = ran.sequence.records[at];
                const LaunchRecord& theirs = wanted.sequence.records[at];
                ASSERT_EQ(ours.observation.request, theirs.observation.request) << at;
                ASSERT_TRUE(ours.observation.traversal == theirs.observation.traversal) << at;
                ASSERT_EQ(ours.decision->recommendation, theirs.decision->recommendation) << at;
                ASSERT_EQ(ours.outcome.items, theirs.outcome.items) << at;
            }
        }
    }
}

/// From the first launch of the compiled route on, a kernel that is compiled for the run takes over: with its
/// inputs as constants, however unusual, it comes to the same.
TEST_F(CudaBackendOnTheCard, A_kernel_compiled_for_the_run_goes_on_as_the_general_one_would) {
    const TemporaryFolder cache;
    ASSERT_EQ(setenv("MEGABED_CACHE_DIR", cache.path().c_str(), 1), 0);
    const CsrGraph graph = load_graph("rmat:scale=12,edge_factor=8,seed=5").value().graph;
    for (const TraversalKind kind : kKinds) {
        for (const char* const policy : {"reference", "arcs"}) {
            Scenario scenario = traversal_scenario(kind, policy, DecisionPlace::Device);
            scenario.memory.budget = Bytes(64'000'000);
            scenario.parameters.jit_queue_len_threshold = 100;
            scenario.parameters.priority_age_threshold = 31;
            scenario.parameters.scratch_bytes_per_hit = 17;
            scenario.parameters.sizing.occupancy_divisor = 250;
            scenario.parameters.field.arcs.push_weight_hundredths = 250;
            SCOPED_TRACE(std::string(policy) + " kind " + std::to_string(static_cast<int>(kind)));
            Ran wanted;
            simulate(scenario, graph, wanted);
            for (const char* const origin : {"compiled now", "from disk"}) {
                Ran ran;
                CudaOptions options;
                options.compiles = true;
                const auto done = run_on_card(scenario, graph, ran, options);
                ASSERT_TRUE(done) << to_string(done.error());
                ASSERT_FALSE(ran.summary.stopped_by) << *ran.summary.stopped_by;
                ASSERT_TRUE(ran.compiled_route);
                std::printf("[ measured ] %s\n", ran.compiled_route->c_str());
                EXPECT_NE(ran.compiled_route->find(origin), std::string::npos);
                EXPECT_EQ(ran.result,
                          oracle_digest(graph, std::get<TraversalWorkload>(scenario.workload).traversal));
                ASSERT_EQ(ran.sequence.records.size(), wanted.sequence.records.size());
                for (std::size_t at = 0; at < ran.sequence.records.size(); ++at) {
                    ASSERT_EQ(ran.sequence.records[at].decision->recommendation,
                              wanted.sequence.records[at].decision->recommendation)
                        << at;
                }
            }
        }
    }
    unsetenv("MEGABED_CACHE_DIR");
}

std::vector<Choice> choices() {
    std::vector<Choice> all;
    for (const PolicyRow& row : registered_policies()) {
        if (compiled_policy(row.name)) {
            all.emplace_back(row.name, DecisionPlace::Device);
        }
        all.emplace_back(row.name, DecisionPlace::Host);
    }
    // It learns from measured times, so that it decides otherwise than in the simulator.
    all.erase(
        std::remove_if(all.begin(), all.end(), [](const Choice& it) { return std::get<0>(it) == "bandit"; }),
        all.end());
    return all;
}

INSTANTIATE_TEST_SUITE_P(All, CudaPolicies, ::testing::ValuesIn(choices()), [](const auto& choice) {
    std::string name = std::get<0>(choice.param) +
                       (std::get<1>(choice.param) == DecisionPlace::Host ? "_on_the_host" : "_on_the_device");
    std::replace_if(
        name.begin(), name.end(), [](char it) { return it == '-' || it == ':'; }, '_');
    return name;
});

TEST_F(CudaBackendOnTheCard, Overflowing_the_hit_capacity_takes_as_many_passes_as_in_the_simulator) {
    const CsrGraph graph = load_graph("rmat:scale=12,edge_factor=8,seed=5").value().graph;
    for (const char* const policy : {"fixed:sparse", "fixed:hybrid"}) {
        Scenario scenario = traversal_scenario(TraversalKind::BreadthFirst, policy, DecisionPlace::Device);
        scenario.requested_hit_capacity = 100;
        scenario.parameters.min_hit_capacity = 1;
        Ran wanted;
        simulate(scenario, graph, wanted);
        Ran ran;
        ASSERT_TRUE(run_on_card(scenario, graph, ran));
        EXPECT_EQ(ran.result, oracle_digest(graph, {}));
        EXPECT_EQ(ran.summary.waves, wanted.summary.waves) << policy;
        EXPECT_GT(ran.summary.waves, ran.summary.levels);
    }
}

TEST_F(CudaBackendOnTheCard, Two_runs_agree_in_their_digest_wherever_they_are_decided) {
    const CsrGraph graph = load_graph("rmat:scale=13,edge_factor=8,seed=5").value().graph;
    for (const TraversalKind kind : kKinds) {
        std::vector<std::uint64_t> digests;
        for (const DecisionPlace decide : {DecisionPlace::Device, DecisionPlace::Device, DecisionPlace::Host}) {
            Ran ran;
            ASSERT_TRUE(run_on_card(traversal_scenario(kind, "reference", decide), graph, ran));
            digests.push_back(ran.summary.digest);
        }
        EXPECT_EQ(digests[0], digests[1]);
        EXPECT_EQ(digests[0], digests[2]);
    }
}

TEST_F(CudaBackendOnTheCard, A_graph_beyond_the_budget_is_refused_and_the_process_stays_usable) {
    const CsrGraph graph = load_graph("mesh:rows=300,columns=300").value().graph;
    Scenario scenario = traversal_scenario(TraversalKind::BreadthFirst, "reference", DecisionPlace::Device);
    scenario.memory.budget = Bytes(1'000'000);
    const auto refused = make_cuda_backend(scenario, &graph);
    ASSERT_FALSE(refused);
    EXPECT_NE(to_string(refused.error()).find("the cap is 1000000"), std::string::npos)
        << to_string(refused.error());
    scenario.memory.budget = {};
    Ran ran;
    ASSERT_TRUE(run_on_card(scenario, graph, ran));
    EXPECT_EQ(ran.result, oracle_digest(graph, {}));
}

/// They hold nearly everything at first, so that launches are refused, and let go within 20 ms.
TEST_F(CudaBackendOnTheCard, Co_tenants_hold_real_memory_and_refused_launches_are_asked_again) {
    const CsrGraph graph = load_graph("rmat:scale=12,edge_factor=8,seed=5").value().graph;
    for (const DecisionPlace decide : {DecisionPlace::Device, DecisionPlace::Host}) {
        Scenario scenario = traversal_scenario(TraversalKind::BreadthFirst, "reference", decide);
        scenario.memory.budget = Bytes(64 << 20);
        scenario.memory.co_tenants = {
            MemoryRamp{SimTime(10'000'000), SimTime(20'000'000), Bytes(62 << 20), Bytes(0)}};
        scenario.parameters.min_hit_capacity = 1 << 17;  // at 16 bytes each, 2 MiB
        scenario.out_of_memory_pause = SimTime(100'000);
        scenario.out_of_memory_retries_max = 10'000;
        Ran ran;
        const auto done = run_on_card(scenario, graph, ran);
        ASSERT_TRUE(done) << to_string(done.error());
        ASSERT_FALSE(ran.summary.stopped_by) << *ran.summary.stopped_by;
        EXPECT_EQ(ran.result, oracle_digest(graph, {}));
        EXPECT_GT(ran.summary.oom_rejections, 0U);
        ASSERT_TRUE(ran.sequence.records.front().error);
        EXPECT_GT(ran.sequence.records.front().observation.request.memory_pressure->value(), 9500);
    }
}

TEST_F(CudaBackendOnTheCard, A_block_that_never_comes_is_named_within_the_deadline_and_the_next_run_is_well) {
    const CsrGraph graph = load_graph("rmat:scale=14,edge_factor=8,seed=5").value().graph;
    const Scenario scenario =
        traversal_scenario(TraversalKind::BreadthFirst, "fixed:dense", DecisionPlace::Device);
    gpu::TraversalKernelOptions options;
    options.policy = CompiledPolicy::FixedDense;
    options.deadline = SimTime(50'000'000);
    options.stuck_block = 1;
    options.stuck_wave = 1;
    auto kernel = gpu::TraversalKernel::make(scenario, graph, options);
    ASSERT_TRUE(kernel) << to_string(kernel.error());
    const auto stopped = (*kernel)->run();
    ASSERT_FALSE(stopped);
    EXPECT_NE(to_string(stopped.error()).find("in wave 1"), std::string::npos) << to_string(stopped.error());
    kernel->reset();
    Ran ran;
    ASSERT_TRUE(run_on_card(scenario, graph, ran));
    EXPECT_EQ(ran.result, oracle_digest(graph, {}));
}

TEST_F(CudaBackendOnTheCard, A_kernel_whose_notes_are_full_goes_on_where_it_stopped) {
    const CsrGraph graph = load_graph("mesh:rows=60,columns=60").value().graph;
    const Scenario scenario =
        traversal_scenario(TraversalKind::BreadthFirst, "reference", DecisionPlace::Device);
    gpu::TraversalKernelOptions options;
    options.notes_max = 7;
    auto kernel = gpu::TraversalKernel::make(scenario, graph, options);
    ASSERT_TRUE(kernel);
    std::size_t launches = 0;
    auto stopped = (*kernel)->run();
    for (; stopped && *stopped == gpu::StopReason::RecordsFull; stopped = (*kernel)->run()) {
        EXPECT_EQ((*kernel)->notes().size(), 7U);
        launches += (*kernel)->notes().size();
    }
    ASSERT_TRUE(stopped);
    EXPECT_EQ(*stopped, gpu::StopReason::Done);
    Ran wanted;
    simulate(scenario, graph, wanted);
    EXPECT_EQ(launches + (*kernel)->notes().size(), wanted.sequence.records.size());
    EXPECT_EQ((*kernel)->values().value(), oracle_levels(graph, highest_degree_vertex(graph)));
}

}  // namespace
}  // namespace megabed
