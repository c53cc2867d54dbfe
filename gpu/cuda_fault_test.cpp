#include "gpu/cuda_backend.h"
#include "gpu/device_policy.h"
#include "gpu/memory/cuda_check.h"
#include "policy/registry.h"
#include "sim/graphs/graph_source.h"
#include "sim/run_scenario.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <tuple>

/// Kernels that fault. Each in a process of its own, since what a fault loses is the process's.
namespace megabed {
namespace {

enum class Work { Search, Synthetic, Requests };
using Choice = std::tuple<Work, InjectedFault, DecisionPlace>;

Scenario scenario_of(Work work, DecisionPlace decide) {
    Scenario scenario = testing::synthetic(20);
    scenario.decide = decide;
    // So that co-tenants hold memory while the kernel faults.
    scenario.memory.budget = Bytes(std::uint64_t{256} << 20);
    scenario.memory.co_tenants = {MemoryRamp{SimTime(0), SimTime(1'000'000), Bytes(1 << 20), Bytes(32 << 20)}};
    if (work == Work::Search) {
        scenario.policy = "fixed:sparse";
        scenario.workload = TraversalWorkload();
    } else if (work == Work::Requests) {
        scenario.workload = RequestsWorkload{{LaunchRequest::direct(1000, 64, 256)}};
    }
    return scenario;
}

/// The run whose kernel faults, then one that would be well: what both say goes to stderr. Exits 0 where the
/// first ended with its reason and the second was refused.
[[noreturn]] void fault_and_go_on(const Choice& choice) {
    const auto& [work, fault, decide] = choice;
    const CsrGraph graph = load_graph("mesh:rows=100,columns=100").value().graph;
    const Scenario scenario = scenario_of(work, decide);
    bool stopped = false;
    {
        CudaOptions options;
        options.fault = fault;
        const auto backend = make_cuda_backend(scenario, &graph, options);
        if (!backend) {
            std::fprintf(stderr, "refused: %s\n", to_string(backend.error()).c_str());
            std::exit(1);
        }
        const auto policy = make_policy(scenario.policy, scenario.parameters);
        NoRecords nowhere;
        const auto summary = run_scenario(scenario, "cuda", *policy, **backend, nowhere).value();
        stopped = summary.stopped_by.has_value();
        std::fprintf(stderr, "%s\n", summary.stopped_by.value_or("it did not stop").c_str());
    }
    const auto later = make_cuda_backend(scenario, &graph);
    std::fprintf(stderr, "%s\n", later ? "it goes on" : to_string(later.error()).c_str());
    // All that needs no card still works.
    testing::CountingSink sink;
    const auto simulated = testing::run(scenario, sink, &graph);
    std::exit(stopped && !later && later.error().kind == InputErrorKind::Unavailable && !simulated.stopped_by
                  ? 0
                  : 2);
}

class CudaFaultDeathTest : public ::testing::TestWithParam<Choice> {};

TEST_P(CudaFaultDeathTest, Ends_its_run_with_one_reason_and_later_runs_are_refused_with_it) {
    if (const auto device = cuda_device_name(); !device) {
        GTEST_SKIP() << to_string(device.error());
    }
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const bool trap = std::get<1>(GetParam()) == InjectedFault::Trap && std::get<0>(GetParam()) != Work::Search;
    // A trap is told as "unspecified launch failure", or as an illegal instruction.
    const std::string name = trap ? "cudaError(LaunchFailure|IllegalInstruction)" : "cudaErrorIllegalAddress";
    EXPECT_EXIT(fault_and_go_on(GetParam()), ::testing::ExitedWithCode(0),
                "launch 0 failed: cuda: [^\n]*" + name +
                    "[^\n]*CUDA context (is|was) lost[^\n]*; allowed: the backends sim and threads in this "
                    "process; CUDA in a new one\n"
                    "cuda: --backend cuda: this process has lost its CUDA context by [^\n]*" +
                    name);
}

INSTANTIATE_TEST_SUITE_P(All, CudaFaultDeathTest,
                         ::testing::Combine(::testing::Values(Work::Search, Work::Synthetic, Work::Requests),
                                            ::testing::Values(InjectedFault::BadAddress, InjectedFault::Trap),
                                            ::testing::Values(DecisionPlace::Device, DecisionPlace::Host)),
                         [](const auto& choice) {
                             const Work work = std::get<0>(choice.param);
                             return std::string(work == Work::Search      ? "search"
                                                : work == Work::Synthetic ? "synthetic"
                                                                          : "requests") +
                                    (std::get<1>(choice.param) == InjectedFault::Trap ? "_trap" : "_address") +
                                    (std::get<2>(choice.param) == DecisionPlace::Host ? "_on_the_host"
                                                                                      : "_on_the_device");
                         });

}  // namespace
}  // namespace megabed
