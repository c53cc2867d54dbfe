#include "sim/statistics/queueing_theory.h"

#include "sim/replicate.h"
#include "sim/statistics/confidence.h"
#include "sim/statistics/running_moments.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <cmath>
#include <functional>
#include <string>

/// The simulator against queueing theory: on a device without overheads, one tenant with Poisson arrivals and
/// workers that no decision disturbs are the textbook's queues. Means over independent replications; each test
/// asks for an interval that contains the truth and is narrow enough to say something.
namespace megabed {
namespace {

using namespace megabed::testing;

constexpr double kService = 1000;  // mean, ns
constexpr std::uint32_t kReplications = 12;
constexpr BasisPoints kConfidence{9990};

/// A queue whose decisions change nothing: one lane a group, no compiled route, publishers never held back.
Scenario queue(std::uint32_t servers, double load, ItemTimeLaw law, SimTime duration) {
    Scenario scenario = service(servers, SimTime(static_cast<std::int64_t>(kService)), law, duration);
    scenario.device.max_workgroup_size_x = 1;
    scenario.parameters.jit_queue_len_threshold = 0xFFFF'FFFF;
    scenario.parameters.saturated_waves = 0xFFFF'FFFF;
    ServiceWorkload& workload = service_of(scenario);
    workload.warm_up = SimTime(duration.value() / 10);
    workload.tenants = {poisson(load * servers / kService * 1e9)};
    return scenario;
}

Interval over_replications(const Scenario& scenario, const std::function<double(const RunSummary&)>& figure) {
    RunningMoments figures;
    for (std::uint32_t number = 0; number < kReplications; ++number) {
        Scenario own = scenario;
        own.seed = replication_seed(scenario.seed, number);
        figures.add(figure(run(own)));
    }
    return confidence_interval(figures, kConfidence);
}

void expect_contains(const Interval& interval, double truth, const char* what) {
    EXPECT_NEAR(interval.mean, truth, interval.half_width) << what;
    EXPECT_LT(interval.half_width, 0.06 * truth) << what << ": too wide to say anything";
}

void expect_theory(const Scenario& scenario, const QueueMeans& theory) {
    expect_contains(
        over_replications(
            scenario, [](const RunSummary& summary) { return summary.service->tenants[0].latency_ns.mean(); }),
        theory.time_in_system, "time in the system");
    expect_contains(
        over_replications(scenario, [](const RunSummary& summary) { return summary.service->in_flight_mean; }),
        theory.in_system, "items in the system");
}

constexpr SimTime kLong{120'000'000};

TEST(QueueingTheory, One_exponential_server_is_M_M_1) {
    for (const double load : {0.3, 0.7}) {
        expect_theory(queue(1, load, ItemTimeLaw::Exponential, kLong),
                      queue_m_m_1(load / kService, 1 / kService));
    }
}

TEST(QueueingTheory, Several_exponential_servers_are_M_M_c) {
    for (const std::uint32_t servers : {2U, 5U}) {
        expect_theory(queue(servers, 0.7, ItemTimeLaw::Exponential, kLong),
                      queue_m_m_c(0.7 * servers / kService, 1 / kService, servers));
    }
}

TEST(QueueingTheory, One_constant_server_is_M_D_1) {
    expect_theory(queue(1, 0.7, ItemTimeLaw::Constant, kLong), queue_m_d_1(0.7 / kService, 1 / kService));
}

TEST(QueueingTheory, A_full_ring_loses_what_M_M_1_K_loses) {
    Scenario scenario = queue(1, 0.9, ItemTimeLaw::Exponential, kLong);
    service_of(scenario).ring_slots = SlotCount(4);
    const Interval lost = over_replications(scenario, [](const RunSummary& summary) {
        const TenantTotals& totals = summary.service->tenants[0];
        return static_cast<double>(totals.rejected) / static_cast<double>(totals.published);
    });
    expect_contains(lost, queue_m_m_1_k(0.9 / kService, 1 / kService, 4).blocking, "share that is lost");
}

TEST(QueueingTheory, Clients_that_think_are_the_closed_machine_repairman) {
    Scenario scenario = queue(2, 0.5, ItemTimeLaw::Exponential, kLong);
    Tenant clients = poisson(1);
    clients.arrivals = ClosedArrivals{8, SimTime(4000)};
    service_of(scenario).tenants = {clients};
    const QueueMeans theory = queue_closed(8, 1.0 / 4000, 1 / kService, 2);
    expect_contains(
        over_replications(scenario, [](const RunSummary& summary) { return summary.service->in_flight_mean; }),
        theory.in_system, "items in the system");
}

TEST(QueueingTheory, Littles_law_holds_on_stationary_scenarios_whatever_the_processes) {
    // L = lambda W is exact over an interval that begins and ends empty: no warm-up, and the ring drains.
    Scenario scenario = service(6, SimTime(900), ItemTimeLaw::Uniform, SimTime(20'000'000));
    scenario.device = small_device();
    ServiceWorkload& workload = service_of(scenario);
    workload.epoch = SimTime(20'000);
    Tenant bursty = poisson(1);
    bursty.arrivals = OpenArrivals{0, {{5e5, SimTime(400'000)}, {4e6, SimTime(80'000)}}};
    Tenant quota = poisson(3e5);
    quota.quota_items = 3;
    quota.contended_keys = 3;
    workload.tenants = {bursty, quota};
    for (const char* const policy : {"reference", "hardened", "fixed:dense"}) {
        scenario.policy = policy;
        const RunSummary summary = run(scenario);
        const TenantTotals totals = summary.service->sum();
        EXPECT_EQ(totals.latency_ns.count(), totals.done);
        const double lambda = static_cast<double>(totals.done) / static_cast<double>(summary.makespan.value());
        const double expected = lambda * totals.latency_ns.mean();
        EXPECT_NEAR(summary.service->in_flight_mean, expected, 1e-9 * expected) << policy;
    }
}

}  // namespace
}  // namespace megabed
