#include "gpu/cuda_backend.h"
#include "gpu/device_policy.h"
#include "gpu/prescribed/prescribed_kernel.h"
#include "policy/compiled_policy.h"
#include "policy/registry.h"
#include "sim/run_scenario.h"
#include "sim/sim_backend.h"
#include "sim/testing/small_scenarios.h"
#include "sim/threads/thread_backend.h"
#include "sim/workloads/prescribed_oracle.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cstdio>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace megabed {
namespace {

/// Each skips where there is no card.
class CudaPrescribedOnTheCard : public ::testing::Test {
protected:
    void SetUp() override {
        if (const auto device = cuda_device_name(); !device) {
            GTEST_SKIP() << to_string(device.error());
        }
    }
};

class Sequence final : public RecordSink {
public:
    void record(const LaunchRecord& record) override { records.push_back(record); }
    std::vector<LaunchRecord> records;
};

struct Ran {
    RunSummary summary;
    Sequence sequence;
    std::optional<std::uint64_t> result;
    std::uint64_t oracle = 0;
};

template <class MeasuredBackend>
void run_and_ask_the_oracle(const Scenario& scenario, MeasuredBackend& backend, const char* name, Ran& ran) {
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    TopologyHistory history(ran.sequence);
    ran.summary = run_scenario(scenario, name, *policy, backend, history).value();
    ran.result = backend.result_digest();
    ran.oracle = prescribed_oracle(scenario, history);
}

/// Errors: as make_cuda_backend.
Loaded<void> run_on_card(const Scenario& scenario, Ran& ran) {
    const auto backend = make_cuda_backend(scenario, nullptr);
    if (!backend) {
        return Refusal(backend.error());
    }
    run_and_ask_the_oracle(scenario, **backend, "cuda", ran);
    return {};
}

void simulate(const Scenario& scenario, Ran& ran) {
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    const auto backend = make_sim_backend(scenario, nullptr);
    ran.summary = run_scenario(scenario, "sim", *policy, *backend, ran.sequence).value();
}

Scenario synthetic(DensityShape shape, std::uint32_t vertices, std::uint32_t arcs) {
    Scenario scenario = testing::synthetic(80);
    scenario.seed = 5;
    scenario.memory.budget = Bytes(64 << 20);  // pressure is part of what is observed
    auto& workload = std::get<SyntheticWorkload>(scenario.workload);
    workload.shape = shape;
    workload.vertices = vertices;
    workload.arcs = arcs;
    workload.low = BasisPoints(10);
    workload.high = BasisPoints(9900);
    workload.step = BasisPoints(900);
    workload.noise = BasisPoints(700);
    workload.period_waves = 20;
    workload.hot_opcode_count = 8;
    workload.hot_window_count = 5;
    workload.hot_period_waves = 10;
    return scenario;
}

Scenario requests() {
    Scenario scenario = testing::synthetic(1);
    const LaunchRequest request = LaunchRequest::direct(1000, 64, 256);
    LaunchRequest refused = request;
    refused.max_workgroup_size_x = 0;
    LaunchRequest empty = request;
    empty.queue_len = 0;
    LaunchRequest huge = request;
    huge.queue_len = 3'000'000'000;
    LaunchRequest dense = request;
    dense.graph_node_count = 2000;
    dense.graph_edge_count = 70'000;
    dense.frontier_density = BasisPoints(6000);
    dense.memory_pressure = BasisPoints(2000);
    scenario.workload =
        RequestsWorkload{{refused, request, refused, empty, dense, huge, empty, refused, request, refused}};
    return scenario;
}

std::vector<std::pair<std::string, Scenario>> scenarios() {
    return {{"sawtooth", synthetic(DensityShape::Sawtooth, 3001, 20'000)},
            {"walk of long rows", synthetic(DensityShape::RandomWalk, 500, 40'000)},
            {"short rows", synthetic(DensityShape::OrnsteinUhlenbeck, 70'000, 100'000)},
            {"one vertex", synthetic(DensityShape::Constant, 1, 1)},
            {"requests", requests()}};
}

void expect_same_launches(const Ran& ran, const Ran& wanted) {
    ASSERT_EQ(ran.sequence.records.size(), wanted.sequence.records.size());
    EXPECT_EQ(ran.summary.levels, wanted.summary.levels);
    EXPECT_EQ(ran.summary.waves, wanted.summary.waves);
    for (std::size_t at = 0; at < ran.sequence.records.size(); ++at) {
        const LaunchRecord& ours = ran.sequence.records[at];
        const LaunchRecord& theirs = wanted.sequence.records[at];
        ASSERT_EQ(ours.observation.request, theirs.observation.request) << at;
        ASSERT_FALSE(ours.observation.traversal) << at;
        ASSERT_EQ(ours.decision.has_value(), theirs.decision.has_value()) << at;
        if (ours.decision) {
            ASSERT_EQ(ours.decision->recommendation, theirs.decision->recommendation) << at;
        }
        ASSERT_EQ(ours.outcome.items, theirs.outcome.items) << at;
        ASSERT_EQ(ours.outcome.arcs, theirs.outcome.arcs) << at;
        ASSERT_EQ(ours.outcome.waves, theirs.outcome.waves) << at;
    }
}

using Choice = std::tuple<std::string, DecisionPlace>;
class CudaPrescribedPolicies : public CudaPrescribedOnTheCard, public ::testing::WithParamInterface<Choice> {};

/// B2 and B3: what the waves come to is what the oracle says, and launch by launch the card observes, decides
/// and counts what the simulator does, and the host threads.
TEST_P(CudaPrescribedPolicies, B2_B3_results_equal_the_oracle_and_launches_the_simulators) {
    const auto& [policy, decide] = GetParam();
    for (auto& [name, scenario] : scenarios()) {
        SCOPED_TRACE(name);
        scenario.policy = policy;
        scenario.decide = decide;
        Ran wanted;
        simulate(scenario, wanted);
        Ran ran;
        const auto done = run_on_card(scenario, ran);
        ASSERT_TRUE(done) << to_string(done.error());
        ASSERT_EQ(ran.summary.stopped_by, wanted.summary.stopped_by);
        if (wanted.summary.stopped_by) {
            continue;  // a policy that answers nothing of the kind
        }
        EXPECT_EQ(ran.result, ran.oracle);
        expect_same_launches(ran, wanted);
        Ran threads;
        const auto backend = make_thread_backend(scenario, nullptr, {.threads = 2});
        run_and_ask_the_oracle(scenario, *backend, "threads", threads);
        EXPECT_EQ(threads.result, ran.result);
        expect_same_launches(threads, wanted);
    }
}

std::vector<Choice> choices() {
    std::vector<Choice> all;
    for (const PolicyRow& row : registered_policies()) {
        if (std::string_view(row.name) == "bandit") {
            continue;  // it learns from measured times, so that it decides otherwise than in the simulator
        }
        if (compiled_policy(row.name)) {
            all.emplace_back(row.name, DecisionPlace::Device);
        }
        all.emplace_back(row.name, DecisionPlace::Host);
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(All, CudaPrescribedPolicies, ::testing::ValuesIn(choices()), [](const auto& choice) {
    std::string name = std::get<0>(choice.param) +
                       (std::get<1>(choice.param) == DecisionPlace::Host ? "_on_the_host" : "_on_the_device");
    std::replace_if(
        name.begin(), name.end(), [](char it) { return it == '-' || it == ':'; }, '_');
    return name;
});

TEST_F(CudaPrescribedOnTheCard, Hits_beyond_the_capacity_wait_for_extra_passes_and_none_is_lost) {
    for (const char* const policy : {"fixed:sparse", "fixed:hybrid", "fixed:memory"}) {
        for (const DecisionPlace decide : {DecisionPlace::Device, DecisionPlace::Host}) {
            Scenario scenario = synthetic(DensityShape::Sawtooth, 3001, 20'000);
            scenario.policy = policy;
            scenario.decide = decide;
            scenario.requested_hit_capacity = 37;
            scenario.parameters.min_hit_capacity = 1;
            Ran wanted;
            simulate(scenario, wanted);
            Ran ran;
            ASSERT_TRUE(run_on_card(scenario, ran));
            ASSERT_FALSE(ran.summary.stopped_by) << *ran.summary.stopped_by;
            EXPECT_EQ(ran.result, ran.oracle) << policy;
            expect_same_launches(ran, wanted);
            EXPECT_GT(ran.summary.waves, ran.summary.levels);
        }
    }
}

TEST_F(CudaPrescribedOnTheCard, Two_runs_agree_in_their_digest_wherever_they_are_decided) {
    std::vector<std::uint64_t> digests;
    for (const DecisionPlace decide : {DecisionPlace::Device, DecisionPlace::Device, DecisionPlace::Host}) {
        Scenario scenario = synthetic(DensityShape::RandomWalk, 100'000, 1'600'000);
        scenario.decide = decide;
        Ran ran;
        ASSERT_TRUE(run_on_card(scenario, ran));
        EXPECT_EQ(ran.result, ran.oracle);
        digests.push_back(ran.summary.digest);
        std::printf("[ measured ] %zu launches in %.3f ms, %.2f us each, decided on the %s\n",
                    ran.sequence.records.size(), static_cast<double>(ran.summary.makespan.value()) / 1e6,
                    static_cast<double>(ran.summary.makespan.value()) / 1e3 /
                        static_cast<double>(ran.sequence.records.size()),
                    decide == DecisionPlace::Host ? "host" : "device");
    }
    EXPECT_EQ(digests[0], digests[1]);
    EXPECT_EQ(digests[0], digests[2]);
}

/// Telemetry faults come between the readings and the policy: the host decides, on what the faults leave.
TEST_F(CudaPrescribedOnTheCard, Faulty_telemetry_is_decided_on_the_host_as_in_the_simulator) {
    Scenario scenario = synthetic(DensityShape::RandomWalk, 3001, 20'000);
    scenario.faults = {{Signal::Density, FaultKind::Corrupt, BasisPoints(5000), 400},
                       {Signal::GraphEdges, FaultKind::Drop, BasisPoints(500), 0}};
    Ran wanted;
    simulate(scenario, wanted);
    Ran ran;
    ASSERT_TRUE(run_on_card(scenario, ran));
    EXPECT_EQ(ran.result, ran.oracle);
    expect_same_launches(ran, wanted);
}

/// The result of a whole run, by kernels that are given few waves, or may note few launches.
TEST_F(CudaPrescribedOnTheCard, A_kernel_that_must_stop_goes_on_where_it_stopped) {
    Scenario scenario = synthetic(DensityShape::RandomWalk, 3001, 20'000);
    scenario.policy = "reference";
    Ran whole;
    ASSERT_TRUE(run_on_card(scenario, whole));
    for (const auto& [notes_max, table_max] : {std::pair{7U, 4096U}, std::pair{4096U, 5U}, std::pair{3U, 4U}}) {
        gpu::PrescribedKernelOptions options;
        options.notes_max = notes_max;
        options.table_max = table_max;
        const auto kernel = gpu::PrescribedKernel::make(scenario, options);
        ASSERT_TRUE(kernel) << to_string(kernel.error());
        std::size_t launches = 0;
        std::size_t kernels = 0;
        gpu::StopReason reason = gpu::StopReason::RecordsFull;
        while (reason == gpu::StopReason::RecordsFull) {
            const auto stopped = (*kernel)->run();
            ASSERT_TRUE(stopped) << to_string(stopped.error());
            reason = *stopped;
            ASSERT_FALSE((*kernel)->notes().empty());
            ASSERT_LE((*kernel)->notes().size(), notes_max);
            launches += (*kernel)->notes().size();
            ++kernels;
        }
        EXPECT_EQ(reason, gpu::StopReason::Done);
        EXPECT_GT(kernels, 8U);
        EXPECT_EQ(launches, whole.sequence.records.size());
        EXPECT_EQ((*kernel)->result(), whole.oracle);
    }
}

TEST_F(CudaPrescribedOnTheCard,
       A_block_that_never_comes_is_named_within_the_deadline_and_the_next_run_is_well) {
    Scenario scenario = synthetic(DensityShape::Constant, 100'000, 1'600'000);
    std::get<SyntheticWorkload>(scenario.workload).low = BasisPoints(5000);
    for (const bool host_decides : {false, true}) {
        gpu::PrescribedKernelOptions options;
        options.policy = CompiledPolicy::FixedDense;
        options.host_decides = host_decides;
        options.deadline = SimTime(50'000'000);
        options.stuck_block = 1;
        options.stuck_wave = 2;
        auto kernel = gpu::PrescribedKernel::make(scenario, options);
        ASSERT_TRUE(kernel) << to_string(kernel.error());
        std::optional<InputError> failed;
        if (!host_decides) {
            const auto stopped = (*kernel)->run();
            failed = stopped ? failed : std::optional(stopped.error());
        } else {
            LaunchRecommendation answer;
            answer.topology = DispatchTopology::DenseFrontier;
            answer.geometry.dispatch_grid = {64, 1, 1};
            answer.geometry.workgroup_size_x = 256;
            ASSERT_TRUE((*kernel)->await_question());
            for (int launch = 0; launch < 5 && !failed; ++launch) {
                const auto note = (*kernel)->answer(answer);
                failed = note ? failed : std::optional(note.error());
            }
        }
        ASSERT_TRUE(failed);
        EXPECT_NE(to_string(*failed).find("in wave 2"), std::string::npos) << to_string(*failed);
        kernel->reset();
        Ran ran;
        ASSERT_TRUE(run_on_card(scenario, ran));
        EXPECT_EQ(ran.result, ran.oracle);
    }
}

TEST_F(CudaPrescribedOnTheCard, Arrays_beyond_the_budget_are_refused_and_the_process_stays_usable) {
    Scenario scenario = synthetic(DensityShape::Constant, 100'000, 1'600'000);
    scenario.memory.budget = Bytes(4'000'000);
    const auto refused = make_cuda_backend(scenario, nullptr);
    ASSERT_FALSE(refused);
    EXPECT_NE(to_string(refused.error()).find("arcs of the graph"), std::string::npos)
        << to_string(refused.error());
    EXPECT_NE(to_string(refused.error()).find("the cap is 4000000"), std::string::npos);
    scenario.memory.budget = {};
    Ran ran;
    ASSERT_TRUE(run_on_card(scenario, ran));
    EXPECT_EQ(ran.result, ran.oracle);
}

/// Others ask for twice the budget in the middle of the run: they get what is left, launches are refused as in
/// the simulator, where others have all they ask for, and the run goes on when they let go.
TEST_F(CudaPrescribedOnTheCard, Co_tenants_beyond_the_budget_make_launches_wait_and_nothing_is_lost) {
    for (const DecisionPlace decide : {DecisionPlace::Device, DecisionPlace::Host}) {
        Scenario scenario = synthetic(DensityShape::RandomWalk, 100'000, 250'000);
        scenario.decide = decide;
        std::get<SyntheticWorkload>(scenario.workload).waves = 3000;
        scenario.memory.budget = Bytes(64 << 20);
        scenario.memory.co_tenants = {MemoryRamp{SimTime(0), SimTime(3'000'000), Bytes(0), Bytes(128 << 20)}};
        // The ramp stays where it ends: what is asked in vain is asked for ever, and the run ends with the
        // reason.
        scenario.out_of_memory_pause = SimTime(100'000);
        scenario.out_of_memory_retries_max = 20;
        Ran ran;
        auto done = run_on_card(scenario, ran);
        ASSERT_TRUE(done) << to_string(done.error());
        ASSERT_TRUE(ran.summary.stopped_by);
        EXPECT_NE(ran.summary.stopped_by->find("was refused"), std::string::npos) << *ran.summary.stopped_by;
        EXPECT_GE(ran.summary.oom_rejections, 20U);
        EXPECT_EQ(ran.sequence.records.back().observation.request.memory_pressure, BasisPoints(10'000));
        // Held from the start, and let go within 20 ms.
        scenario.memory.co_tenants = {
            MemoryRamp{SimTime(10'000'000), SimTime(20'000'000), Bytes(128 << 20), Bytes(0)}};
        scenario.out_of_memory_retries_max = 10'000;
        Ran again;
        done = run_on_card(scenario, again);
        ASSERT_TRUE(done) << to_string(done.error());
        ASSERT_FALSE(again.summary.stopped_by) << *again.summary.stopped_by;
        EXPECT_GT(again.summary.oom_rejections, 0U);
        EXPECT_EQ(again.result, again.oracle);
    }
}

}  // namespace
}  // namespace megabed
