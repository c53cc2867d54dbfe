#include "sim/replicate.h"

#include "sim/engine/counter_random.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>
#include <stdexcept>
#include <vector>

namespace megabed {
namespace {

/// A run whose makespan is 1000 and a little, by its seed.
RunSummary noisy_run(std::uint64_t seed) {
    CounterRandom random(seed, 1);
    RunSummary summary;
    summary.seed = seed;
    summary.digest = seed ^ 0xABCD;
    summary.makespan = SimTime(static_cast<std::int64_t>(1000 + random.next() % 200));
    summary.flaps = random.next() % 4;
    return summary;
}

Loaded<RunSummary> run_noisily(std::uint32_t /*replication*/, std::uint64_t seed) { return noisy_run(seed); }

std::vector<std::uint64_t> digests_of(const Replications& replications) {
    std::vector<std::uint64_t> digests;
    for (const Replication& replication : replications.all) {
        digests.push_back(replication.digest);
    }
    return digests;
}

TEST(ReplicationSeed, The_first_is_the_scenarios_own_and_all_differ) {
    std::set<std::uint64_t> seeds;
    for (const std::uint64_t seed : {0U, 1U, 2U, 77U}) {
        EXPECT_EQ(replication_seed(seed, 0), seed);
        for (std::uint32_t replication = 0; replication < 5000; ++replication) {
            seeds.insert(replication_seed(seed, replication));
            EXPECT_LT(replication_seed(seed, replication), std::uint64_t{1} << 63);
        }
    }
    EXPECT_EQ(seeds.size(), 20'000U);
}

TEST(ReplicationSeed, Stays_what_it_is_for_ever) {
    // Stored digests and published figures depend on these.
    EXPECT_EQ(replication_seed(1, 1), 2640571579279995982U);
    EXPECT_EQ(replication_seed(1, 2), 8690336861208052622U);
    EXPECT_EQ(replication_seed(42, 1), 4130065221808663977U);
}

TEST(Replicate, One_is_the_run_itself) {
    const auto one = replicate({}, 7, run_noisily);
    ASSERT_TRUE(one);
    EXPECT_EQ(one->all.size(), 1U);
    EXPECT_EQ(one->digest(), noisy_run(7).digest);
    EXPECT_EQ(one->first.makespan, noisy_run(7).makespan);
}

TEST(Replicate, The_result_does_not_depend_on_the_threads) {
    for (const BasisPoints target : {BasisPoints(0), BasisPoints(100), BasisPoints(1)}) {
        ReplicationSettings settings{5, 400, target, BasisPoints(9500), ReplicationMetric::Makespan};
        settings.count_max = target == BasisPoints(1) ? 60 : settings.count_max;
        const auto alone = replicate(settings, 3, run_noisily);
        ASSERT_TRUE(alone);
        for (const unsigned jobs : {2U, 3U, 8U, 100U}) {
            const auto many = replicate(settings, 3, run_noisily, {jobs, {}});
            ASSERT_TRUE(many);
            EXPECT_EQ(digests_of(*many), digests_of(*alone)) << jobs;
            EXPECT_EQ(many->digest(), alone->digest());
        }
    }
}

TEST(Replicate, Stops_at_the_first_that_meets_the_target) {
    const ReplicationSettings settings{5, 1000, BasisPoints(100), BasisPoints(9500),
                                       ReplicationMetric::Makespan};
    const auto found = replicate(settings, 11, run_noisily, {4, {}});
    ASSERT_TRUE(found);
    ASSERT_GT(found->all.size(), 5U);
    ASSERT_LT(found->all.size(), 1000U);
    EXPECT_EQ(target_met(*found, settings), true);
    for (std::uint32_t fewer = 5; fewer < found->all.size(); ++fewer) {
        const auto prefix = replicate({fewer, fewer, {}, BasisPoints(9500), {}}, 11, run_noisily);
        EXPECT_EQ(target_met(*prefix, settings), false) << fewer;
    }
}

TEST(Replicate, Says_when_the_target_is_out_of_reach) {
    const ReplicationSettings settings{2, 20, BasisPoints(1), BasisPoints(9500), ReplicationMetric::Makespan};
    const auto found = replicate(settings, 11, run_noisily, {3, {}});
    EXPECT_EQ(found->all.size(), 20U);
    EXPECT_EQ(target_met(*found, settings), false);
    // A metric that no run has is never sharp.
    ReplicationSettings no_metric = settings;
    no_metric.metric = ReplicationMetric::LatencyP99;
    EXPECT_EQ(replicate(no_metric, 11, run_noisily)->all.size(), 20U);
    EXPECT_EQ(target_met(*found, {}), std::nullopt);
}

TEST(Replicate, The_first_error_in_order_is_the_one_that_is_told) {
    for (const unsigned jobs : {1U, 4U}) {
        const auto found = replicate({20, 20, {}, BasisPoints(9500), {}}, 1,
                                     [](std::uint32_t replication, std::uint64_t seed) -> Loaded<RunSummary> {
                                         if (replication % 7 == 6) {
                                             InputError error;
                                             error.problem = std::to_string(replication);
                                             return Refusal(error);
                                         }
                                         return noisy_run(seed);
                                     },
                                     {jobs, {}});
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().problem, "6");
    }
}

TEST(Replicate, An_exception_in_a_thread_reaches_the_caller) {
    const auto fail = [](std::uint32_t replication, std::uint64_t seed) -> Loaded<RunSummary> {
        if (replication == 5) {
            throw std::runtime_error("out of luck");
        }
        return noisy_run(seed);
    };
    EXPECT_THROW((void)replicate({20, 20, {}, BasisPoints(9500), {}}, 1, fail, {4, {}}), std::runtime_error);
}

TEST(Replicate, Each_runs_once_with_its_own_seed_and_is_counted) {
    std::mutex mutex;
    std::vector<std::uint32_t> numbers;
    std::vector<std::uint32_t> progress;
    const auto note = [&](std::uint32_t replication, std::uint64_t seed) -> Loaded<RunSummary> {
        EXPECT_EQ(seed, replication_seed(9, replication));
        const std::scoped_lock lock(mutex);
        numbers.push_back(replication);
        return noisy_run(seed);
    };
    ASSERT_TRUE(replicate({30, 30, {}, BasisPoints(9500), {}}, 9, note,
                          {4, [&](std::uint32_t done) { progress.push_back(done); }}));
    std::sort(numbers.begin(), numbers.end());
    ASSERT_EQ(numbers.size(), 30U);
    for (std::uint32_t at = 0; at < 30; ++at) {
        EXPECT_EQ(numbers[at], at);
        EXPECT_EQ(progress[at], at + 1);
    }
}

TEST(Replicate, Estimates_are_of_the_metrics_that_every_replication_has) {
    const auto found = replicate({50, 50, {}, BasisPoints(9500), {}}, 5, run_noisily);
    const auto all = estimates(*found, BasisPoints(9500));
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].metric, ReplicationMetric::Makespan);
    EXPECT_TRUE(all[0].interval.contains(1099.5));
    EXPECT_GE(all[0].least, 1000);
    EXPECT_LE(all[0].greatest, 1199);
    EXPECT_LT(all[0].interval.half_width, 25);

    const auto with_latencies = [](std::uint32_t replication, std::uint64_t seed) -> Loaded<RunSummary> {
        RunSummary summary = noisy_run(seed);
        TenantTotals tenant;
        tenant.rejected = 3;
        if (replication != 4) {
            tenant.latency_ns.add(10);
            tenant.latency_ns.add(21);
        }
        summary.service.emplace();
        summary.service->tenants = {tenant};
        return summary;
    };
    const auto served = replicate({4, 4, {}, BasisPoints(9500), {}}, 5, with_latencies);
    const auto of_service = estimates(*served, BasisPoints(9500));
    ASSERT_EQ(of_service.size(), kMetricCount);
    EXPECT_EQ(of_service[3].interval, (Interval{15.5, 0}));
    EXPECT_EQ(of_service[4].interval, (Interval{10, 0}));
    EXPECT_EQ(of_service[5].interval, (Interval{21, 0}));
    EXPECT_EQ(of_service[6].interval, (Interval{3, 0}));
    // One replication without a latency: no mean over them that would mean the same.
    EXPECT_EQ(
        estimates(*replicate({5, 5, {}, BasisPoints(9500), {}}, 5, with_latencies), BasisPoints(9500)).size(),
        4U);
}

TEST(Replicate, Paired_estimates_see_a_difference_that_drowns_in_the_noise) {
    const auto left = replicate({10, 10, {}, BasisPoints(9500), {}}, 5, run_noisily);
    const auto right = replicate({10, 10, {}, BasisPoints(9500), {}}, 5,
                                 [](std::uint32_t replication, std::uint64_t seed) -> Loaded<RunSummary> {
                                     RunSummary summary = noisy_run(seed);
                                     summary.makespan -= SimTime(2 + replication % 2);
                                     return summary;
                                 });
    const auto paired = paired_estimates(*left, *right, BasisPoints(9500));
    ASSERT_EQ(paired.size(), 3U);
    EXPECT_DOUBLE_EQ(paired[0].interval.mean, 2.5);
    EXPECT_NEAR(paired[0].interval.half_width, 2.262157163 * std::sqrt(2.5 / 9 / 10), 1e-9);
    EXPECT_EQ(paired[0].least, 2);
    EXPECT_EQ(paired[0].greatest, 3);
    EXPECT_EQ(paired[2].interval, (Interval{0, 0}));
    EXPECT_GT(estimates(*left, BasisPoints(9500))[0].interval.half_width, 20);
}

}  // namespace
}  // namespace megabed
