#include "sim/workloads/prescribed_wave.h"

#include "sim/costs/cost_model.h"
#include "sim/testing/small_scenarios.h"
#include "sim/threads/thread_backend.h"
#include "sim/workloads/prescribed_oracle.h"
#include "sim/workloads/wave_source.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <string>
#include <vector>

namespace megabed {
namespace {

TEST(Shuffle, Is_a_bijection_and_knows_its_way_back_whatever_the_count_and_key) {
    for (const std::uint32_t count : {1U, 2U, 3U, 7U, 64U, 1000U, 1024U, 65'537U}) {
        for (const std::uint64_t key : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, scatter(5)}) {
            const Shuffle order(count, key);
            std::vector<bool> seen(count);
            for (std::uint32_t place = 0; place < count; ++place) {
                const std::uint32_t value = order.at(place);
                ASSERT_LT(value, count);
                ASSERT_FALSE(seen[value]) << count << ' ' << key << ' ' << place;
                seen[value] = true;
                ASSERT_EQ(order.place_of(value), place);
            }
        }
    }
    const Shuffle all(0xFFFF'FFFF, scatter(9));
    for (const std::uint32_t place : {0U, 1U, 0x8000'0000U, 0xFFFF'FFFEU}) {
        EXPECT_EQ(all.place_of(all.at(place)), place);
    }
}

/// Vertices of a frontier fall into sixteen equal parts of all, and of their places' low bits, as chance has
/// it: the expected count is 1,000, its standard deviation under 31.
TEST(Shuffle, Spreads_the_first_places_evenly) {
    for (std::uint64_t wave = 0; wave < 50; ++wave) {
        const Shuffle order(160'000, WaveKey(3, wave).word);
        std::vector<int> high(16);
        std::vector<int> low(16);
        for (std::uint32_t place = 0; place < 16'000; ++place) {
            ++high[order.at(place) / 10'000];
            ++low[order.at(place) % 16];
        }
        for (const auto& counts : {high, low}) {
            EXPECT_GT(*std::min_element(counts.begin(), counts.end()), 850) << wave;
            EXPECT_LT(*std::max_element(counts.begin(), counts.end()), 1150) << wave;
        }
    }
}

TEST(PrescribedWave, Two_waves_and_two_seeds_have_frontiers_of_their_own) {
    const auto common = [](std::uint64_t one, std::uint64_t other) {
        const Shuffle left(10'000, one);
        const Shuffle right(10'000, other);
        int both = 0;
        for (std::uint32_t place = 0; place < 1000; ++place) {
            both += right.place_of(left.at(place)) < 1000 ? 1 : 0;
        }
        return both;  // 100 of 1,000 are expected, with a standard deviation under 10
    };
    EXPECT_NEAR(common(WaveKey(1, 0).word, WaveKey(1, 1).word), 100, 50);
    EXPECT_NEAR(common(WaveKey(1, 5).word, WaveKey(2, 5).word), 100, 50);
}

Scenario synthetic_walk(const std::string& policy) {
    Scenario scenario = testing::synthetic(60);
    scenario.policy = policy;
    auto& workload = std::get<SyntheticWorkload>(scenario.workload);
    workload.shape = DensityShape::RandomWalk;
    workload.vertices = 3001;
    workload.arcs = 20'000;
    workload.low = BasisPoints(50);
    workload.high = BasisPoints(9000);
    workload.step = BasisPoints(900);
    return scenario;
}

TEST(PrescribedWave, Counts_what_the_simulator_goes_by) {
    const Scenario scenario = synthetic_walk("reference");
    const PrescribedGraph graph = prescribed_graph(scenario);
    const auto source = make_wave_source(scenario, nullptr);
    for (Direction direction = Direction::Push; !source->done();
         direction = direction == Direction::Push ? Direction::Pull : Direction::Push) {
        const WaveKey key(scenario.seed, source->levels());
        const WaveWork work = source->advance(direction);
        const PrescribedTally tally = oracle_wave(graph, key, prescribed_frontier(scenario, work), direction);
        EXPECT_EQ(tally.arcs, work.inspected_arcs);
        if (direction == Direction::Push) {
            EXPECT_EQ(tally.hits, work.discovered);
        } else {
            EXPECT_LE(tally.hits, work.scanned_vertices);
        }
    }
}

TEST(PrescribedWave, Host_threads_come_to_what_the_oracle_says_under_every_policy) {
    for (const char* const policy : {"fixed:sparse", "fixed:hybrid", "fixed:dense", "fixed:fused",
                                     "fixed:memory", "reference", "hardened"}) {
        Scenario scenario = synthetic_walk(policy);
        for (const unsigned threads : {1U, 3U}) {
            testing::CountingSink sink;
            TopologyHistory history(sink);
            const auto backend = make_thread_backend(scenario, nullptr, {.threads = threads});
            const auto made = make_policy(scenario.policy, scenario.parameters);
            const auto summary = run_scenario(scenario, "threads", *made, *backend, history).value();
            ASSERT_FALSE(summary.stopped_by) << *summary.stopped_by;
            EXPECT_EQ(backend->result_digest(), prescribed_oracle(scenario, history)) << policy;
        }
    }
}

TEST(PrescribedWave, The_oracle_tells_another_seed_another_frontier_and_a_wave_more_apart) {
    const PrescribedGraph graph{1000, 5, 42};
    const PrescribedTally whole = oracle_wave(graph, WaveKey(1, 0), 300, Direction::Push);
    EXPECT_NE(whole, oracle_wave(graph, WaveKey(2, 0), 300, Direction::Push));
    EXPECT_NE(whole, oracle_wave(graph, WaveKey(1, 0), 299, Direction::Push));
    EXPECT_NE(with_wave(0, whole), with_wave(with_wave(0, whole), {}));
    const PrescribedTally pulled = oracle_wave(graph, WaveKey(1, 0), 300, Direction::Pull);
    EXPECT_NE(pulled, oracle_wave(graph, WaveKey(1, 1), 300, Direction::Pull));
    EXPECT_GT(pulled.hits, 0U);
}

TEST(PrescribedWave, Requests_that_were_refused_or_empty_are_no_part_of_the_result) {
    Scenario scenario = testing::synthetic(1);
    const LaunchRequest request = LaunchRequest::direct(1000, 64, 256);
    LaunchRequest refused = request;
    refused.max_workgroup_size_x = 0;
    LaunchRequest empty = request;
    empty.queue_len = 0;
    LaunchRequest huge = request;
    huge.queue_len = 3'000'000'000;
    scenario.workload = RequestsWorkload{{request, refused, empty, huge, request}};
    NoRecords nowhere;
    TopologyHistory history(nowhere);
    const auto backend = make_thread_backend(scenario, nullptr, {.threads = 2});
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    const auto summary = run_scenario(scenario, "threads", *policy, *backend, history).value();
    ASSERT_FALSE(summary.stopped_by);
    ASSERT_EQ(history.topologies().size(), 5U);
    EXPECT_FALSE(history.topologies()[1]);
    EXPECT_EQ(history.topologies()[2], DispatchTopology::Empty);
    EXPECT_EQ(backend->result_digest(), prescribed_oracle(scenario, history));
    EXPECT_NE(backend->result_digest(), 0U);
}

}  // namespace
}  // namespace megabed
