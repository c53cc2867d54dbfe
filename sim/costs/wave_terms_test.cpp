#include "sim/costs/wave_terms.h"

#include "sim/costs/cost_model.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <string>

namespace megabed {
namespace {

WaveWork push_of(std::uint32_t vertices, std::uint64_t arcs) {
    WaveWork work;
    work.frontier_vertices = vertices;
    work.frontier_arcs = arcs;
    work.heaviest_vertex_arcs = 4;
    work.discovered = vertices;
    work.changed = vertices;
    work.inspected_arcs = arcs;
    work.graph_arcs = 4 * arcs;
    return work;
}

WaveOrder order_of(DispatchTopology topology, std::uint32_t groups, std::uint32_t lanes) {
    WaveOrder order;
    order.topology = topology;
    order.grant = spread_over_blocks(groups, lanes, 132);
    order.hit_capacity = 1U << 20;
    return order;
}

TEST(BlockGrants, A_grant_that_fits_a_block_stays_in_one_and_all_lanes_asked_for_are_given) {
    EXPECT_EQ(spread_over_blocks(1, 32, 132).blocks, 1U);
    EXPECT_EQ(spread_over_blocks(4, 256, 132).blocks, 1U);
    EXPECT_EQ(spread_over_blocks(4, 256, 132).lanes, 1024U);
    const BlockGrant spread = spread_over_blocks(5, 256, 132);
    EXPECT_EQ(spread.blocks, 5U);
    EXPECT_EQ(spread.lanes, 256U);
    const BlockGrant all = spread_over_blocks(0xFFFF'FFFF, 1024, 132);
    EXPECT_EQ(all.blocks, 132U);
    EXPECT_EQ(all.lanes, 1024U);
    EXPECT_EQ(all.groups, 132U);
    for (std::uint32_t groups = 1; groups < 2000; groups += 7) {
        for (const std::uint32_t lanes : {1U, 32U, 100U, 512U, 1024U}) {
            const BlockGrant grant = spread_over_blocks(groups, lanes, 132);
            EXPECT_GE(grant.blocks * grant.lanes, grant.groups * ((lanes + 31) / 32 * 32));
            EXPECT_LE(grant.lanes, 1024U);
        }
    }
}

TEST(WaveTerms, Small_pushes_of_levels_stay_in_one_block_and_no_others_do) {
    using enum DispatchTopology;
    const auto mode = [](const WaveOrder& order, const WaveWork& work) {
        return wave_terms(order, work, 100'000).set.mode;
    };
    EXPECT_EQ(mode(order_of(SparseFrontier, 40, 256), push_of(2048, 8192)), WaveMode::Solo);
    EXPECT_EQ(mode(order_of(SparseFrontier, 40, 256), push_of(2049, 8192)), WaveMode::Blocks);
    EXPECT_EQ(mode(order_of(SparseFrontier, 2, 256), push_of(2048, 8193)), WaveMode::Block);
    WaveWork labels = push_of(10, 40);
    labels.kind = WaveKind::Labels;
    EXPECT_EQ(mode(order_of(SparseFrontier, 1, 32), labels), WaveMode::Block);
    WaveWork pulled = push_of(10, 40);
    pulled.rows = 100'000;
    EXPECT_EQ(mode(order_of(DenseFrontier, 1, 32), pulled), WaveMode::Pull);
    pulled.skewed = true;
    EXPECT_EQ(mode(order_of(DenseFrontier, 1, 32), pulled), WaveMode::SkewedPull);
}

TEST(WaveTerms, A_frontier_that_a_large_pull_left_in_a_bitmap_is_collected) {
    WaveOrder order = order_of(DispatchTopology::HybridFrontier, 40, 256);
    const WaveWork work = push_of(5000, 20'000);
    EXPECT_EQ(wave_terms(order, work, 100'000)[WaveTerm::Collect], 0);
    order.before = {true, WaveMode::Pull, work.graph_arcs / 2, 40, 40 * 256};
    EXPECT_EQ(wave_terms(order, work, 100'000)[WaveTerm::Collect], 1);
    order.before.frontier_arcs = work.graph_arcs / 16;  // a small one made a queue
    EXPECT_EQ(wave_terms(order, work, 100'000)[WaveTerm::Collect], 0);
}

TEST(WaveTerms, Hubs_in_one_block_cost_rounds_where_vertices_are_shared_and_not_where_arcs_are) {
    WaveWork work = push_of(10'000, 1'000'000);
    work.heaviest_parts = {900'000, 850'000, 800'000, 700'000, 600'000, 500'000, 400'000};
    work.in_row_order = true;
    const auto terms = [&](DispatchTopology topology) {
        return wave_terms(order_of(topology, 132, 256), work, 100'000);
    };
    EXPECT_GT(terms(DispatchTopology::SparseFrontier)[WaveTerm::UnevenSortedRound], 100);
    EXPECT_EQ(terms(DispatchTopology::HybridFrontier)[WaveTerm::UnevenSortedRound], 0);
}

TEST(WaveTerms, Every_term_has_a_key_of_its_own) {
    std::set<std::string> keys;
    for (const WaveTermName& term : wave_term_names()) {
        EXPECT_TRUE(keys.insert(std::string(term.key)).second) << term.key;
        EXPECT_FALSE(term.meaning.empty());
    }
    EXPECT_EQ(keys.size(), kWaveTerms);
}

TEST(CalibratedCosts, A_wave_costs_the_sum_of_its_terms_and_a_share_of_the_decision) {
    DeviceProfile device = testing::small_device();
    const auto waves = std::make_shared<WaveCosts>();
    WaveCosts::Set& set = waves->sets[WaveSet{WaveKind::Levels, WaveMode::Solo}.index()];
    set.decision_share = 0.5;
    set.ns[static_cast<std::size_t>(WaveTerm::First)] = 1000;
    set.ns[static_cast<std::size_t>(WaveTerm::Unit)] = 10;
    waves->decisions.push_back({"gap", 400, 100});
    device.waves = waves;
    const CostModel costs(device, BasisPoints(0), {DecisionPlace::Device, "gap"});
    LaunchRecommendation recommendation;
    recommendation.topology = DispatchTopology::SparseFrontier;
    recommendation.geometry.workgroup_size_x = 32;
    recommendation.geometry.dispatch_grid = {1, 1, 1};
    recommendation.hit_capacity = 1024;
    const GrantedGrid grid = costs.grant(recommendation.geometry);
    WaveContext context;
    EXPECT_EQ(costs.wave(recommendation, grid, push_of(20, 80), 1000, context), SimTime(1000 + 200 + 200));
    EXPECT_TRUE(context.before.any);
    EXPECT_EQ(costs.wave(recommendation, grid, push_of(20, 80), 1000, context), SimTime(200 + 200));
    recommendation.execution_mode = ExecutionMode::Jit;  // from here on the compiled kernel goes on
    EXPECT_EQ(costs.wave(recommendation, grid, push_of(20, 80), 1000, context), SimTime(200 + 50));
    recommendation.execution_mode = ExecutionMode::Interpreter;
    EXPECT_EQ(costs.wave(recommendation, grid, push_of(20, 80), 1000, context), SimTime(200 + 50));
    EXPECT_EQ(costs.decision(true), SimTime(0));
    EXPECT_EQ(costs.decision(false), device.device_decision);
}

}  // namespace
}  // namespace megabed
