#include "policy/testing/traversal_traces.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <string>
#include <vector>

// Each rule against its source, told a second time the way the source tells it: as the loop of a whole
// traversal, in floating point.
namespace megabed {
namespace {

// ---- GAP ----

std::string gap_as_in_its_source(const Trace& trace, std::int64_t alpha, std::int64_t beta) {
    const auto frontier = [&](std::size_t level) -> std::int64_t {
        return level < trace.levels.size() ? trace.levels[level].frontier : 0;
    };
    const auto out_arcs = [&](std::size_t level) -> std::int64_t {
        return level < trace.levels.size() ? static_cast<std::int64_t>(trace.levels[level].arcs) : 0;
    };
    std::string directions;
    std::size_t level = 0;
    std::int64_t edges_to_check = trace.arcs;
    std::int64_t scout_count = out_arcs(0);
    while (frontier(level) > 0) {
        if (scout_count > edges_to_check / alpha) {
            std::int64_t awake = frontier(level);
            std::int64_t old_awake = 0;
            do {
                old_awake = awake;
                directions += 'd';
                awake = frontier(++level);
            } while (awake > 0 && (awake >= old_awake || awake > trace.vertices / beta));
            scout_count = 1;
        } else {
            edges_to_check -= scout_count;
            directions += 's';
            scout_count = out_arcs(++level);
        }
    }
    return directions;
}

TEST(GapRule, Pulls_from_just_above_a_fifteenth_of_the_unchecked_arcs) {
    // 1500 arcs: 100 are a fifteenth.
    EXPECT_EQ(run("gap", trace_of(1000, 1500, {{1, 99}})), "s");
    EXPECT_EQ(run("gap", trace_of(1000, 1500, {{1, 100}})), "s");
    EXPECT_EQ(run("gap", trace_of(1000, 1500, {{1, 101}})), "d");
    // The division rounds down: a fifteenth of 1514 is 100.9.
    EXPECT_EQ(run("gap", trace_of(1000, 1514, {{1, 101}})), "d");
    // A pushed frontier leaves the unchecked arcs, a pulled one does not: 1500 - 75 = 1425 = 15 x 95.
    EXPECT_EQ(run("gap", trace_of(1000, 1500, {{1, 75}, {2, 95}})), "ss");
    EXPECT_EQ(run("gap", trace_of(1000, 1500, {{1, 75}, {2, 96}})), "sd");
}

TEST(GapRule, Keeps_pulling_while_the_frontier_grows_or_is_above_an_eighteenth) {
    const auto after_pull = [](std::uint32_t frontier) {
        return run("gap", trace_of(1800, 15'000, {{50, 1001}, {200, 100}, {frontier, 100}}));
    };
    EXPECT_EQ(after_pull(200), "ddd");  // as large as before
    EXPECT_EQ(after_pull(199), "ddd");  // smaller but above 100
    EXPECT_EQ(after_pull(101), "ddd");
    EXPECT_EQ(after_pull(100), "dds");
    EXPECT_EQ(run("gap", trace_of(1800, 15'000, {{50, 1001}, {49, 100}})), "ds");
    EXPECT_EQ(run("gap", trace_of(1800, 15'000, {{50, 1001}, {50, 100}})), "dd");
}

TEST(GapRule, Does_not_count_the_first_frontier_after_a_pull) {
    // 14,000 arcs leave the third frontier, which the source takes for 1.
    EXPECT_EQ(run("gap", trace_of(1800, 30'000, {{50, 2001}, {40, 14'000}, {39, 1999}, {38, 2000}})), "dssd");
}

TEST(GapRule, Goes_as_worked_out_by_hand) {
    EXPECT_EQ(run("gap", kStarFromHub), "dd");
    EXPECT_EQ(run("gap", kStarFromLeaf), "sdd");
    // 2 > (1998 - 1 - 2 k) / 15 first holds at k = 984: level 985.
    const std::string along = run("gap", path());
    EXPECT_EQ(along.find('d'), 985U);
    // 40 of 900,000; 30,000 of 899,960 / 15 = 59,997; 620,000 of 869,960 / 15; 26,000 grew; 1500 and below
    // shrank.
    EXPECT_EQ(run("gap", kScaleFree), "ssddss");
}

TEST(GapRule, Is_its_source_on_any_traversal) {
    TraceSource source(1);
    for (int round = 0; round < 4000; ++round) {
        const Trace trace = source.next();
        LaunchPolicyParameters parameters;
        if (round % 2 == 0) {
            parameters.field.gap = {static_cast<std::uint32_t>(1 + source.below(40)),
                                    static_cast<std::uint32_t>(1 + source.below(40))};
        }
        const GapParameters& rule = parameters.field.gap;
        ASSERT_EQ(run("gap", trace, parameters), gap_as_in_its_source(trace, rule.alpha, rule.beta)) << round;
    }
}

// ---- cuGraph ----

std::string cugraph_as_in_its_source(const Trace& trace, double divisor, std::uint64_t beta) {
    const double alpha =
        (static_cast<double>(trace.arcs) / static_cast<double>(trace.vertices)) * (1.0 / divisor);
    std::string directions;
    bool top_down = true;
    for (std::size_t level = 0; level < trace.levels.size(); ++level) {
        directions += top_down ? 'h' : 'd';
        if (level + 1 == trace.levels.size()) {
            break;
        }
        const Level& now = trace.levels[level];
        const Level& next = trace.levels[level + 1];
        if (top_down) {
            const double m_f = static_cast<double>(next.arcs);
            const double m_u = static_cast<double>(next.unexplored);
            if (m_f * alpha > m_u && next.frontier >= now.frontier) {
                top_down = false;
            }
        } else if (next.frontier * beta < next.with_arcs && next.frontier < now.frontier) {
            top_down = true;
        }
    }
    return directions;
}

TEST(CugraphRule, Pulls_when_the_weighed_arcs_exceed_the_unexplored_ones) {
    // Mean degree 15: alpha is 4. The second frontier's arcs x 4 against what is left of 15,000 - 100.
    const auto second = [](std::uint64_t arcs) {
        return run("cugraph", trace_of(1000, 15'000, {{10, 100}, {10, arcs}}));
    };
    EXPECT_EQ(second(2979), "hh");
    EXPECT_EQ(second(2980), "hh");  // 11,920 = 14,900 - 2980
    EXPECT_EQ(second(2981), "hd");
    EXPECT_EQ(run("cugraph", trace_of(1000, 15'000, {{10, 100}, {9, 9000}})), "hh");  // it shrinks
    EXPECT_EQ(run("cugraph", trace_of(1000, 15'000, {{10, 15'000}, {9, 0}})), "hh");  // the first is not tested
}

TEST(CugraphRule, Pushes_again_when_few_are_left_in_a_shrinking_frontier) {
    const auto third = [](std::uint32_t frontier, std::uint32_t unvisited) {
        Trace trace = trace_of(1000, 15'000, {{10, 100}, {20, 9000}, {frontier, 10}});
        trace.levels.back().with_arcs = unvisited;
        return run("cugraph", trace);
    };
    EXPECT_EQ(third(19, 19 * 24), "hdd");
    EXPECT_EQ(third(19, 19 * 24 + 1), "hdh");
    EXPECT_EQ(third(20, 960), "hdd");  // it does not shrink
}

TEST(CugraphRule, Goes_as_worked_out_by_hand) {
    EXPECT_EQ(run("cugraph", kStarFromHub), "hd");
    EXPECT_EQ(run("cugraph", kStarFromLeaf), "hhd");  // 100 x 0.528 against 99
    // Mean degree 13.7, alpha 3.66: 30,000 -> 109,863 of 869,960; 620,000 of 249,960; then stays large; 1500 x
    // 24 is above the 25,997 unvisited, 20 x 24 is not.
    EXPECT_EQ(run("cugraph", kScaleFree), "hhdddh");
}

TEST(CugraphRule, Is_its_source_on_any_traversal) {
    TraceSource source(2);
    for (int round = 0; round < 4000; ++round) {
        const Trace trace = source.next();
        LaunchPolicyParameters parameters;
        if (round % 2 == 0) {
            parameters.field.cugraph = {static_cast<std::uint32_t>(1 + source.below(2000)),
                                        static_cast<std::uint32_t>(source.below(60))};
        }
        const CugraphParameters& rule = parameters.field.cugraph;
        ASSERT_EQ(run("cugraph", trace, parameters),
                  cugraph_as_in_its_source(trace, rule.alpha_divisor_hundredths / 100.0, rule.beta))
            << round;
    }
}

// ---- Gunrock ----

std::string gunrock_as_in_its_source(const Trace& trace, double do_a, double do_b) {
    std::string directions;
    bool previous_backward = false;
    bool been_in_backward = false;
    double visited = 0;
    for (std::size_t level = 0; level < trace.levels.size(); ++level) {
        const double queue = trace.levels[level].frontier;
        visited += queue;
        const double unvisited = trace.vertices - visited;
        const double backward = unvisited * trace.vertices / visited;
        const double forward = queue * trace.arcs / trace.vertices;
        bool vote = false;
        if (!previous_backward) {
            vote = forward > backward * do_a && !been_in_backward;
        } else {
            been_in_backward = true;
            vote = forward > backward * do_b;
        }
        if (level == 0) {
            vote = false;
        }
        directions += vote ? 'd' : 'h';
        previous_backward = vote;
    }
    return directions;
}

TEST(GunrockRule, Pulls_once_when_forward_visits_exceed_a_thousandth_of_the_backward_ones) {
    // 1000 vertices, 10 visited: 990 x 1000 / 10 = 99,000 backward. With 11 arcs a vertex, 9 give 99 forward.
    EXPECT_EQ(run("gunrock", trace_of(1000, 11'000, {{1, 1}, {9, 9}})), "hh");
    EXPECT_EQ(run("gunrock", trace_of(1000, 11'001, {{1, 1}, {9, 9}})), "hd");
    EXPECT_EQ(run("gunrock", trace_of(1000, 10'999, {{1, 1}, {9, 9}})), "hh");
    // 500 visited: 1000 backward, a fifth is 200; 100 x 2 forward.
    EXPECT_EQ(run("gunrock", trace_of(1000, 2000, {{1, 1}, {399, 9}, {100, 9}})), "hdh");
    EXPECT_EQ(run("gunrock", trace_of(1000, 2001, {{1, 1}, {399, 9}, {100, 9}})), "hdd");
    // Once back, never again.
    EXPECT_EQ(run("gunrock", trace_of(1000, 2000, {{1, 1}, {399, 9}, {100, 9}, {500, 9}})), "hdhh");
}

TEST(GunrockRule, Goes_as_worked_out_by_hand) {
    EXPECT_EQ(run("gunrock", kStarFromHub), "hd");
    EXPECT_EQ(run("gunrock", kStarFromLeaf), "hhd");
    EXPECT_EQ(run("gunrock", kScaleFree), "hhdddh");
}

TEST(GunrockRule, Is_its_source_on_any_traversal) {
    TraceSource source(3);
    for (int round = 0; round < 4000; ++round) {
        const Trace trace = source.next();
        LaunchPolicyParameters parameters;
        if (round % 2 == 0) {
            parameters.field.gunrock = {static_cast<std::uint32_t>(source.magnitude(1'000'000)),
                                        static_cast<std::uint32_t>(source.magnitude(3'000'000))};
        }
        const GunrockParameters& rule = parameters.field.gunrock;
        ASSERT_EQ(run("gunrock", trace, parameters),
                  gunrock_as_in_its_source(trace, rule.do_a_ppm / 1e6, rule.do_b_ppm / 1e6))
            << round;
    }
}

}  // namespace
}  // namespace megabed
