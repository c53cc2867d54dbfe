#include "policy/vyre_driver_rule.h"
#include "policy/testing/traversal_traces.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace megabed {
namespace {

using enum DispatchTopology;

/// What the driver's selection reads, in the units of its source.
struct DriverSample {
    double density = 0;
    std::uint32_t pressure_bps = 0;
    std::uint64_t degree_bps = 0;
    bool fusion = false;
};

enum class DriverForm : std::uint8_t { None, WarpSparse, Sparse, BlockDense, Dense, Hybrid, Fused };

DriverForm driver_raw(const DriverSample& sample) {
    if (sample.pressure_bps >= 9000) {
        return DriverForm::Sparse;
    }
    if (sample.fusion && sample.pressure_bps <= 8500) {
        return DriverForm::Fused;
    }
    if (sample.density <= 0.03125 && sample.degree_bps <= 80'000) {
        return DriverForm::WarpSparse;
    }
    if (sample.density <= 0.125) {
        return DriverForm::Sparse;
    }
    if (sample.density >= 0.85 && sample.degree_bps >= 20'000) {
        return DriverForm::BlockDense;
    }
    if (sample.density >= 0.70 && sample.degree_bps >= 20'000) {
        return DriverForm::Dense;
    }
    return DriverForm::Hybrid;
}

DriverForm driver_stable(const DriverSample& sample, DriverForm previous) {
    constexpr double kBand = 0.025;
    constexpr double kTie = 1e-12;  // a sum of two constants that no float holds
    const DriverForm raw = driver_raw(sample);
    if (sample.pressure_bps >= 9000) {
        return raw;
    }
    const bool was_sparse = previous == DriverForm::Sparse || previous == DriverForm::WarpSparse;
    if (was_sparse && sample.pressure_bps >= 8750) {
        return DriverForm::Sparse;
    }
    const bool steep = sample.degree_bps >= 20'000;
    const bool to_dense = raw == DriverForm::Dense || raw == DriverForm::BlockDense;
    bool holds = false;
    switch (previous) {
    case DriverForm::WarpSparse:
        holds = sample.density <= 0.03125 + kBand + kTie && sample.degree_bps <= 80'000;
        break;
    case DriverForm::Sparse:
        holds = sample.density <= 0.125 + kBand + kTie;
        break;
    case DriverForm::Hybrid:
        holds = (raw == DriverForm::Sparse && sample.density >= 0.125 - kBand - kTie) ||
                (to_dense && sample.density <= 0.70 + kBand + kTie);
        break;
    case DriverForm::Dense:
        holds = sample.density >= 0.70 - kBand - kTie && steep;
        break;
    case DriverForm::BlockDense:
        holds = sample.density >= 0.85 - kBand - kTie && steep;
        break;
    case DriverForm::Fused:
        holds = sample.fusion && sample.pressure_bps <= 8750;
        break;
    case DriverForm::None:
        break;
    }
    return holds ? previous : raw;
}

Observation driver_case(std::uint16_t density_bps, std::uint16_t pressure_bps, std::uint32_t arcs, bool hot) {
    Observation observation;
    observation.request = LaunchRequest::direct(1000, 64, 256);
    observation.request.graph_node_count = 10'000;
    observation.request.graph_edge_count = arcs;
    observation.request.frontier_density = BasisPoints(density_bps);
    observation.request.memory_pressure = BasisPoints(pressure_bps);
    observation.request.hot_opcode_count = hot ? 8 : 0;
    return observation;
}

char driver_answer(const Observation& observation, const PolicyState& state = {}) {
    const auto decision = make_policy("vyre-driver", {})->recommend(observation, state);
    EXPECT_TRUE(decision);
    return topologies({*decision})[0];
}

TEST(VyreDriverRule, Takes_its_bands_at_their_edges) {
    const std::uint32_t steep = 100'000;  // mean degree 10: above the warp-sparse limit
    EXPECT_EQ(driver_answer(driver_case(1250, 1, steep, false)), 's');
    EXPECT_EQ(driver_answer(driver_case(1251, 1, steep, false)), 'h');
    EXPECT_EQ(driver_answer(driver_case(6999, 1, steep, false)), 'h');
    EXPECT_EQ(driver_answer(driver_case(7000, 1, steep, false)), 'd');
    EXPECT_EQ(driver_answer(driver_case(8500, 1, steep, false)), 'd');
    EXPECT_EQ(driver_answer(driver_case(10'000, 1, 19'999, false)), 'h');  // mean degree below 2
    EXPECT_EQ(driver_answer(driver_case(10'000, 1, 20'000, false)), 'd');
    EXPECT_EQ(driver_answer(driver_case(5000, 8999, steep, false)), 'h');
    EXPECT_EQ(driver_answer(driver_case(5000, 9000, steep, false)), 'm');
    EXPECT_EQ(driver_answer(driver_case(5000, 8500, steep, true)), 'f');
    EXPECT_EQ(driver_answer(driver_case(5000, 8501, steep, true)), 'h');
    Observation little = driver_case(5000, 1, steep, true);
    little.request.queue_len = 256;  // 4096 bytes of output at 16 a hit
    EXPECT_EQ(driver_answer(little), 'f');
    little.request.queue_len = 255;
    EXPECT_EQ(driver_answer(little), 'h');
}

TEST(VyreDriverRule, Tells_warp_sparse_from_sparse_by_density_and_degree) {
    const auto rule = [](std::uint16_t density, std::uint32_t arcs) {
        return make_policy("vyre-driver", {})->recommend(driver_case(density, 1, arcs, false), {})->rule;
    };
    EXPECT_EQ(rule(312, 80'000), TopologyRule::DensityAtOrBelowWarpSparse);
    EXPECT_EQ(rule(313, 80'000), TopologyRule::DensityAtOrBelowSparse);
    EXPECT_EQ(rule(312, 80'001), TopologyRule::DensityAtOrBelowSparse);  // more than 8 arcs a vertex
    EXPECT_EQ(rule(8499, 80'000), TopologyRule::DensityAtOrAboveDense);
    EXPECT_EQ(rule(8500, 80'000), TopologyRule::DensityAtOrAboveBlockDense);
}

TEST(VyreDriverRule, Stays_constrained_until_pressure_leaves_its_band) {
    const auto policy = make_policy("vyre-driver", {});
    const auto pressed = policy->recommend(driver_case(5000, 9000, 100'000, false), {});
    ASSERT_TRUE(pressed);
    EXPECT_EQ(driver_answer(driver_case(5000, 8750, 100'000, false), pressed->next), 'm');
    EXPECT_EQ(driver_answer(driver_case(5000, 8749, 100'000, false), pressed->next), 'h');
    const auto held = policy->recommend(driver_case(5000, 8750, 100'000, false), pressed->next);
    EXPECT_EQ(held->hold, TopologyHold::MemoryNotYetRelieved);
    // Sparse by density is kept sparse in that band, as in the source.
    const auto sparse = policy->recommend(driver_case(1000, 1, 100'000, false), {});
    EXPECT_EQ(driver_answer(driver_case(5000, 8750, 100'000, false), sparse->next), 's');
    EXPECT_EQ(driver_answer(driver_case(5000, 8749, 100'000, false), sparse->next), 'h');
    // An empty queue leaves no trace.
    Observation idle = driver_case(5000, 8000, 100'000, false);
    idle.request.queue_len = 0;
    EXPECT_EQ(policy->recommend(idle, pressed->next)->next, pressed->next);
}

TEST(VyreDriverRule, A_margin_above_its_threshold_reaches_to_nothing_and_a_form_that_is_none_holds_nothing) {
    using field::VyreDriver;
    VyreDriverParameters rule;
    rule.fusion_memory_margin_bps = 9001;
    const VyreDriver::Sample hot{500'000, 0, 100'000, true};
    EXPECT_EQ(VyreDriver::select(rule, hot).form, VyreDriver::Form::Fused);
    const VyreDriver::Sample hot_and_pressed{500'000, 1, 100'000, true};
    EXPECT_EQ(VyreDriver::select(rule, hot_and_pressed).form, VyreDriver::Form::Hybrid);
    EXPECT_EQ(VyreDriver::hold(rule, hot, VyreDriver::Form::Hybrid, static_cast<VyreDriver::Form>(9)),
              TopologyHold::None);
}

TEST(VyreDriverRule, Is_its_source_on_any_readings) {
    TraceSource source(6);
    const auto policy = make_policy("vyre-driver", {});
    PolicyState state;
    DriverForm form = DriverForm::None;
    bool pressed = false;
    std::string seen;
    for (int round = 0; round < 60'000; ++round) {
        constexpr std::array<int, 10> kEdges{312, 562, 1000, 1250, 1500, 6750, 7000, 7250, 8250, 8500};
        const auto near = kEdges[source.below(kEdges.size())] + static_cast<int>(source.below(5)) - 2;
        const auto density = static_cast<std::uint16_t>(source.below(3) == 0 ? 1 + source.below(10'000) : near);
        const auto pressure = static_cast<std::uint16_t>(source.below(3) == 0 ? 8480 + source.below(600) : 1);
        const auto arcs =
            static_cast<std::uint32_t>(source.below(4) == 0 ? 10'000 + source.below(90'000) : 40'000);
        const Observation observation = driver_case(density, pressure, arcs, source.below(6) == 0);
        const auto decision = policy->recommend(observation, state);
        ASSERT_TRUE(decision);
        state = decision->next;
        const DriverSample sample{density / 1e4, pressure, arcs, observation.request.hot_opcode_count > 0};
        const DriverForm before = form;
        form = driver_stable(sample, form);
        pressed = pressure >= 9000 || (pressed && before == DriverForm::Sparse && pressure >= 8750);
        const DispatchTopology expected = form == DriverForm::Hybrid  ? HybridFrontier
                                          : form == DriverForm::Fused ? FusedDense
                                          : form == DriverForm::Dense || form == DriverForm::BlockDense
                                              ? DenseFrontier
                                          : pressed ? MemoryConstrained
                                                    : SparseFrontier;
        ASSERT_EQ(decision->recommendation.topology, expected) << round;
        const bool changed = decision->hold != TopologyHold::None;
        ASSERT_EQ(changed, form != driver_raw(sample) || (pressed && pressure < 9000)) << round;
        seen += topologies({*decision});
    }
    for (const char topology : {'s', 'h', 'd', 'f', 'm'}) {
        EXPECT_GT(std::count(seen.begin(), seen.end(), topology), 300) << topology;
    }
}

}  // namespace
}  // namespace megabed
