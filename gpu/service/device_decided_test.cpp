#include "gpu/cuda_backend.h"
#include "gpu/device_policy.h"
#include "gpu/memory/device_pool.h"
#include "gpu/service/cuda_service.h"
#include "policy/compiled_policy.h"
#include "policy/registry.h"
#include "sim/run_scenario.h"
#include "sim/telemetry.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <cstdio>
#include <string>
#include <vector>

namespace megabed {
namespace {

// ---- what both sides read alike ----

TEST(ServiceReadings, Make_the_request_that_the_host_makes_of_the_same_counts) {
    LaunchRequest settings;
    settings.max_workgroup_size_x = 256;
    settings.expected_hits_per_item = 3;
    ServiceReadings readings;
    readings.queue_len = 7;
    readings.requeues = 11;
    readings.age_max = 2;
    readings.hot_opcodes = 4;
    readings.hot_windows = 5;
    readings.resident_bytes = 250;
    const Observation seen = observe_service(settings, Bytes(1000), readings);
    EXPECT_EQ(seen.request.queue_len, 7U);
    EXPECT_EQ(seen.request.requeue_count, 11U);
    EXPECT_EQ(seen.request.max_priority_age, 2U);
    EXPECT_EQ(seen.request.hot_opcode_count, 4U);
    EXPECT_EQ(seen.request.hot_window_count, 5U);
    EXPECT_EQ(seen.request.memory_pressure, BasisPoints(2500));
    EXPECT_EQ(seen.request.device_memory_budget, Bytes(1000));
    EXPECT_EQ(seen.request.max_workgroup_size_x, 256U);
    EXPECT_EQ(seen.request.expected_hits_per_item, 3U);
    EXPECT_FALSE(seen.traversal);
    EXPECT_FALSE(observe_service(settings, std::nullopt, readings).request.memory_pressure);
}

// ---- on the card ----

class Sequence final : public RecordSink {
public:
    void record(const LaunchRecord& record) override { records.push_back(record); }
    std::vector<LaunchRecord> records;
};

Scenario service_scenario(const std::string& policy, std::vector<Tenant> tenants) {
    Scenario scenario = testing::service(64, SimTime(2'000), ItemTimeLaw::Constant, SimTime(20'000'000));
    scenario.policy = policy;
    scenario.decide = DecisionPlace::Device;
    ServiceWorkload& workload = testing::service_of(scenario);
    workload.ring_slots = SlotCount(256);
    workload.window_slots = SlotCount(4);
    workload.starvation_age = 5;
    workload.tenants = std::move(tenants);
    return scenario;
}

std::vector<Tenant> mixed_tenants() {
    Tenant clients = testing::poisson(0);
    clients.arrivals = ClosedArrivals{5, SimTime(100'000)};
    Tenant capped = testing::poisson(30'000);
    capped.quota_items = 3;
    capped.when_full = FullRing::Wait;
    Tenant keyed = testing::poisson(20'000);
    keyed.contended_keys = 2;
    return {testing::poisson(50'000), clients, capped, keyed};
}

struct Ran {
    RunSummary summary;
    Sequence sequence;
};

/// The host's own copy of the policy is asked about every note, and the run ends where the answers differ.
void run_on_card(const Scenario& scenario, Ran& ran) {
    ASSERT_EQ(cuda_decision_place(scenario), DecisionPlace::Device);
    const auto backend = make_cuda_backend(scenario, nullptr);
    ASSERT_TRUE(backend) << to_string(backend.error());
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    ran.summary = run_scenario(scenario, "cuda", *policy, **backend, ran.sequence).value();
}

class DeviceDecidedService : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (const auto device = cuda_device_name(); !device) {
            GTEST_SKIP() << "no GPU: " << to_string(device.error());
        }
    }
};

TEST_P(DeviceDecidedService, B3_decides_as_the_hosts_policy_and_loses_nothing) {
    Ran ran;
    run_on_card(service_scenario(GetParam(), mixed_tenants()), ran);
    ASSERT_FALSE(ran.summary.stopped_by) << *ran.summary.stopped_by;
    EXPECT_EQ(ran.summary.decide, DecisionPlace::Device);
    const TenantTotals sum = ran.summary.service->sum();
    EXPECT_GT(sum.done, 0U);
    EXPECT_EQ(sum.in_flight, 0U);
    EXPECT_EQ(sum.published, sum.done + sum.rejected);
    std::uint64_t items = 0;
    std::size_t with_work = 0;
    for (const LaunchRecord& record : ran.sequence.records) {
        ASSERT_TRUE(record.decision);
        const bool empty = record.decision->recommendation.topology == DispatchTopology::Empty;
        EXPECT_EQ(empty, record.observation.request.queue_len == 0);
        EXPECT_EQ(empty, record.outcome.granted_groups == 0);
        EXPECT_GE(record.outcome.duration, SimTime(0));
        items += record.outcome.items;
        with_work += empty ? 0 : 1;
    }
    EXPECT_EQ(items, sum.done);  // every item in exactly one launch
    EXPECT_GT(with_work, 1U);
    std::printf("%s: %zu launches, %zu with work, %llu items\n", GetParam(), ran.sequence.records.size(),
                with_work, static_cast<unsigned long long>(items));
}

INSTANTIATE_TEST_SUITE_P(Policies, DeviceDecidedService,
                         ::testing::Values("reference", "stateless", "hardened", "fixed:sparse", "fixed:dense",
                                           "gap", "gswitch", "vyre-driver"),
                         [](const auto& name) {
                             std::string word = name.param;
                             for (char& letter : word) {
                                 letter = letter == ':' || letter == '-' ? '_' : letter;
                             }
                             return word;
                         });

class DeviceDecided : public DeviceDecidedService {};

TEST_P(DeviceDecided, A_budget_that_the_ring_does_not_fit_is_said_before_anything_runs) {
    Scenario scenario = service_scenario(GetParam(), {testing::poisson(20'000)});
    scenario.memory.budget = Bytes(64);  // less than the ring counts for
    const auto backend = make_cuda_backend(scenario, nullptr);
    ASSERT_FALSE(backend);
    EXPECT_NE(to_string(backend.error()).find("the ring of a service"), std::string::npos)
        << to_string(backend.error());
}

TEST_P(DeviceDecided, Tells_how_long_it_decides_and_stops_for_a_fault) {
    const Scenario scenario = service_scenario(GetParam(), {testing::poisson(50'000)});
    auto pool = DevicePool::on_device(std::nullopt);
    ASSERT_TRUE(pool);
    for (const ServiceHandler handler : {ServiceHandler::Spin, ServiceHandler::Fails}) {
        CudaServiceOptions options;
        options.decide = DecisionPlace::Device;
        options.deadline = SimTime(200'000'000);
        options.handlers = {handler};
        auto service = make_cuda_service(scenario, *pool, options);
        ASSERT_TRUE(service) << to_string(service.error());
        const auto policy = make_policy(scenario.policy, scenario.parameters);
        PolicyState state;
        int launches = 0;
        while (!(*service)->done() && !(*service)->failure()) {
            Observation observation;
            fill_settings(scenario, observation.request);
            (*service)->observe(observation);
            const auto decision = policy->recommend(observation, state);
            ASSERT_TRUE(decision);
            state = decision->next;
            (void)(*service)->launch(decision->recommendation);
            if (++launches == 3) {
                (*service)->park();  // the next launch starts it again
            }
        }
        EXPECT_EQ((*service)->failure().has_value(), handler == ServiceHandler::Fails);
        if ((*service)->failure()) {
            EXPECT_NE((*service)->failure()->find("its handler failed"), std::string::npos)
                << *(*service)->failure();
        }
        ASSERT_TRUE((*service)->deciding_ns());
        std::printf("[ measured ] a decision takes the steward %.0f ns\n", *(*service)->deciding_ns());
    }
    EXPECT_EQ(pool->held(), Bytes(0));
}

INSTANTIATE_TEST_SUITE_P(Reference, DeviceDecided, ::testing::Values("reference"));

TEST_P(DeviceDecidedService, Starts_the_kernel_anew_where_the_groups_change_size) {
    Scenario scenario = service_scenario(GetParam(), mixed_tenants());
    scenario.device.max_workgroup_size_x = 64;  // the kernel starts with 256 lanes
    scenario.device.max_compute_invocations_per_workgroup = 64;
    Ran ran;
    run_on_card(scenario, ran);
    ASSERT_FALSE(ran.summary.stopped_by) << *ran.summary.stopped_by;
    EXPECT_EQ(ran.summary.service->sum().in_flight, 0U);
}

}  // namespace
}  // namespace megabed
