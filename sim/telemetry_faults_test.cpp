#include "sim/telemetry_faults.h"

#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <cstdint>
#include <optional>
#include <vector>

namespace megabed {
namespace {

using namespace megabed::testing;

Observation with_density(std::uint32_t bps) {
    Observation observation;
    observation.request.queue_len = bps;
    observation.request.frontier_density = BasisPoints(static_cast<std::uint16_t>(bps));
    return observation;
}

/// What the policy gets to see of densities and queue lengths 10, 20, 30, ...
std::vector<std::optional<BasisPoints>> delivered(const TelemetryFault& fault, int launches) {
    const std::vector<TelemetryFault> faults{fault};
    TelemetryFaults telemetry(faults, 1);
    std::vector<std::optional<BasisPoints>> seen;
    for (int launch = 1; launch <= launches; ++launch) {
        seen.push_back(
            telemetry.deliver(with_density(static_cast<std::uint32_t>(10 * launch))).request.frontier_density);
    }
    return seen;
}

std::vector<std::optional<BasisPoints>> readings(const std::vector<int>& values) {
    std::vector<std::optional<BasisPoints>> all;
    for (const int value : values) {
        all.push_back(value < 0 ? std::nullopt : std::optional(BasisPoints(static_cast<std::uint16_t>(value))));
    }
    return all;
}

constexpr BasisPoints kAlways{10'000};

TEST(TelemetryFaults, Drop_takes_the_reading_away) {
    EXPECT_EQ(delivered({Signal::Density, FaultKind::Drop, kAlways, 0}, 3), readings({-1, -1, -1}));
}

TEST(TelemetryFaults, A_dropped_counter_stays_at_what_came_through_last) {
    const std::vector<TelemetryFault> faults{{Signal::QueueLength, FaultKind::Drop, BasisPoints(5000), 0}};
    TelemetryFaults telemetry(faults, 3);
    std::uint32_t last = 0;
    int dropped = 0;
    for (std::uint32_t launch = 1; launch <= 1000; ++launch) {
        const std::uint32_t seen = telemetry.deliver(with_density(launch)).request.queue_len;
        EXPECT_TRUE(seen == launch || seen == last);
        dropped += seen == launch ? 0 : 1;
        last = seen;
    }
    EXPECT_NEAR(dropped, 500, 60);
}

TEST(TelemetryFaults, Delay_delivers_the_reading_of_so_many_launches_ago) {
    EXPECT_EQ(delivered({Signal::Density, FaultKind::Delay, kAlways, 2}, 6),
              readings({10, 10, 10, 20, 30, 40}));
}

TEST(TelemetryFaults, Quantise_rounds_down) {
    EXPECT_EQ(delivered({Signal::Density, FaultKind::Quantise, kAlways, 25}, 5), readings({0, 0, 25, 25, 50}));
}

TEST(TelemetryFaults, Corrupt_stays_within_its_amount_and_reaches_both_ends) {
    const std::vector<TelemetryFault> faults{{Signal::Density, FaultKind::Corrupt, kAlways, 3}};
    TelemetryFaults telemetry(faults, 1);
    std::vector<int> seen(7, 0);
    for (int launch = 0; launch < 700; ++launch) {
        const int reading = telemetry.deliver(with_density(100)).request.frontier_density->value();
        ASSERT_GE(reading, 97);
        ASSERT_LE(reading, 103);
        ++seen[static_cast<std::size_t>(reading - 97)];
    }
    for (const int count : seen) {
        EXPECT_NEAR(count, 100, 45);
    }
    EXPECT_GE(telemetry.deliver(with_density(1)).request.frontier_density->value(), 0);
    EXPECT_LE(telemetry.deliver(with_density(10'000)).request.frontier_density->value(), 10'000);
}

TEST(TelemetryFaults, Reorder_lets_a_reading_arrive_after_the_next_one) {
    // The first is late, but there is none to stand for it: it is seen at once and once more after 20. Then 40
    // is late.
    EXPECT_EQ(delivered({Signal::Density, FaultKind::Reorder, kAlways, 0}, 6),
              readings({10, 20, 10, 10, 50, 40}));
}

TEST(TelemetryFaults, Records_show_what_the_policy_saw_and_what_was_true) {
    class Differences final : public RecordSink {
    public:
        void record(const LaunchRecord& record) override {
            different += record.truth && record.truth->request != record.observation.request ? 1 : 0;
        }
        int different = 0;
    };
    Scenario scenario = synthetic(50);
    scenario.faults = {{Signal::Density, FaultKind::Corrupt, kAlways, 100}};
    Differences sink;
    const auto backend = make_sim_backend(scenario, nullptr);
    const auto policy = make_policy("reference", {});
    ASSERT_TRUE(run_scenario(scenario, "sim", *policy, *backend, sink));
    EXPECT_GT(sink.different, 40);
}

TEST(TelemetryFaults, Hysteresis_rides_out_noise_that_makes_the_stateless_policy_flap) {
    Scenario scenario = synthetic(400);
    auto& workload = std::get<SyntheticWorkload>(scenario.workload);
    workload.vertices = 100'000;
    workload.low = BasisPoints(500);
    workload.high = BasisPoints(500);
    scenario.faults = {{Signal::Density, FaultKind::Corrupt, kAlways, 200}};
    EXPECT_LE(run(scenario).topology_switches, 1U);
    scenario.policy = "stateless";
    EXPECT_GT(run(scenario).flaps, 100U);
}

TEST(TelemetryFaults, A_policy_that_never_sees_the_queue_ends_the_run_with_the_reason) {
    Scenario scenario = synthetic(10);
    scenario.out_of_memory_retries_max = 20;
    scenario.faults = {{Signal::QueueLength, FaultKind::Quantise, kAlways, 1'000'000}};
    const RunSummary summary = run(scenario);
    ASSERT_TRUE(summary.stopped_by);
    EXPECT_NE(summary.stopped_by->find("with work in the queue"), std::string::npos);
}

TEST(TelemetryFaults, A_service_whose_queue_is_never_seen_ends_too_and_time_does_not_stand_still) {
    Scenario scenario = service(1, SimTime(100), ItemTimeLaw::Constant, SimTime(100'000));
    service_of(scenario).tenants = {poisson(1e7)};
    scenario.out_of_memory_retries_max = 20;
    scenario.faults = {{Signal::QueueLength, FaultKind::Quantise, kAlways, 4'000'000'000}};
    const RunSummary summary = run(scenario);
    ASSERT_TRUE(summary.stopped_by);
    EXPECT_GT(summary.makespan, SimTime(0));
    const TenantTotals totals = summary.service->sum();
    EXPECT_EQ(totals.published, totals.done + totals.rejected + totals.in_flight);
}

}  // namespace
}  // namespace megabed
