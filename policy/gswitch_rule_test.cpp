#include "policy/gswitch_rule.h"
#include "policy/testing/traversal_traces.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace megabed {
namespace {

/// select_dir_idem leaf by leaf.
bool gswitch_tree(const std::array<double, 8>& v) {
    const auto within = [&v](std::size_t at, double most) { return v[at] <= most * (1 + 1e-13); };
    if (within(1, 4.87)) {
        if (within(1, 2.26)) {
            if (within(1, 1.12)) {
                return within(0, 39188.04);
            }
            if (within(2, 0.83)) {
                return true;
            }
            return within(0, 2.35);
        }
        if (within(6, 5.7)) {
            if (within(5, 1879.53)) {
                return within(4, 82.27);
            }
            return within(4, 3749.41);
        }
        if (within(7, 1.0)) {
            return within(2, 0.89);
        }
        return within(1, 4.29);
    }
    if (within(7, 1.0)) {
        if (within(2, 0.61)) {
            return within(0, 13.13);
        }
        return within(0, 126.08);
    }
    if (within(1, 19.57)) {
        if (within(3, 25.21)) {
            return !within(5, 3477.37);
        }
        return within(5, 1651.31);
    }
    return within(5, 986.02);
}

std::string gswitch_as_in_its_source(const Trace& trace, const GswitchParameters& rule) {
    std::string directions;
    bool fused = false;
    std::uint32_t idle = 0;
    double growing_rate = 0;
    double push_workload = 0;
    double mean = 0;
    for (std::size_t level = 0; level < trace.levels.size(); ++level) {
        const Level& now = trace.levels[level];
        const double push = static_cast<double>(now.arcs);
        const double inactive = trace.vertices - now.visited;
        const double pull = inactive == 0 ? 0 : static_cast<double>(now.unexplored);
        // inspect
        growing_rate = push_workload;
        push_workload = 0;
        if (!fused) {
            growing_rate = level == 0 ? 0 : push / growing_rate;
            push_workload = push;
        }
        // select
        if (!fused) {
            if ((push + static_cast<double>(now.unexplored)) / trace.arcs < rule.fuse_ratio_ppm / 1e6) {
                fused = true;
            }
            if (growing_rate > rule.growth_reset) {
                idle = 0;
            }
            if (idle >= rule.idle_levels) {
                fused = true;
                idle = 0;
            }
        }
        if (fused) {
            directions += 'f';
        } else {
            const double active = now.frontier;
            const double mean_active = push / active;
            const double mean_inactive = inactive == 0 ? 0 : pull / inactive;
            const double by_mean = push / (mean_active + 0.1);
            const double inactive_by_mean = pull / (mean_inactive + 0.1);
            const double means = mean_inactive / (mean_active + 0.1);
            bool pulls = gswitch_tree({inactive / (active + 0.1), pull / (push + 0.1), means, means, by_mean,
                                       inactive_by_mean, by_mean, inactive_by_mean});
            if (push * rule.push_advantage < static_cast<double>(now.unexplored)) {
                pulls = false;
            }
            const double work = pulls ? static_cast<double>(now.unexplored) : push;
            idle = work < rule.idle_arcs ? idle + 1 : 0;
            const bool bitmap = active / trace.vertices > rule.bitmap_ratio_ppm / 1e6;
            directions += pulls ? 'd' : bitmap ? 'h' : 's';
        }
        // expand: the level's time, for which its arcs stand
        if (mean > 0 && push > rule.unfuse_growth * mean * (1 + 1e-13)) {
            fused = false;
        }
        mean = (mean * static_cast<double>(level) + push) / static_cast<double>(level + 1);
    }
    return directions;
}

TEST(GswitchRule, Is_a_bitmap_above_six_hundredths) {
    EXPECT_EQ(run("gswitch", trace_of(100'000, 1'000'000, {{5999, 20'000}})), "s");
    EXPECT_EQ(run("gswitch", trace_of(100'000, 1'000'000, {{6000, 20'000}})), "s");
    EXPECT_EQ(run("gswitch", trace_of(100'000, 1'000'000, {{6001, 20'000}})), "h");
}

TEST(GswitchRule, Pushes_when_pulling_costs_more_than_five_times_as_much) {
    LaunchPolicyParameters parameters;
    EXPECT_EQ(run("gswitch", trace_of(100'000, 1'000'000, {{50, 166'666}})), "s");
    EXPECT_EQ(run("gswitch", trace_of(1000, 6000, {{50, 1000}})), "s");
    EXPECT_EQ(run("gswitch", trace_of(1000, 6000, {{50, 3000}})), "d");
    // 2 x 1000 against 3000: below, the tree would pull.
    const Trace threefold = trace_of(1000, 4000, {{50, 1000}});
    EXPECT_EQ(run("gswitch", threefold), "d");
    parameters.field.gswitch.push_advantage = 3;
    EXPECT_EQ(run("gswitch", threefold, parameters), "d");
    parameters.field.gswitch.push_advantage = 2;
    EXPECT_EQ(run("gswitch", threefold, parameters), "s");
}

TEST(GswitchRule, Fuses_when_less_than_a_thousandth_of_the_arcs_is_left) {
    const auto last = [](std::uint64_t left) {
        return run("gswitch", trace_of(100'000, 1'000'000, {{1, 1'000'000 - left}, {10, left}})).back();
    };
    EXPECT_EQ(last(999), 'f');
    EXPECT_NE(last(1000), 'f');
    EXPECT_NE(last(1001), 'f');
}

TEST(GswitchRule, Fuses_after_three_idle_levels_unless_the_frontier_more_than_doubles) {
    const std::uint32_t many = 100'000'000;
    EXPECT_EQ(run("gswitch", trace_of(100'000, many, {{1, 3071}, {1, 3071}, {1, 3071}, {1, 3071}})), "sssf");
    EXPECT_EQ(run("gswitch", trace_of(100'000, many, {{1, 3071}, {1, 3072}, {1, 3071}, {1, 3071}, {1, 1}})),
              "sssss");
    EXPECT_EQ(run("gswitch", trace_of(100'000, many, {{1, 10}, {1, 10}, {1, 10}, {1, 20}})), "sssf");
    EXPECT_EQ(run("gswitch",
                  trace_of(100'000, many, {{1, 10}, {1, 10}, {1, 10}, {1, 21}, {1, 21}, {1, 21}, {1, 21}})),
              "ssssssf");
}

TEST(GswitchRule, Ends_fusing_after_a_level_above_five_times_the_mean_before_it) {
    const std::uint32_t many = 100'000'000;
    const auto after = [&](std::uint64_t level) {
        return run("gswitch", trace_of(100'000, many, {{1, 10}, {1, 10}, {1, 10}, {1, level}, {1, 10}}));
    };
    EXPECT_EQ(after(20), "sssff");
    EXPECT_EQ(run("gswitch", trace_of(100'000, many, {{1, 10}, {1, 10}, {1, 10}, {1, 10}, {1, 50}, {1, 9}})),
              "sssfff");
    EXPECT_EQ(run("gswitch", trace_of(100'000, many, {{1, 10}, {1, 10}, {1, 10}, {1, 10}, {1, 51}, {1, 9}})),
              "sssffs");
}

TEST(GswitchRule, Its_count_of_idle_levels_does_not_wrap) {
    LaunchPolicyParameters parameters;
    parameters.field.gswitch.idle_levels = 1000;
    parameters.field.gswitch.fuse_ratio_ppm = 0;
    EXPECT_EQ(run("gswitch", path(), parameters).find('f'), std::string::npos);
    parameters.field.gswitch.idle_levels = 255;
    EXPECT_EQ(run("gswitch", path(), parameters).find('f'), 255U);
}

TEST(GswitchRule, Goes_as_worked_out_by_hand) {
    EXPECT_EQ(run("gswitch", path()), std::string(3, 's') + std::string(997, 'f'));
    // 40 and 30,000 against 899,960 and 869,960: push; 620,000 against 249,960 and 240,000 against 9960 with
    // few vertices inactive for each active one: pull; the rest is 11,982 arcs, above a thousandth, then 7982.
    EXPECT_EQ(run("gswitch", kScaleFree).substr(0, 4), "ssdd");
}

TEST(GswitchRule, Its_tree_is_the_sources_on_any_features) {
    TraceSource source(5);
    using Ratio = field::Gswitch::Ratio;
    std::array<int, 2> answers{};
    for (int round = 0; round < 100'000; ++round) {
        std::array<double, 8> features{};
        std::array<Ratio, 8> ratios{};
        for (std::size_t at = 0; at < features.size(); ++at) {
            const std::uint64_t hundredths = source.magnitude(at == 1 ? 3000 : 50'000'000);
            features[at] = static_cast<double>(hundredths) / 100;
            ratios[at] = {hundredths, 100};
        }
        const bool pulls = field::Gswitch::tree_pulls(
            {ratios[0], ratios[1], ratios[2], ratios[3], ratios[4], ratios[5], ratios[6], ratios[7]});
        ASSERT_EQ(pulls, gswitch_tree(features)) << round;
        ++answers[pulls ? 1 : 0];
    }
    EXPECT_GT(std::min(answers[0], answers[1]), 1000);
}

TEST(GswitchRule, Is_its_source_on_any_traversal) {
    TraceSource source(4);
    std::string seen;
    for (int round = 0; round < 4000; ++round) {
        const Trace trace = source.next();
        LaunchPolicyParameters parameters;
        GswitchParameters& rule = parameters.field.gswitch;
        if (round % 2 == 0) {
            rule = {static_cast<std::uint32_t>(source.magnitude(1'000'000)),
                    static_cast<std::uint32_t>(source.magnitude(100'000)),
                    static_cast<std::uint32_t>(1 + source.below(5)),
                    static_cast<std::uint32_t>(source.magnitude(100'000)),
                    static_cast<std::uint32_t>(1 + source.below(4)),
                    static_cast<std::uint32_t>(source.below(20)),
                    static_cast<std::uint32_t>(1 + source.below(8))};
        }
        const std::string decided = run("gswitch", trace, parameters);
        ASSERT_EQ(decided, gswitch_as_in_its_source(trace, rule)) << round;
        seen += decided;
    }
    for (const char topology : {'s', 'h', 'd', 'f'}) {
        EXPECT_GT(std::count(seen.begin(), seen.end(), topology), 1000) << topology;
    }
}

}  // namespace
}  // namespace megabed
