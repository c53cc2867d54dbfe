#include "sim/workloads/co_tenant_memory.h"

#include "sim/engine/event_queue.h"
#include "sim/statistics/time_weighted_mean.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <cstdint>

namespace megabed {
namespace {

/// Runs memory processes alone.
class MemoryAlone final : private EventScheduler {
public:
    MemoryAlone(const MemorySettings& settings, std::uint64_t seed) : memory_(settings, seed, *this) {}

    /// Mean bytes held until `end`.
    double mean_until(SimTime end) {
        TimeWeightedMean mean;
        while (!events_.empty() && events_.next_time() <= end) {
            const auto event = events_.pop();
            now_ = event.time;
            memory_.on_event(event.payload);
            mean.set(now_, static_cast<std::int64_t>(memory_.held(now_).value()));
            most_ = std::max(most_, memory_.held(now_).value());
        }
        return mean.mean(end);
    }
    [[nodiscard]] Bytes held(SimTime at) const { return memory_.held(at); }
    [[nodiscard]] std::uint64_t most() const { return most_; }

private:
    [[nodiscard]] SimTime now() const override { return now_; }
    EventHandle schedule(SimTime time, SimEvent event) override { return events_.push(time, event); }
    void cancel(EventHandle handle) override { events_.cancel(handle); }

    EventQueue<SimEvent> events_;
    SimTime now_{};
    CoTenantMemory memory_;
    std::uint64_t most_ = 0;
};

TEST(CoTenantMemory, Ramps_and_leaks_are_functions_of_time) {
    MemorySettings settings;
    settings.co_tenants = {MemoryRamp{SimTime(100), SimTime(200), Bytes(10), Bytes(30)},
                           MemoryLeak{SimTime(1000), 1e9, Bytes(500)}};
    const MemoryAlone memory(settings, 1);
    EXPECT_EQ(memory.held(SimTime(0)), Bytes(10));
    EXPECT_EQ(memory.held(SimTime(150)), Bytes(20));
    EXPECT_EQ(memory.held(SimTime(1000)), Bytes(30));
    EXPECT_EQ(memory.held(SimTime(1100)), Bytes(130));
    EXPECT_EQ(memory.held(SimTime(9999)), Bytes(530));
}

TEST(CoTenantMemory, Allocations_hold_rate_times_size_times_lifetime_in_the_mean) {
    // Little's law: 1e6 a second x 1 ms each are 1000 blocks of 4096 bytes.
    MemorySettings settings;
    settings.co_tenants = {MemoryAllocations{1e6, Bytes(4096), SimTime(1'000'000)}};
    MemoryAlone memory(settings, 7);
    const double mean = memory.mean_until(SimTime(200'000'000));
    EXPECT_NEAR(mean, 1000.0 * 4096, 0.02 * 1000 * 4096);
}

TEST(CoTenantMemory, Spikes_come_and_go) {
    MemorySettings settings;
    settings.co_tenants = {MemorySpikes{SimTime(100'000), SimTime(10'000), Bytes(1'000'000)}};
    MemoryAlone memory(settings, 7);
    const double mean = memory.mean_until(SimTime(500'000'000));
    EXPECT_NEAR(mean, 100'000.0, 5000.0);  // a tenth of the time
    EXPECT_GE(memory.most(), 1'000'000U);
}

TEST(CoTenantMemory, Spikes_constrain_launches_and_bandwidth_of_others_slows_them) {
    using namespace megabed::testing;
    Scenario scenario = synthetic(2000);
    scenario.memory.budget = Bytes(400'000);
    scenario.out_of_memory_pause = SimTime(1000);
    scenario.out_of_memory_retries_max = 10'000;
    const RunSummary calm = run(scenario);
    EXPECT_EQ(calm.by_topology[static_cast<std::size_t>(DispatchTopology::MemoryConstrained)].launches, 0U);
    scenario.memory.co_tenants = {MemorySpikes{SimTime(300'000), SimTime(60'000), Bytes(330'000)}};
    const RunSummary spiky = run(scenario);
    EXPECT_GT(spiky.by_topology[static_cast<std::size_t>(DispatchTopology::MemoryConstrained)].launches, 0U);
    EXPECT_FALSE(spiky.stopped_by);
    scenario.memory.co_tenants = {};
    scenario.memory.bandwidth_of_others = BasisPoints(5000);
    EXPECT_GT(run(scenario).makespan, calm.makespan);
}

}  // namespace
}  // namespace megabed
