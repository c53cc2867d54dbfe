#include "bench/run_policy.h"
#include "bench/scenario_runner.h"
#include "gpu/cuda_backend.h"
#include "gpu/device_policy.h"
#include "scenarios/catalog.h"
#include "scenarios/scenario_loader.h"
#include "sim/adversary.h"
#include "sim/sim_backend.h"
#include "sim/threads/thread_backend.h"
#include "sim/workloads/prescribed_oracle.h"

#include <gtest/gtest.h>
#include <cstdio>
#include <string>
#include <vector>

namespace megabed {
namespace {

/// The names of the catalog's files, for one test each.
std::vector<std::string> catalog() {
    std::vector<std::string> names;
    for (const CatalogEntry& entry : list_scenarios().value_or(std::vector<CatalogEntry>())) {
        names.push_back(entry.name);
    }
    return names;
}

class CudaCatalog : public ::testing::TestWithParam<std::string> {
protected:
    [[nodiscard]] static Loaded<ScenarioFile> file_of_test() {
        return load_scenario(catalog_directory() / (GetParam() + ".toml"));
    }
};

/// What a run needs of a machine is a card, and nothing of it is refused by its kind. With a card all are run
/// and held against the oracle.
TEST_P(CudaCatalog, Every_run_is_carried_out_on_the_card_or_lacks_the_card_alone) {
    const auto file = file_of_test();
    ASSERT_TRUE(file) << to_string(file.error());
    RunnerOptions options;
    options.backend = "cuda";
    const auto device = cuda_device_name();
    for (const Scenario& scenario : file->runs) {
        ScenarioFile one = *file;
        one.runs = {scenario};
        const auto runs = run_all(one, options);
        if (!device) {
            ASSERT_FALSE(runs) << scenario.name;
            EXPECT_EQ(to_string(runs.error()), to_string(device.error())) << scenario.name;
            EXPECT_EQ(runs.error().kind, InputErrorKind::Unavailable);
            continue;
        }
        ASSERT_TRUE(runs) << scenario.name << ": " << to_string(runs.error());
        ASSERT_EQ(runs->runs.size(), 1U);
        const RunSummary& summary = runs->runs.front().summary;
        EXPECT_FALSE(summary.stopped_by) << scenario.name << ": " << *summary.stopped_by;
        std::printf("[ measured ] %s: %.3f ms in %llu launches\n", scenario.name.c_str(),
                    static_cast<double>(summary.makespan.value()) / 1e6,
                    static_cast<unsigned long long>(summary.launches));
    }
}

class Sequence final : public RecordSink {
public:
    void record(const LaunchRecord& record) override { records.push_back(record); }
    std::vector<LaunchRecord> records;
};

void expect_same_decisions(const Sequence& ours, const Sequence& theirs, const char* where) {
    ASSERT_EQ(ours.records.size(), theirs.records.size()) << where;
    for (std::size_t at = 0; at < ours.records.size(); ++at) {
        const LaunchRecord& one = ours.records[at];
        const LaunchRecord& other = theirs.records[at];
        ASSERT_EQ(one.observation.request, other.observation.request) << where << ' ' << at;
        ASSERT_EQ(one.decision.has_value(), other.decision.has_value()) << where << ' ' << at;
        if (one.decision) {
            ASSERT_EQ(one.decision->recommendation, other.decision->recommendation) << where << ' ' << at;
        }
        ASSERT_EQ(one.outcome.items, other.outcome.items) << where << ' ' << at;
        ASSERT_EQ(one.outcome.arcs, other.outcome.arcs) << where << ' ' << at;
        ASSERT_EQ(one.outcome.waves, other.outcome.waves) << where << ' ' << at;
    }
}

template <class MeasuredBackend>
void run_checked(const Scenario& scenario, Policy& policy, MeasuredBackend& backend, Sequence& sequence) {
    TopologyHistory history(sequence);
    const auto summary = run_scenario(scenario, "measured", policy, backend, history).value();
    ASSERT_FALSE(summary.stopped_by) << *summary.stopped_by;
    EXPECT_EQ(backend.result_digest(), prescribed_oracle(scenario, history));
}

/// B3 for prescribed work: simulator, host threads and card decide alike, launch by launch. Co-tenants' memory
/// is a matter of time, which is measured on two of them: scenarios with such are left out.
TEST_P(CudaCatalog, B3_prescribed_waves_are_decided_alike_in_the_simulator_on_threads_and_on_the_card) {
    const auto file = file_of_test();
    ASSERT_TRUE(file) << to_string(file.error());
    for (Scenario scenario : file->runs) {
        if (!is_prescribed(scenario) || !scenario.memory.co_tenants.empty()) {
            continue;
        }
        SCOPED_TRACE(scenario.name);
        const auto policy = policy_of_run(scenario, nullptr);
        ASSERT_TRUE(policy) << to_string(policy.error());
        if (is_adversarial(scenario)) {
            auto& workload = std::get<SyntheticWorkload>(scenario.workload);
            workload.search_runs = 20;
            const auto found = worst_trajectory(scenario, policy->make);
            std::get<SyntheticWorkload>(scenario.workload).trajectory = found.trajectory;
        }
        Sequence simulated;
        const auto simulator = make_sim_backend(scenario, nullptr);
        (void)run_scenario(scenario, "sim", *policy->make(scenario), *simulator, simulated).value();
        Sequence threaded;
        const auto threads = make_thread_backend(scenario, nullptr);
        run_checked(scenario, *policy->make(scenario), *threads, threaded);
        expect_same_decisions(threaded, simulated, "threads");
        if (!cuda_device_name()) {
            continue;
        }
        for (const DecisionPlace decide : {DecisionPlace::Device, DecisionPlace::Host}) {
            scenario.decide = decide;
            const auto card = make_cuda_backend(scenario, nullptr);
            ASSERT_TRUE(card) << to_string(card.error());
            Sequence on_card;
            run_checked(scenario, *policy->make(scenario), **card, on_card);
            expect_same_decisions(on_card, simulated, decide == DecisionPlace::Host ? "host" : "device");
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, CudaCatalog, ::testing::ValuesIn(catalog()), [](const auto& entry) {
    std::string name = entry.param;
    for (char& letter : name) {
        letter = letter == '-' ? '_' : letter;
    }
    return name;
});

}  // namespace
}  // namespace megabed
