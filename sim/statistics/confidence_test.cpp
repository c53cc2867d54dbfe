#include "sim/statistics/confidence.h"

#include "sim/engine/counter_random.h"

#include <gtest/gtest.h>
#include <cmath>
#include <vector>

namespace megabed {
namespace {

constexpr BasisPoints kUsual{9500};

/// Numbers of known distributions for experiments.
class Numbers {
public:
    explicit Numbers(std::uint64_t seed) : random_(seed, 6) {}
    /// In (0, 1].
    double uniform() { return (static_cast<double>(random_.next() >> 11) + 1) * 0x1p-53; }
    double exponential() { return -std::log(uniform()); }
    double normal() {
        constexpr double kTurn = 6.283185307179586;
        return std::sqrt(2 * exponential()) * std::cos(kTurn * uniform());
    }

private:
    CounterRandom random_;
};

/// Of 2,000 experiments of `size` numbers each, the percentage whose interval, its half-width multiplied by
/// `factor`, contains the truth.
template <class Draw>
double coverage(std::size_t size, double truth, double factor, std::uint64_t seed, Draw draw) {
    constexpr int kExperiments = 2000;
    Numbers numbers(seed);
    int covered = 0;
    for (int experiment = 0; experiment < kExperiments; ++experiment) {
        RunningMoments moments;
        for (std::size_t at = 0; at < size; ++at) {
            moments.add(draw(numbers));
        }
        Interval interval = confidence_interval(moments, kUsual);
        interval.half_width *= factor;
        covered += interval.contains(truth) ? 1 : 0;
    }
    return 100.0 * covered / kExperiments;
}

const auto kNormal = [](Numbers& numbers) { return 50 + 3 * numbers.normal(); };
const auto kExponential = [](Numbers& numbers) { return numbers.exponential(); };

TEST(StudentT, Is_what_the_tables_say) {
    EXPECT_NEAR(student_t(kUsual, 1), 12.706, 5e-4);
    EXPECT_NEAR(student_t(kUsual, 4), 2.776, 5e-4);
    EXPECT_NEAR(student_t(kUsual, 9), 2.262, 5e-4);
    EXPECT_NEAR(student_t(kUsual, 30), 2.042, 5e-4);
    EXPECT_NEAR(student_t(BasisPoints(9900), 9), 3.250, 5e-4);
    EXPECT_NEAR(student_t(BasisPoints(9000), 4), 2.132, 5e-4);
    EXPECT_NEAR(student_t(kUsual, 100'000'000), 1.95996, 1e-5);
    EXPECT_NEAR(student_t(BasisPoints(9999), 1), 6366.2, 0.1);
}

TEST(StudentT, Has_nine_decimals_and_no_more) {
    const double nanos = student_t(kUsual, 7) * 1e9;
    EXPECT_NEAR(nanos, std::round(nanos), 1e-5);
}

TEST(ConfidenceInterval, Of_a_textbook_sample) {
    // Law, example 4.26: ten observations with mean 1.34 and variance 0.17; 90 % interval 1.34 +- 0.24.
    RunningMoments moments;
    for (const double value : {1.20, 1.50, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.50, 1.09}) {
        moments.add(value);
    }
    const Interval interval = confidence_interval(moments, BasisPoints(9000));
    EXPECT_NEAR(interval.mean, 1.34, 0.005);
    EXPECT_NEAR(moments.variance(), 0.17, 0.01);
    EXPECT_NEAR(interval.half_width, 0.24, 0.005);
}

TEST(ConfidenceInterval, Covers_the_truth_as_often_as_it_says) {
    for (const std::size_t size : {3U, 10U, 30U}) {
        const double percent = coverage(size, 50, 1, 10 + size, kNormal);
        EXPECT_GE(percent, 93) << size;
        EXPECT_LE(percent, 97) << size;
    }
    // The exponential is skewed, so its means need more numbers to look normal.
    const double percent = coverage(100, 1, 1, 20, kExponential);
    EXPECT_GE(percent, 93);
    EXPECT_LE(percent, 97);
}

TEST(ConfidenceInterval, The_coverage_test_sees_a_wrong_quantile) {
    // The normal's 1.96 in place of Student's 4.303 for three numbers, and a one-sided 95 % quantile for
    // thirty.
    EXPECT_LT(coverage(3, 50, 1.95996 / student_t(kUsual, 2), 13, kNormal), 93);
    EXPECT_LT(coverage(30, 50, student_t(BasisPoints(9000), 29) / student_t(kUsual, 29), 40, kNormal), 93);
    EXPECT_GT(coverage(30, 50, student_t(BasisPoints(9900), 29) / student_t(kUsual, 29), 40, kNormal), 97);
}

TEST(PairedDifferences, Drop_the_noise_that_both_sides_share) {
    Numbers numbers(3);
    std::vector<double> left;
    std::vector<double> right;
    for (int at = 0; at < 20; ++at) {
        const double shared = 1000 * numbers.exponential();
        left.push_back(shared + 2 + 0.1 * numbers.normal());
        right.push_back(shared + 0.1 * numbers.normal());
    }
    const Interval paired = confidence_interval(paired_differences(left, right), kUsual);
    EXPECT_NEAR(paired.mean, 2, 0.2);
    EXPECT_LT(paired.half_width, 0.2);
    RunningMoments alone;
    for (const double value : left) {
        alone.add(value);
    }
    EXPECT_GT(confidence_interval(alone, kUsual).half_width, 100);
    EXPECT_EQ(paired_differences(left, left).variance(), 0);
}

TEST(StoppingRule, Stops_at_the_target_between_its_bounds) {
    const StoppingRule rule{5, 100, BasisPoints(100), kUsual};
    RunningMoments moments;
    for (int at = 0; at < 4; ++at) {
        moments.add(10);
        EXPECT_FALSE(is_enough(moments, rule)) << at;
    }
    moments.add(10);
    EXPECT_TRUE(is_enough(moments, rule));
    moments.add(20);
    EXPECT_FALSE(is_enough(moments, rule));
    while (moments.count() < 100) {
        moments.add(moments.count() % 2 == 0 ? 10 : 20);
    }
    EXPECT_FALSE(is_sharp(moments, rule));
    EXPECT_TRUE(is_enough(moments, rule));
}

TEST(StoppingRule, The_half_width_it_stops_at_is_within_the_target) {
    int covered = 0;
    constexpr int kExperiments = 300;
    for (int experiment = 0; experiment < kExperiments; ++experiment) {
        Numbers numbers(1000 + static_cast<std::uint64_t>(experiment));
        const StoppingRule rule{10, 100'000, BasisPoints(1000), kUsual};
        RunningMoments moments;
        do {
            moments.add(numbers.exponential());
        } while (!is_enough(moments, rule));
        const Interval interval = confidence_interval(moments, kUsual);
        ASSERT_LE(interval.half_width, 0.1 * interval.mean);
        ASSERT_LT(moments.count(), 5000U);
        covered += interval.contains(1) ? 1 : 0;
    }
    EXPECT_GE(covered, kExperiments * 90 / 100);
}

TEST(StoppingRule, A_mean_of_zero_is_sharp_only_when_it_is_exact) {
    const StoppingRule rule{2, 10, BasisPoints(100), kUsual};
    RunningMoments moments;
    moments.add(0);
    EXPECT_FALSE(is_sharp(moments, rule));
    moments.add(0);
    EXPECT_TRUE(is_sharp(moments, rule));
    RunningMoments apart;
    apart.add(-1);
    apart.add(1);
    EXPECT_FALSE(is_sharp(apart, rule));
}

}  // namespace
}  // namespace megabed
