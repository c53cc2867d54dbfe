#include "policy/registry.h"
#include "sim/costs/cost_model.h"
#include "sim/engine/digest.h"
#include "sim/file_output.h"
#include "sim/flaps.h"
#include "sim/input_error.h"
#include "sim/run_scenario.h"
#include "sim/sim_backend.h"
#include "sim/testing/small_scenarios.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <tuple>

namespace megabed {
namespace {

using enum DispatchTopology;
using namespace megabed::testing;

TEST(CostModel, Tables_are_linear_between_points_and_constant_outside) {
    const DeviceProfile device = small_device();
    const CostModel costs(device);
    EXPECT_EQ(costs.barrier(1), SimTime(1000));
    EXPECT_EQ(costs.barrier(15), SimTime(2000));
    EXPECT_EQ(costs.barrier(99), SimTime(3000));
    EXPECT_DOUBLE_EQ(costs.gathers_per_second(Bytes(2000)), 3e9);
    EXPECT_DOUBLE_EQ(costs.atomics_per_second(Bytes(7)), 1e9);
}

TEST(CostModel, The_grid_is_capped_at_what_can_be_resident) {
    const DeviceProfile device = small_device();
    const CostModel costs(device);
    EXPECT_EQ(costs.grant({1024, SlotCount(0), {1000, 1, 1}}).groups, 20U);  // two groups of 1024 lanes each
    EXPECT_EQ(costs.grant({33, SlotCount(0), {1000, 1, 1}}).groups, 160U);   // 16 groups, by count
    EXPECT_EQ(costs.grant({33, SlotCount(0), {5, 1, 1}}).warps, 10U);        // 33 lanes are two warps
}

LaunchRecommendation plan(DispatchTopology topology) {
    LaunchRecommendation recommendation;
    recommendation.topology = topology;
    recommendation.execution_mode = ExecutionMode::Jit;
    recommendation.hit_capacity = 1'000'000;
    recommendation.geometry = {256, SlotCount(256), {20, 1, 1}};
    recommendation.worker_groups = 20;
    return recommendation;
}

WaveWork wave(std::uint32_t vertices, std::uint64_t arcs, std::uint64_t heaviest) {
    WaveWork work;
    work.frontier_vertices = vertices;
    work.frontier_arcs = arcs;
    work.heaviest_vertex_arcs = heaviest;
    work.inspected_arcs = arcs;
    work.discovered = vertices;
    work.scanned_vertices = 1000;
    return work;
}

TEST(CostModel, More_work_never_costs_less) {
    const DeviceProfile device = small_device();
    const CostModel costs(device);
    for (const DispatchTopology topology : {SparseFrontier, HybridFrontier, DenseFrontier, MemoryConstrained}) {
        const auto recommendation = plan(topology);
        const GrantedGrid grid = costs.grant(recommendation.geometry);
        SimTime last{};
        for (std::uint64_t arcs = 1; arcs < 1'000'000; arcs *= 3) {
            const SimTime time = costs.wave(recommendation, grid, wave(10, arcs, arcs / 10), 100'000);
            EXPECT_GE(time, last) << to_string(topology) << ' ' << arcs;
            last = time;
        }
    }
}

TEST(CostModel, A_hub_costs_a_sparse_push_more_than_a_hybrid_one) {
    const DeviceProfile device = small_device();
    const CostModel costs(device);
    const GrantedGrid grid = costs.grant(plan(SparseFrontier).geometry);
    WaveWork hub = wave(100, 200'000, 150'000);
    hub.heavy_vertices = 1;
    hub.heavy_arcs = 150'000;
    EXPECT_GT(costs.wave(plan(SparseFrontier), grid, hub, 100'000),
              costs.wave(plan(HybridFrontier), grid, hub, 100'000));
}

TEST(CostModel, An_overflowing_hit_capacity_takes_more_passes_and_loses_nothing) {
    LaunchRecommendation recommendation = plan(SparseFrontier);
    recommendation.hit_capacity = 100;
    EXPECT_EQ(output_passes(recommendation, 0), 1U);
    EXPECT_EQ(output_passes(recommendation, 100), 1U);
    EXPECT_EQ(output_passes(recommendation, 101), 2U);
    recommendation.topology = DenseFrontier;
    EXPECT_EQ(output_passes(recommendation, 101), 1U);
}

TEST(Flaps, A_return_within_eight_launches_in_the_same_cells_is_a_flap) {
    const auto count = [](std::initializer_list<std::pair<DispatchTopology, int>> launches) {
        FlapCounter counter((LaunchPolicyParameters()));
        for (const auto& [topology, density] : launches) {
            counter.add(topology, BasisPoints(static_cast<std::uint16_t>(density)), std::nullopt);
        }
        return std::pair(counter.switches(), counter.flaps());
    };
    using Pair = std::pair<std::uint64_t, std::uint64_t>;
    EXPECT_EQ(count({{SparseFrontier, 250}, {HybridFrontier, 750}, {SparseFrontier, 500}}), Pair(2, 1));
    // 249 and 751 are outside the band: the density moved, so this is no flap.
    EXPECT_EQ(count({{SparseFrontier, 249}, {HybridFrontier, 750}, {SparseFrontier, 500}}), Pair(2, 0));
    EXPECT_EQ(count({{SparseFrontier, 500}, {HybridFrontier, 751}, {SparseFrontier, 500}}), Pair(2, 0));
    EXPECT_EQ(count({{SparseFrontier, 500}, {HybridFrontier, 500}, {DenseFrontier, 500}}), Pair(2, 0));
    EXPECT_EQ(
        count({{SparseFrontier, 500}, {HybridFrontier, 500}, {SparseFrontier, 500}, {HybridFrontier, 500}}),
        Pair(3, 2));
    // The ninth launch no longer looks back to the first.
    EXPECT_EQ(count({{SparseFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {SparseFrontier, 500}}),
              Pair(2, 1));
    EXPECT_EQ(count({{SparseFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {HybridFrontier, 500},
                     {SparseFrontier, 500}}),
              Pair(2, 0));
}

TEST(Flaps, Are_counted_with_one_ruler_whatever_the_policy_s_hysteresis) {
    const auto flaps = [](std::uint16_t width) {
        LaunchPolicyParameters parameters;
        parameters.hysteresis = BasisPoints(width);
        FlapCounter counter(parameters);
        for (const auto& [topology, density, pressure] :
             {std::tuple(SparseFrontier, 400, 10), std::tuple(HybridFrontier, 600, 10),
              std::tuple(SparseFrontier, 450, 10), std::tuple(DenseFrontier, 4000, 8500),
              std::tuple(MemoryConstrained, 4000, 8250), std::tuple(DenseFrontier, 4000, 8300),
              std::tuple(HybridFrontier, 900, 10), std::tuple(SparseFrontier, 740, 10),
              std::tuple(HybridFrontier, 900, 10)}) {
            counter.add(topology, BasisPoints(static_cast<std::uint16_t>(density)),
                        BasisPoints(static_cast<std::uint16_t>(pressure)));
        }
        return counter.flaps();
    };
    EXPECT_EQ(flaps(250), 2U);
    EXPECT_EQ(flaps(0), 2U);
    EXPECT_EQ(flaps(400), 2U);
}

TEST(RunScenario, A_synthetic_run_is_one_record_a_launch_and_adds_up) {
    CountingSink sink;
    const RunSummary summary = run(synthetic(10), sink);
    EXPECT_EQ(summary.waves, 10U);
    EXPECT_EQ(summary.launches, 10U);
    EXPECT_EQ(sink.records, 10U);
    EXPECT_EQ(sink.items, 2000U);
    SimTime total{};
    for (const TopologyShare& share : summary.by_topology) {
        total += share.time;
    }
    EXPECT_EQ(total, summary.makespan);
    EXPECT_EQ(summary.by_topology[static_cast<std::size_t>(HybridFrontier)].launches, 10U);
}

TEST(RunScenario, Deciding_on_the_host_costs_its_round_trip_every_launch) {
    Scenario scenario = synthetic(10);
    CountingSink sink;
    const SimTime device = run(scenario, sink).makespan;
    scenario.decide = DecisionPlace::Host;
    EXPECT_EQ(run(scenario, sink).makespan - device, SimTime(18'000));
}

TEST(RunScenario, Only_the_first_use_of_a_compiled_variant_is_charged) {
    Scenario scenario = synthetic(10);
    scenario.parameters.jit_queue_len_threshold = 1;
    scenario.kernels_cached = false;
    CountingSink sink;
    EXPECT_EQ(run(scenario, sink).compilation, SimTime(1'000'000));
    scenario.kernels_cached = true;
    EXPECT_EQ(run(scenario, sink).compilation, SimTime(0));
}

TEST(RunScenario, A_refusal_for_memory_is_asked_again_until_the_limit) {
    Scenario scenario = synthetic(5);
    scenario.memory.budget = Bytes(40'000);  // less than the graph and its scratch
    scenario.out_of_memory_pause = SimTime(10'000);
    scenario.out_of_memory_retries_max = 3;
    CountingSink sink;
    const RunSummary summary = run(scenario, sink);
    EXPECT_EQ(summary.oom_rejections, 4U);
    EXPECT_EQ(sink.refused, 4U);
    EXPECT_EQ(summary.makespan, SimTime(30'000));
    EXPECT_EQ(summary.waiting, SimTime(30'000));
    ASSERT_TRUE(summary.stopped_by);
    EXPECT_NE(summary.stopped_by->find("the budget is 40000"), std::string::npos) << *summary.stopped_by;
}

TEST(RunScenario, Listed_requests_are_each_asked_once_as_they_stand) {
    LaunchRequest request = LaunchRequest::direct(1000, 64, 256);
    request.graph_node_count = 5000;
    request.graph_edge_count = 20'000;
    request.frontier_density = BasisPoints(2000);
    LaunchRequest refused = request;
    refused.device_memory_budget = Bytes(10);
    LaunchRequest limitless = request;
    limitless.max_workgroup_size_x = 0;
    LaunchRequest empty = request;
    empty.queue_len = 0;
    Scenario scenario = synthetic(1);
    scenario.workload = RequestsWorkload{{request, refused, limitless, empty, request}};
    scenario.memory.budget = Bytes(1);  // says nothing: the requests stand as they are
    CountingSink sink;
    const RunSummary summary = run(scenario, sink);
    EXPECT_EQ(sink.records, 5U);
    EXPECT_EQ(sink.refused, 2U);
    EXPECT_EQ(summary.oom_rejections, 1U);
    EXPECT_EQ(summary.refusals, 2U);
    EXPECT_EQ(summary.launches, 3U);
    EXPECT_EQ(summary.levels, 5U);
    EXPECT_EQ(sink.items, 2000U);
    EXPECT_FALSE(summary.stopped_by);
    EXPECT_GT(summary.makespan, SimTime(0));
    EXPECT_EQ(summary.by_topology[static_cast<std::size_t>(Empty)].launches, 1U);
}

TEST(RunScenario, Memory_that_comes_back_lets_the_work_finish) {
    Scenario scenario = synthetic(5);
    scenario.memory.budget = Bytes(200'000);
    scenario.memory.co_tenants = {MemoryRamp{SimTime(0), SimTime(50'000), Bytes(190'000), Bytes(0)}};
    scenario.out_of_memory_pause = SimTime(10'000);
    scenario.out_of_memory_retries_max = 100;
    CountingSink sink;
    const RunSummary summary = run(scenario, sink);
    EXPECT_GT(summary.oom_rejections, 0U);
    EXPECT_FALSE(summary.stopped_by);
    EXPECT_EQ(summary.waves, 5U);
}

TEST(RunScenario, A_stop_request_ends_the_run_as_interrupted) {
    const Scenario scenario = synthetic(5);
    const auto backend = make_sim_backend(scenario, nullptr);
    const auto policy = make_policy("reference", {});
    std::stop_source stop;
    stop.request_stop();
    CountingSink sink;
    const auto summary = run_scenario(scenario, "sim", *policy, *backend, sink, {stop.get_token(), {}});
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().kind, InputErrorKind::Interrupted);
}

TEST(RunScenario, D2_every_item_is_executed_once_or_reported) {
    Scenario scenario = synthetic(1);
    ServiceWorkload workload;
    workload.duration = SimTime(5'000'000);
    workload.epoch = SimTime(20'000);
    workload.item.mean = SimTime(3000);
    workload.ring_slots = SlotCount(64);
    workload.hot_opcode_share = BasisPoints(1000);
    Tenant tenant;
    tenant.name = "a";
    tenant.arrivals = OpenArrivals{2e7, {}};
    tenant.quota_items = 10;
    workload.tenants = {tenant};
    scenario.workload = workload;
    CountingSink sink;
    const RunSummary summary = run(scenario, sink);
    ASSERT_TRUE(summary.service);
    const TenantTotals totals = summary.service->sum();
    EXPECT_GT(totals.published, 0U);
    EXPECT_GT(totals.requeued, 0U);
    EXPECT_EQ(totals.published, totals.done + totals.rejected);
    // Items held back while the queue was saturated are published later: about rate x duration in all.
    EXPECT_NEAR(static_cast<double>(totals.published), 2e7 * 5e-3, 2e7 * 5e-3 * 0.05);
    EXPECT_EQ(totals.latency_ns.count(), totals.done);
    ASSERT_TRUE(summary.latency);
    EXPECT_LE(summary.latency->p50, summary.latency->p99);
    EXPECT_LE(summary.latency->p99, summary.latency->max);
}

TEST(Digest, Is_the_same_on_every_machine) {
    Digest digest;
    digest.add(std::uint64_t{1});
    digest.add(std::string_view("megabed"));
    EXPECT_EQ(hex(digest.value()), "a11c366f2e0dd88a");
}

TEST(FileOutput, Writes_whole_files_and_leaves_nothing_behind_on_failure) {
    namespace fs = std::filesystem;
    const fs::path folder = fs::temp_directory_path() / ("megabed-output-" + std::to_string(::getpid()));
    fs::create_directories(folder);
    ASSERT_TRUE(write_file(folder / "a", "one"));
    ASSERT_TRUE(write_file(folder / "a", "two"));
    std::ifstream file(folder / "a");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "two");
    EXPECT_FALSE(write_file(folder / "missing" / "b", "x"));
    fs::create_directories(folder / "taken" / "inside");
    EXPECT_FALSE(write_file(folder / "taken", "x"));
    std::size_t entries = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
        (void)entry;
        ++entries;
    }
    EXPECT_EQ(entries, 2U);
    fs::remove_all(folder);
}

TEST(FileOutput, Never_takes_the_place_of_a_device_or_a_folder) {
    for (const char* const path : {"/dev/null", "/tmp"}) {
        const auto written = write_file(path, "text");
        ASSERT_FALSE(written) << path;
        EXPECT_NE(to_string(written.error()).find("is no regular file"), std::string::npos);
    }
}

TEST(InputErrors, Suggest_near_names_only_and_print_bytes_safely) {
    EXPECT_EQ(nearest("polcy", {"policy", "device"}), "policy");
    EXPECT_EQ(nearest("zzzzzz", {"policy", "device"}), std::nullopt);
    EXPECT_EQ(nearest("x", {}), std::nullopt);
    EXPECT_EQ(printable("a\x1b[31m"), "'a\\x1b[31m'");
    EXPECT_EQ(printable(std::string(50, 'a')), "'" + std::string(40, 'a') + "...'");
}

}  // namespace
}  // namespace megabed
