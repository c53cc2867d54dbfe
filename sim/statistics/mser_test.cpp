#include "sim/statistics/mser.h"

#include "sim/engine/checkpoint.h"
#include "sim/engine/counter_random.h"

#include <gtest/gtest.h>
#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

namespace megabed {
namespace {

/// The definition as it stands in the literature: batch means, then for every cut the mean and the squares
/// anew.
Truncation transcription(const std::vector<double>& series, std::size_t batch) {
    std::vector<double> means;
    for (std::size_t at = 0; at + batch <= series.size(); at += batch) {
        double sum = 0;
        for (std::size_t inside = 0; inside < batch; ++inside) {
            sum += series[at + inside];
        }
        means.push_back(sum / static_cast<double>(batch));
    }
    Truncation best;
    best.statistic = std::numeric_limits<double>::infinity();
    std::size_t best_cut = 0;
    for (std::size_t cut = 0; cut + 5 <= means.size(); ++cut) {
        const auto left = static_cast<double>(means.size() - cut);
        double mean = 0;
        for (std::size_t at = cut; at < means.size(); ++at) {
            mean += means[at] / left;
        }
        double squares = 0;
        for (std::size_t at = cut; at < means.size(); ++at) {
            squares += (means[at] - mean) * (means[at] - mean);
        }
        if (squares / (left * left) < best.statistic) {
            best.statistic = squares / (left * left);
            best.mean = mean;
            best_cut = cut;
        }
    }
    best.leave_out = best_cut * batch;
    best.sufficient = means.size() >= 10 && 2 * best_cut <= means.size();
    return best;
}

/// Noise with first-order correlation around `level`, and a start that is `height` off and decays like
/// exp(-t / decay).
std::vector<double> series_with_transient(std::size_t length, double height, double decay, double correlation,
                                          std::uint64_t seed) {
    CounterRandom random(seed, 5);
    const double level = 100;
    double noise = 0;
    std::vector<double> series;
    for (std::size_t at = 0; at < length; ++at) {
        noise = correlation * noise + static_cast<double>(random.next() >> 11) * 0x1p-53 - 0.5;
        series.push_back(level + noise + height * std::exp(-static_cast<double>(at) / decay));
    }
    return series;
}

TEST(Mser, Cuts_where_the_transcription_of_its_definition_does) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const auto length = static_cast<std::size_t>(25 + 17 * seed);
        const auto series =
            series_with_transient(length, static_cast<double>(seed % 7) * 4 - 8, 5 + static_cast<double>(seed),
                                  seed % 3 == 0 ? 0.9 : 0.2, seed);
        for (const std::size_t batch : {1U, 5U, 8U}) {
            if (series.size() / batch < kMserTail) {
                continue;
            }
            const Truncation expected = transcription(series, batch);
            const Truncation found = mser(series, batch);
            EXPECT_EQ(found.leave_out, expected.leave_out) << "seed " << seed << ", batch " << batch;
            EXPECT_EQ(found.sufficient, expected.sufficient);
            EXPECT_NEAR(found.mean, expected.mean, 1e-9);
            EXPECT_NEAR(found.statistic, expected.statistic, 1e-9 * expected.statistic);
        }
    }
}

TEST(Mser, Leaves_out_a_decay_and_finds_the_level) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const auto series = series_with_transient(5000, 50, 100, 0.5, seed);
        const Truncation found = mser(series);
        EXPECT_TRUE(found.sufficient);
        // After three time constants 2.5 are left of the 50, after ten nothing that the noise would show.
        EXPECT_GE(found.leave_out, 300U);
        EXPECT_LE(found.leave_out, 1000U);
        EXPECT_NEAR(found.mean, 100, 0.15);
    }
}

TEST(Mser, Leaves_little_out_of_a_series_that_is_stationary_from_the_start) {
    double share = 0;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const Truncation found = mser(series_with_transient(5000, 0, 1, 0.5, seed));
        share += static_cast<double>(found.leave_out) / 5000 / 50;
    }
    EXPECT_LE(share, 0.15);
}

TEST(Mser, Says_when_the_series_is_too_short) {
    // A ramp never settles: the least is always at the end.
    std::vector<double> ramp(1000);
    for (std::size_t at = 0; at < ramp.size(); ++at) {
        ramp[at] = static_cast<double>(at);
    }
    EXPECT_FALSE(mser(ramp).sufficient);
    EXPECT_FALSE(mser(series_with_transient(300, 500, 400, 0, 1)).sufficient);
    EXPECT_FALSE(mser({}).sufficient);
    EXPECT_FALSE(mser(std::vector<double>(49, 1.0)).sufficient);
    EXPECT_TRUE(mser(std::vector<double>(50, 1.0)).sufficient);
    EXPECT_EQ(mser(std::vector<double>(24, 1.0)).leave_out, 0U);
}

TEST(Mser, A_constant_series_keeps_everything) {
    const Truncation found = mser(std::vector<double>(500, 7.0));
    EXPECT_EQ(found.leave_out, 0U);
    EXPECT_EQ(found.mean, 7);
    EXPECT_TRUE(found.sufficient);
}

TEST(Mser, Numbers_that_fill_no_batch_are_not_looked_at) {
    auto series = series_with_transient(500, 20, 30, 0.5, 9);
    const Truncation before = mser(series);
    series.insert(series.end(), 4, 1e9);
    EXPECT_EQ(mser(series).leave_out, before.leave_out);
    EXPECT_EQ(mser(series).mean, before.mean);
}

TEST(StreamingMser, Is_mser_of_the_batch_length_that_it_reached) {
    const auto series = series_with_transient(9000, 50, 300, 0.5, 4);
    StreamingMser stream(64);
    std::vector<double> so_far;
    for (const double value : series) {
        stream.add(value);
        so_far.push_back(value);
        if (so_far.size() % 613 == 0 || so_far.size() == series.size()) {
            const Truncation expected = mser(so_far, static_cast<std::size_t>(stream.batch_length()));
            const Truncation found = stream.truncation();
            ASSERT_EQ(found.leave_out, expected.leave_out) << so_far.size();
            ASSERT_EQ(found.sufficient, expected.sufficient);
            ASSERT_NEAR(found.mean, expected.mean, 1e-9);
        }
    }
    EXPECT_EQ(stream.batch_length(), 160U);
    EXPECT_EQ(stream.count(), 9000U);

    std::stringstream text;
    {
        CheckpointWriter writer(text);
        writer << stream;
    }
    StreamingMser read;
    CheckpointReader reader(text);
    reader >> read;
    EXPECT_EQ(read.truncation().leave_out, stream.truncation().leave_out);
}

TEST(StreamingMser, Starts_as_mser_5) {
    const auto series = series_with_transient(2000, 50, 100, 0.5, 6);
    StreamingMser stream;
    for (const double value : series) {
        stream.add(value);
    }
    EXPECT_EQ(stream.truncation().leave_out, mser(series).leave_out);
}

}  // namespace
}  // namespace megabed
