#include "sim/engine/checkpoint.h"
#include "sim/engine/counter_random.h"
#include "sim/statistics/batch_means.h"
#include "sim/statistics/doubling_batches.h"
#include "sim/statistics/running_moments.h"
#include "sim/statistics/time_weighted_mean.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

namespace megabed {
namespace {

template <class Value>
void through_a_checkpoint(const Value& written, Value& read) {
    std::stringstream stream;
    {
        CheckpointWriter writer(stream);
        writer << written;
    }
    CheckpointReader reader(stream);
    reader >> read;
}

TEST(TimeWeightedMean, Is_the_sum_over_every_nanosecond) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        CounterRandom random(seed, 1);
        TimeWeightedMean depth;
        std::int64_t now = 0;
        std::int64_t total = 0;
        std::int64_t start = 0;
        std::int64_t value = 0;
        std::int64_t maximum = 0;
        for (int change = 0; change < 200; ++change) {
            const auto stay = static_cast<std::int64_t>(random.next() % 5);
            for (std::int64_t tick = 0; tick < stay; ++tick) {
                total += value;
                ++now;
            }
            if (change == 100) {
                depth.restart(SimTime(now));
                start = now;
                total = 0;
                maximum = value;
            }
            value = static_cast<std::int64_t>(random.next() % 50);
            maximum = std::max(maximum, value);
            depth.set(SimTime(now), value);
            ASSERT_TRUE(depth.integral(SimTime(now)) == total);
        }
        EXPECT_EQ(depth.maximum(), maximum);
        EXPECT_EQ(depth.start(), SimTime(start));
        EXPECT_DOUBLE_EQ(depth.mean(SimTime(now)),
                         static_cast<double>(total) / static_cast<double>(now - start));
        EXPECT_DOUBLE_EQ(depth.mean(SimTime(now + 7)),
                         static_cast<double>(total + 7 * value) / static_cast<double>(now + 7 - start));
    }
}

TEST(TimeWeightedMean, Over_no_time_is_the_value_and_a_peak_of_no_length_counts_as_maximum) {
    TimeWeightedMean depth(SimTime(5), 3);
    EXPECT_DOUBLE_EQ(depth.mean(SimTime(5)), 3);
    depth.add(SimTime(5), 4);
    depth.add(SimTime(5), -6);
    EXPECT_EQ(depth.maximum(), 7);
    EXPECT_DOUBLE_EQ(depth.mean(SimTime(9)), 1);
}

TEST(TimeWeightedMean, A_restart_keeps_the_value_and_forgets_the_rest) {
    TimeWeightedMean depth;
    depth.set(SimTime(0), 1000);
    depth.set(SimTime(10), 2);
    depth.restart(SimTime(20));
    EXPECT_EQ(depth.maximum(), 2);
    EXPECT_DOUBLE_EQ(depth.mean(SimTime(30)), 2);
}

TEST(TimeWeightedMean, Is_exact_beyond_64_bits) {
    constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
    TimeWeightedMean depth;
    depth.set(SimTime(0), kLargest);
    depth.set(SimTime(kLargest - 1), 1);
    const WideInteger expected = static_cast<WideInteger>(kLargest) * (kLargest - 1) + 1;
    EXPECT_TRUE(depth.integral(SimTime(kLargest)) == expected);
    TimeWeightedMean read;
    through_a_checkpoint(depth, read);
    EXPECT_EQ(read, depth);
    TimeWeightedMean below_zero(SimTime(1), -5);
    below_zero.set(SimTime(9), 0);
    through_a_checkpoint(below_zero, read);
    EXPECT_TRUE(read == below_zero && read.integral(SimTime(9)) == -40);
}

TEST(RunningMoments, Are_those_of_two_passes_over_the_numbers) {
    for (const double offset : {0.0, 1e9, -1e12}) {
        CounterRandom random(7, 2);
        std::vector<double> numbers;
        RunningMoments moments;
        for (int at = 0; at < 1000; ++at) {
            numbers.push_back(offset + static_cast<double>(random.next() % 1000));
            moments.add(numbers.back());
        }
        // The numbers less their offset are small integers, so that the two passes are as good as exact.
        double sum = 0;
        for (const double number : numbers) {
            sum += number - offset;
        }
        double squares = 0;
        for (const double number : numbers) {
            squares += std::pow(number - offset - sum / 1000, 2);
        }
        EXPECT_EQ(moments.count(), 1000U);
        EXPECT_NEAR(moments.mean(), offset + sum / 1000, 1e-3);
        EXPECT_NEAR(moments.variance(), squares / 999, 1e-6 * squares / 999);
        EXPECT_EQ(moments.least(), *std::min_element(numbers.begin(), numbers.end()));
        EXPECT_EQ(moments.greatest(), *std::max_element(numbers.begin(), numbers.end()));
        EXPECT_DOUBLE_EQ(moments.standard_error(), moments.standard_deviation() / std::sqrt(1000.0));
    }
}

TEST(RunningMoments, Merging_is_adding) {
    for (const std::size_t split : {0U, 1U, 30U, 99U, 100U}) {
        CounterRandom random(split, 3);
        RunningMoments whole;
        RunningMoments first;
        RunningMoments second;
        for (std::size_t at = 0; at < 100; ++at) {
            const double number = 1e6 + static_cast<double>(random.next() % 100'000) / 7;
            whole.add(number);
            (at < split ? first : second).add(number);
        }
        first.merge(second);
        EXPECT_EQ(first.count(), whole.count());
        EXPECT_NEAR(first.mean(), whole.mean(), 1e-6);
        EXPECT_NEAR(first.variance(), whole.variance(), 1e-6 * whole.variance());
        EXPECT_EQ(first.least(), whole.least());
        EXPECT_EQ(first.greatest(), whole.greatest());
        RunningMoments read;
        through_a_checkpoint(whole, read);
        EXPECT_EQ(read, whole);
    }
}

TEST(RunningMoments, A_single_number_has_no_spread) {
    RunningMoments moments;
    moments.add(-4);
    EXPECT_EQ(moments.mean(), -4);
    EXPECT_EQ(moments.variance(), 0);
    EXPECT_EQ(moments.greatest(), -4);
}

TEST(DoublingBatches, Are_the_means_of_equal_stretches_of_the_series) {
    for (const std::uint64_t first : {1U, 5U}) {
        DoublingBatches batches(first, 8);
        for (std::uint64_t count = 1; count <= 1000; ++count) {
            batches.add(static_cast<double>(count - 1));
            ASSERT_EQ(batches.count(), count);
            ASSERT_LT(batches.means().size(), 8U);
            ASSERT_EQ(batches.means().size(), count / batches.length());
            if (batches.length() > first) {
                ASSERT_GE(batches.means().size(), 4U);
            }
            for (std::size_t at = 0; at < batches.means().size(); ++at) {
                const auto length = static_cast<double>(batches.length());
                ASSERT_DOUBLE_EQ(batches.means()[at], static_cast<double>(at) * length + (length - 1) / 2);
            }
        }
    }
}

/// First-order autoregression x' = r x + e with e uniform: mean 0, autocorrelation r^lag.
std::vector<double> autoregression(double correlation, std::size_t length, std::uint64_t seed) {
    CounterRandom random(seed, 4);
    const auto uniform = [&] { return static_cast<double>(random.next() >> 11) * 0x1p-53 - 0.5; };
    double value = 0;
    for (int at = 0; at < 200; ++at) {
        value = correlation * value + uniform();
    }
    std::vector<double> series;
    for (std::size_t at = 0; at < length; ++at) {
        series.push_back(value = correlation * value + uniform());
    }
    return series;
}

TEST(Autocorrelation, Of_a_known_process_is_what_it_must_be) {
    const auto series = autoregression(0.8, 100'000, 1);
    EXPECT_DOUBLE_EQ(autocorrelation(series, 0), 1);
    for (const std::size_t lag : {1U, 2U, 5U}) {
        EXPECT_NEAR(autocorrelation(series, lag), std::pow(0.8, static_cast<double>(lag)), 0.02);
    }
    EXPECT_NEAR(autocorrelation(series, 200), 0, 0.05);
    EXPECT_EQ(autocorrelation(std::vector<double>(10, 3.0), 1), 0);
    EXPECT_EQ(autocorrelation(std::vector<double>{1, 2}, 2), 0);
}

TEST(BatchMeans, Cover_the_truth_of_a_correlated_run_where_plain_moments_do_not) {
    constexpr int kRuns = 400;
    int batches_cover = 0;
    int plain_covers = 0;
    for (int run = 0; run < kRuns; ++run) {
        BatchMeans batches;
        RunningMoments plain;
        for (const double value : autoregression(0.9, 4000, 100 + static_cast<std::uint64_t>(run))) {
            batches.add(value);
            plain.add(value);
        }
        batches_cover += batches.interval(BasisPoints(9500))->contains(0) ? 1 : 0;
        plain_covers += confidence_interval(plain, BasisPoints(9500)).contains(0) ? 1 : 0;
    }
    EXPECT_GE(batches_cover, kRuns * 91 / 100);
    EXPECT_LE(batches_cover, kRuns * 98 / 100);
    EXPECT_LE(plain_covers, kRuns * 60 / 100);
}

TEST(BatchMeans, Tell_a_run_that_is_too_short_for_its_correlation) {
    int long_enough = 0;
    int too_short = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        BatchMeans quick;
        for (const double value : autoregression(0.5, 5000, seed)) {
            quick.add(value);
        }
        long_enough += *quick.independent() ? 1 : 0;
        BatchMeans slow;
        for (const double value : autoregression(0.99, 300, seed)) {
            slow.add(value);
        }
        too_short += *slow.independent() ? 0 : 1;
    }
    EXPECT_GE(long_enough, 85);
    EXPECT_GE(too_short, 60);
}

TEST(BatchMeans, Give_no_interval_for_a_handful_and_stay_bounded) {
    BatchMeans batches;
    for (std::size_t count = 1; count <= 10'000; ++count) {
        batches.add(1.5);
        ASSERT_LT(batches.means().size(), BatchMeans::kBatchesMax);
        ASSERT_EQ(batches.interval(BasisPoints(9500)).has_value(), batches.means().size() >= 10);
        if (count >= 32) {
            ASSERT_GE(batches.means().size(), 16U);
        }
    }
    EXPECT_EQ(*batches.interval(BasisPoints(9500)), (Interval{1.5, 0}));
    BatchMeans read;
    through_a_checkpoint(batches, read);
    EXPECT_EQ(read.count(), batches.count());
    read.add(2);
    EXPECT_EQ(read.count(), 10'001U);
}

}  // namespace
}  // namespace megabed
