#include "policy/registry.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <cmath>
#include <string>

namespace megabed {
namespace {

using namespace megabed::testing;

void expect_conserved(const RunSummary& summary) {
    ASSERT_TRUE(summary.service);
    for (const TenantTotals& tenant : summary.service->tenants) {
        EXPECT_EQ(tenant.published, tenant.done + tenant.rejected + tenant.in_flight);
        EXPECT_EQ(tenant.in_flight, 0U);  // the ring is drained
    }
}

TEST(Service, Items_are_conserved_for_every_tenant_and_kind_of_arrival) {
    Scenario scenario = service(4, SimTime(900), ItemTimeLaw::Uniform, SimTime(3'000'000));
    scenario.device = small_device();
    ServiceWorkload& workload = service_of(scenario);
    workload.ring_slots = SlotCount(32);
    Tenant quota = poisson(2e6);
    quota.quota_items = 2;
    Tenant modulated = poisson(1e6);
    modulated.arrivals =
        OpenArrivals{0, {{1e5, SimTime(40'000)}, {2e7, SimTime(8000)}, {1e6, SimTime(20'000)}}};
    modulated.when_full = FullRing::Wait;
    Tenant clients = poisson(1);
    clients.arrivals = ClosedArrivals{5, SimTime(4000)};
    clients.count = 3;
    Tenant contended = poisson(1e6);
    contended.contended_keys = 2;
    contended.priority = 0;
    Tenant trace = poisson(1);
    trace.arrivals =
        TraceArrivals{{{SimTime(10), 7, SimTime(50)}, {SimTime(10), 8, {}}, {SimTime(2'000'000), 7, {}}}};
    workload.tenants = {quota, modulated, clients, contended, trace};
    const RunSummary summary = run(scenario);
    expect_conserved(summary);
    const auto& tenants = summary.service->tenants;
    EXPECT_GT(tenants[0].requeued, 0U);
    EXPECT_GT(tenants[0].rejected, 0U);
    EXPECT_EQ(tenants[1].rejected, 0U);  // it waits
    EXPECT_GT(tenants[2].done, 0U);
    EXPECT_GT(tenants[3].requeued, 0U);
    EXPECT_EQ(tenants[4].published, 3U);
    EXPECT_FALSE(summary.stopped_by);
}

TEST(Service, What_arrives_does_not_depend_on_the_policy) {
    Scenario scenario = service(4, SimTime(900), ItemTimeLaw::Exponential, SimTime(3'000'000));
    scenario.device = small_device();
    service_of(scenario).tenants = {poisson(3e6), poisson(1e5)};
    const RunSummary reference = run(scenario);
    scenario.policy = "fixed:dense";
    const RunSummary dense = run(scenario);
    for (std::size_t tenant = 0; tenant < 2; ++tenant) {
        EXPECT_EQ(reference.service->tenants[tenant].published, dense.service->tenants[tenant].published);
    }
    EXPECT_NE(reference.digest, dense.digest);
}

TEST(Service, One_tenants_arrivals_do_not_depend_on_the_others) {
    Scenario scenario = service(4, SimTime(100), ItemTimeLaw::Exponential, SimTime(3'000'000));
    service_of(scenario).tenants = {poisson(1e6)};
    const auto alone = run(scenario).service->tenants[0].published;
    service_of(scenario).tenants = {poisson(1e6), poisson(5e6)};
    EXPECT_EQ(run(scenario).service->tenants[0].published, alone);
}

TEST(Service, A_class_that_is_served_first_waits_less) {
    Scenario scenario = service(1, SimTime(900), ItemTimeLaw::Exponential, SimTime(20'000'000));
    Tenant urgent = poisson(4e5);
    urgent.priority = 0;
    Tenant patient = poisson(4e5);
    patient.priority = 3;
    service_of(scenario).tenants = {urgent, patient};
    scenario.parameters.saturated_waves = 1'000'000'000;
    const RunSummary summary = run(scenario);
    const auto& tenants = summary.service->tenants;
    EXPECT_LT(tenants[0].latency_ns.mean() * 1.5, tenants[1].latency_ns.mean());
    expect_conserved(summary);
}

TEST(Service, Ageing_lifts_items_that_a_busy_class_would_starve) {
    // One short launch an item: the age in launches grows as fast as the urgent class is served.
    Scenario scenario = service(1, SimTime(1000), ItemTimeLaw::Constant, SimTime(4'000'000));
    ServiceWorkload& workload = service_of(scenario);
    workload.epoch = SimTime(1000);
    workload.starvation_age = 100;
    Tenant urgent = poisson(1.1e6);  // more than there is time for
    urgent.priority = 0;
    Tenant patient = poisson(2e4);
    patient.priority = 2;
    workload.tenants = {urgent, patient};
    scenario.parameters.saturated_waves = 1'000'000'000;
    scenario.parameters.priority_age_threshold = 20;
    const auto lifted = run(scenario).service->tenants[1];
    scenario.parameters.priority_age_threshold = 0xFFFF'FFFF;
    const auto starved = run(scenario).service->tenants[1];
    EXPECT_LT(lifted.latency_ns.mean() * 2, starved.latency_ns.mean());
    EXPECT_GT(starved.starved, starved.done / 2);
    EXPECT_EQ(lifted.published, starved.published);
}

TEST(Service, A_full_ring_rejects_or_pushes_back) {
    Scenario scenario = service(1, SimTime(1000), ItemTimeLaw::Constant, SimTime(1'000'000));
    ServiceWorkload& workload = service_of(scenario);
    workload.ring_slots = SlotCount(4);
    scenario.parameters.saturated_waves = 1'000'000'000;
    workload.tenants = {poisson(5e6)};
    const RunSummary rejecting = run(scenario);
    EXPECT_NEAR(static_cast<double>(rejecting.service->tenants[0].done), 1000.0, 20.0);
    EXPECT_GT(rejecting.service->tenants[0].rejected, 3500U);
    workload.tenants[0].when_full = FullRing::Wait;
    const RunSummary waiting = run(scenario);
    EXPECT_EQ(waiting.service->tenants[0].rejected, 0U);
    EXPECT_EQ(waiting.service->tenants[0].done, waiting.service->tenants[0].published);
    EXPECT_NEAR(static_cast<double>(waiting.service->tenants[0].done), 5000.0, 300.0);
}

TEST(Service, Items_of_one_contended_key_are_done_one_at_a_time) {
    Scenario scenario = service(8, SimTime(1000), ItemTimeLaw::Constant, SimTime(1'000'000));
    Tenant contended = poisson(5e6);
    contended.contended_keys = 1;
    contended.when_full = FullRing::Wait;
    service_of(scenario).tenants = {contended};
    const RunSummary summary = run(scenario);
    const auto& totals = summary.service->tenants[0];
    EXPECT_GE(summary.makespan.value(), static_cast<std::int64_t>(totals.done) * 1000);
    EXPECT_LT(summary.service->workers_busy_mean, 1.001);
    EXPECT_GT(totals.requeued, 0U);
    expect_conserved(summary);
}

TEST(Service, Closed_clients_never_have_more_than_one_item_out_each) {
    Scenario scenario = service(2, SimTime(1000), ItemTimeLaw::Exponential, SimTime(10'000'000));
    Tenant clients = poisson(1);
    clients.arrivals = ClosedArrivals{6, SimTime(0)};
    service_of(scenario).tenants = {clients};
    const RunSummary summary = run(scenario);
    // Without thinking, all six are always there: both workers are always busy.
    EXPECT_NEAR(summary.service->in_flight_mean, 6.0, 0.01);
    EXPECT_NEAR(summary.service->workers_busy_mean, 2.0, 0.01);
}

TEST(Service, More_clients_than_slots_that_never_think_do_not_stop_time) {
    Scenario scenario = service(2, SimTime(1000), ItemTimeLaw::Constant, SimTime(1'000'000));
    Tenant clients = poisson(1);
    clients.arrivals = ClosedArrivals{100, SimTime(0)};
    service_of(scenario).ring_slots = SlotCount(64);
    service_of(scenario).tenants = {clients};
    const RunSummary summary = run(scenario);
    EXPECT_GT(summary.service->tenants[0].rejected, 1000U);
    EXPECT_GT(summary.service->tenants[0].done, 1500U);
    expect_conserved(summary);
}

TEST(Service, A_recorded_trace_is_replayed_to_the_nanosecond) {
    Scenario scenario = service(1, SimTime(1000), ItemTimeLaw::Constant, SimTime(1'000'000));
    Tenant trace = poisson(1);
    trace.arrivals = TraceArrivals{{{SimTime(100), 0, SimTime(50)}, {SimTime(120), 0, SimTime(30)}}};
    service_of(scenario).tenants = {trace};
    const RunSummary summary = run(scenario);
    const auto& totals = summary.service->tenants[0];
    EXPECT_EQ(totals.done, 2U);
    EXPECT_EQ(totals.latency_ns.least(), 50);     // 100 to 150
    EXPECT_EQ(totals.latency_ns.greatest(), 60);  // 120 to 180, after 30 of waiting
}

TEST(Service, Opcodes_heat_and_cool) {
    class HotSink final : public RecordSink {
    public:
        void record(const LaunchRecord& record) override {
            hot_max = std::max(hot_max, record.observation.request.hot_opcode_count);
            hot_windows_max = std::max(hot_windows_max, record.observation.request.hot_window_count);
            cold += record.observation.request.hot_opcode_count == 0 ? 1 : 0;
        }
        std::uint32_t hot_max = 0;
        std::uint32_t hot_windows_max = 0;
        std::uint32_t cold = 0;
    };
    Scenario scenario = service(8, SimTime(1000), ItemTimeLaw::Constant, SimTime(4'000'000));
    ServiceWorkload& workload = service_of(scenario);
    workload.epoch = SimTime(50'000);
    workload.hot_opcode_share = BasisPoints(2500);
    Tenant tenant = poisson(4e6);
    tenant.opcodes = {1, 2, 3, 4, 5, 6, 7, 8};
    tenant.opcode_length_mean = SimTime(20'000);
    workload.tenants = {tenant};
    HotSink sink;
    const auto backend = make_sim_backend(scenario, nullptr);
    const auto policy = make_policy("reference", {});
    ASSERT_TRUE(run_scenario(scenario, "sim", *policy, *backend, sink));
    EXPECT_GE(sink.hot_max, 2U);
    EXPECT_GT(sink.cold, 0U);
    EXPECT_GT(sink.hot_windows_max, 0U);
}

TEST(Service, A_relaunch_waits_until_the_groups_are_done) {
    // The queue crosses the threshold of the compiled route all the time: every crossing is another kernel.
    Scenario scenario = service(4, SimTime(5000), ItemTimeLaw::Constant, SimTime(2'000'000));
    scenario.device = small_device();
    scenario.parameters.jit_queue_len_threshold = 4;
    service_of(scenario).epoch = SimTime(3000);
    service_of(scenario).tenants = {poisson(8e5)};
    const RunSummary summary = run(scenario);
    EXPECT_GT(summary.relaunch, SimTime(0));
    EXPECT_GT(summary.drain, SimTime(0));
    expect_conserved(summary);
}

TEST(Service, A_million_tenants_are_a_million_streams) {
    Scenario scenario = service(64, SimTime(100), ItemTimeLaw::Constant, SimTime(1'000'000));
    Tenant many = poisson(50);
    many.count = 200'000;
    service_of(scenario).tenants = {many};
    const RunSummary summary = run(scenario);
    EXPECT_NEAR(static_cast<double>(summary.service->tenants[0].published), 10'000.0, 500.0);
    expect_conserved(summary);
}

}  // namespace
}  // namespace megabed
