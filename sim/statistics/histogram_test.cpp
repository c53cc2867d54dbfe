#include "sim/statistics/histogram.h"

#include "sim/engine/checkpoint.h"
#include "sim/engine/counter_random.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>
#include <vector>

namespace megabed {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

/// Values of every magnitude up to 2^bits, and many equal ones.
std::vector<std::int64_t> values_of_all_magnitudes(std::uint64_t seed, std::size_t count, unsigned bits) {
    CounterRandom random(seed, 0);
    std::vector<std::int64_t> values;
    while (values.size() < count) {
        const auto shift = static_cast<unsigned>(64 - bits + random.next() % bits);
        const auto value = static_cast<std::int64_t>(random.next() >> shift);
        values.insert(values.end(), 1 + random.next() % 3, value);
    }
    values.resize(count);
    return values;
}

/// The value of rank ceil(numerator * count / denominator), at least the first.
std::int64_t sorted_quantile(const std::vector<std::int64_t>& sorted, std::size_t numerator,
                             std::size_t denominator) {
    const std::size_t rank = (numerator * sorted.size() + denominator - 1) / denominator;
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

TEST(Histogram, Quantiles_are_never_too_low_and_at_most_a_128th_too_high) {
    for (const unsigned bits : {3U, 8U, 9U, 16U, 33U, 63U}) {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            auto values = values_of_all_magnitudes(seed, 1 + 37 * seed, bits);
            Histogram histogram;
            for (const std::int64_t value : values) {
                histogram.add(value);
            }
            std::sort(values.begin(), values.end());
            for (std::size_t permille = 0; permille <= 1000; permille += permille < 990 ? 5 : 1) {
                const std::int64_t truth = sorted_quantile(values, permille, 1000);
                const std::int64_t answer = histogram.quantile(static_cast<double>(permille) / 1000);
                ASSERT_GE(answer, truth) << bits << " bits, seed " << seed << ", quantile " << permille;
                ASSERT_LE(answer - truth, truth / 128) << bits << " bits, seed " << seed << ", " << permille;
            }
        }
    }
}

TEST(Histogram, Every_bucket_ends_where_the_next_begins) {
    // At and around each power of two and each bucket's edge the error must stay within the bound.
    for (unsigned bit = 0; bit < 63; ++bit) {
        for (const std::int64_t step : {0, 1, 2, 3, 63, 64, 127}) {
            const std::int64_t edge = (std::int64_t{1} << bit) + (step << (bit > 7 ? bit - 7 : 0));
            for (const std::int64_t value : {edge - 1, edge, edge + 1}) {
                Histogram histogram;
                histogram.add(value);
                histogram.add(kLargest);
                const std::int64_t answer = histogram.quantile(0.5);
                ASSERT_GE(answer, value);
                ASSERT_LE(answer - value, value / 128) << value;
            }
        }
    }
}

TEST(Histogram, A_share_means_the_decimal_it_is_written_as) {
    // 0.07 * 100, 0.14 * 100 and 0.55 * 100 lie above 7, 14 and 55 in binary.
    Histogram histogram;
    for (std::int64_t value = 1; value <= 100; ++value) {
        histogram.add(value);
    }
    for (std::int64_t percent = 1; percent <= 100; ++percent) {
        EXPECT_EQ(histogram.quantile(static_cast<double>(percent) / 100), percent);
    }
    EXPECT_EQ(histogram.quantile(0), 1);
}

TEST(Histogram, Merging_is_adding_in_any_order) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Histogram whole;
        Histogram first;
        Histogram second;
        std::size_t at = 0;
        for (const std::int64_t value : values_of_all_magnitudes(seed, 100, seed % 2 == 0 ? 62 : 12)) {
            whole.add(value);
            (at++ % 3 == 0 ? first : second).add(value);
        }
        Histogram forwards = first;
        forwards.merge(second);
        Histogram backwards = second;
        backwards.merge(first);
        EXPECT_EQ(forwards, whole);
        EXPECT_EQ(backwards, whole);
        EXPECT_EQ(forwards.mean(), whole.mean());
    }
}

TEST(Histogram, Merging_nothing_changes_nothing) {
    Histogram histogram;
    histogram.merge(Histogram());
    EXPECT_EQ(histogram, Histogram());
    histogram.add(5);
    const Histogram before = histogram;
    histogram.merge(Histogram());
    EXPECT_EQ(histogram, before);
    Histogram empty;
    empty.merge(before);
    EXPECT_EQ(empty, before);
    EXPECT_EQ(empty.least(), 5);
}

TEST(Histogram, Extremes_and_mean_are_exact) {
    Histogram histogram;
    histogram.add(0);
    EXPECT_EQ(histogram.quantile(1), 0);
    histogram.add(kLargest, 3);
    EXPECT_EQ(histogram.count(), 4U);
    EXPECT_EQ(histogram.least(), 0);
    EXPECT_EQ(histogram.greatest(), kLargest);
    EXPECT_EQ(histogram.quantile(1), kLargest);
    EXPECT_EQ(histogram.quantile(0.26), kLargest);
    EXPECT_EQ(histogram.quantile(0.25), 0);
    EXPECT_DOUBLE_EQ(histogram.mean(), 0.75 * static_cast<double>(kLargest));
}

TEST(Histogram, Adding_many_times_is_adding_that_often) {
    Histogram at_once;
    Histogram one_by_one;
    at_once.add(777, 40);
    at_once.add(123'456'789, 0);
    for (int time = 0; time < 40; ++time) {
        one_by_one.add(777);
    }
    EXPECT_EQ(at_once, one_by_one);
}

TEST(Histogram, Counts_beyond_what_a_double_holds_are_exact) {
    constexpr std::uint64_t kMany = (std::uint64_t{1} << 60) + 1;
    Histogram histogram;
    histogram.add(1, kMany);
    histogram.add(200, kMany);
    EXPECT_EQ(histogram.quantile(0.5), 1);
    EXPECT_EQ(histogram.quantile(0.500000001), 200);
    EXPECT_EQ(histogram.quantile(1), 200);
    EXPECT_DOUBLE_EQ(histogram.mean(), 100.5);
}

TEST(Histogram, Adding_what_was_counted_elsewhere_is_adding_the_values) {
    Histogram expected;
    std::vector<std::uint64_t> counts(5000);
    std::uint64_t sum = 0;
    const std::vector<std::int64_t> values{0, 3, 255, 256, 1000, 1000, 123'456'789, 77'777};
    expected.add(5);
    Histogram counted = expected;
    for (const std::int64_t value : values) {
        expected.add(value);
        ++counts[Histogram::bucket_of(static_cast<std::uint64_t>(value))];
        sum += static_cast<std::uint64_t>(value);
    }
    counted.add_counted(counts, sum, 0, 123'456'789);
    EXPECT_EQ(counted, expected);
}

TEST(Histogram, Comes_back_from_a_checkpoint) {
    Histogram written;
    for (const std::int64_t value : values_of_all_magnitudes(3, 100, 63)) {
        written.add(value);
    }
    std::stringstream stream;
    {
        CheckpointWriter writer(stream);
        writer << written;
    }
    Histogram read;
    read.add(9);
    CheckpointReader reader(stream);
    reader >> read;
    EXPECT_EQ(read, written);
}

}  // namespace
}  // namespace megabed
