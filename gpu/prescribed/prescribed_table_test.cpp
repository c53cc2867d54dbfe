#include "gpu/prescribed/prescribed_table.h"

#include "sim/sim_backend.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <vector>

namespace megabed::gpu {
namespace {

Scenario walk(std::uint64_t waves) {
    Scenario scenario = testing::synthetic(waves);
    auto& workload = std::get<SyntheticWorkload>(scenario.workload);
    workload.shape = DensityShape::OrnsteinUhlenbeck;
    workload.low = BasisPoints(0);
    workload.high = BasisPoints(9000);
    workload.noise = BasisPoints(500);
    workload.hot_opcode_count = 8;
    workload.hot_period_waves = 6;
    return scenario;
}

/// What the simulator's backend observes, wave by wave, without what memory says.
std::vector<LaunchRequest> observed(const Scenario& scenario) {
    const auto backend = make_sim_backend(scenario, nullptr);
    LaunchRecommendation one_wave;
    one_wave.topology = DispatchTopology::SparseFrontier;
    one_wave.geometry.dispatch_grid = {1, 1, 1};
    std::vector<LaunchRequest> requests;
    while (!backend->done()) {
        requests.push_back(backend->observe().request);
        if (!std::holds_alternative<RequestsWorkload>(scenario.workload)) {
            requests.back().resident_device_bytes = {};
            requests.back().memory_pressure = {};
            requests.back().device_memory_budget = {};
        }
        (void)backend->launch(one_wave);
    }
    return requests;
}

TEST(PrescribedTable, Tells_ahead_what_the_simulator_observes_however_far_each_kernel_comes) {
    Scenario scenario = walk(100);
    const auto expected = observed(scenario);
    for (const std::uint32_t stretch : {1U, 4U, 7U, 100U, 1000U}) {
        PrescribedTable table(scenario, stretch);
        std::uint64_t next = 0;
        for (std::uint32_t round = 0; next < 100; ++round) {
            const auto entries = table.from(next);
            ASSERT_FALSE(entries.empty());
            EXPECT_EQ(table.holds_the_last(), next + entries.size() == 100);
            EXPECT_TRUE(table.holds_the_last() || entries.size() >= scenario.fuse_waves_max);
            for (std::size_t at = 0; at < entries.size(); ++at) {
                ASSERT_EQ(entries[at].request, expected[next + at]) << next + at;
                ASSERT_EQ(entries[at].frontier, expected[next + at].queue_len);
            }
            // Some kernels stop early, some with the last wave that they were given.
            next += round % 3 == 0 ? entries.size() : (entries.size() + 1) / 2;
        }
        EXPECT_TRUE(table.from(100).empty());
        EXPECT_TRUE(table.done());
    }
}

TEST(PrescribedTable, Requests_stand_as_they_are_listed_and_their_tokens_are_a_tile_at_most) {
    Scenario scenario = testing::synthetic(1);
    std::vector<LaunchRequest> list{LaunchRequest::direct(100, 4, 64), LaunchRequest::direct(0, 4, 64),
                                    LaunchRequest::direct(3'000'000'000, 4, 64)};
    list[0].memory_pressure = BasisPoints(9999);
    scenario.workload = RequestsWorkload{list};
    PrescribedTable table(scenario, 2);
    EXPECT_TRUE(table.tokens());
    EXPECT_EQ(table.fuse_waves_max(), 1U);
    std::uint64_t at = 0;
    for (const std::uint32_t frontier : {100U, 0U, scenario.device.tile_items}) {
        const auto entries = table.from(at);
        EXPECT_EQ(entries.front().request, list[at]);
        EXPECT_EQ(entries.front().frontier, frontier);
        ++at;
    }
}

}  // namespace
}  // namespace megabed::gpu
