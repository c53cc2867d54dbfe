#include "scenarios/scenario_loader.h"

#include "policy/hardened_policy.h"
#include "scenarios/ascii_text.h"
#include "scenarios/catalog.h"
#include "scenarios/device_loader.h"
#include "scenarios/keys.h"
#include "scenarios/request_toml.h"
#include "scenarios/section_reader.h"
#include "scenarios/trace_file.h"
#include "scenarios/workload_tables.h"
#include "sim/replicate.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <variant>

namespace megabed {
namespace {

const std::string kSource = MEGABED_SOURCE_DIR "/scenarios/test.toml";
const std::string kHead = "format = 1\nsummary = 's'\n";
const std::string kRun = "[[run]]\nname = 'r'\ngraph = 'mesh:rows=4,columns=4'\n";

const std::string kServiceTables =
    "[[run]]\nname = 'r'\n[run.service]\nduration = '1 ms'\nitem = '1 us'\nring_slots = 4\n";
const std::string kTenant = "[[run.service.tenant]]\nname = 't'\n";
const std::string kSynthetic = "[[run]]\nname = 'r'\n[run.synthetic]\nvertices = 9\narcs = 9\n";

Loaded<ScenarioFile> parse(const std::string& text, const ScenarioOverrides& overrides = {}) {
    return parse_scenario(text, kSource, overrides);
}

TEST(ScenarioLoader, A_short_file_gets_every_default) {
    const auto file = parse(kHead + kRun);
    ASSERT_TRUE(file) << to_string(file.error());
    ASSERT_EQ(file->runs.size(), 1U);
    const Scenario& run = file->runs[0];
    EXPECT_EQ(run.policy, "reference");
    EXPECT_EQ(run.parameters, LaunchPolicyParameters::standard());
    EXPECT_EQ(run.device.name, "h200");
    EXPECT_EQ(run.device.multiprocessors, 132U);
    EXPECT_EQ(run.decide, DecisionPlace::Device);
    EXPECT_EQ(run.seed, 1U);
    EXPECT_FALSE(run.memory.budget);
    EXPECT_TRUE(std::holds_alternative<TraversalWorkload>(run.workload));
}

TEST(ScenarioLoader, Each_traversal_has_a_table_of_its_own) {
    const auto read = [](const std::string& table) {
        const auto file = parse(kHead + kRun + table);
        EXPECT_TRUE(file) << to_string(file.error());
        return file ? std::get<TraversalWorkload>(file->runs[0].workload).traversal : TraversalSettings{};
    };
    using enum TraversalKind;
    EXPECT_EQ(read(""), TraversalSettings{});
    EXPECT_EQ(read("[run.bfs]\n"), TraversalSettings{});
    EXPECT_EQ(read("[run.bfs]\nroot = 3\n"), (TraversalSettings{.kind = BreadthFirst, .root = 3}));
    EXPECT_EQ(read("[run.sssp]\n"), (TraversalSettings{.kind = ShortestPaths}));
    EXPECT_EQ(read("[run.sssp]\nroot = 0\nweight_max = 9\ndelta = 4\n"),
              (TraversalSettings{.kind = ShortestPaths, .root = 0, .weight_max = 9, .delta = 4}));
    EXPECT_EQ(read("[run.components]\n"), (TraversalSettings{.kind = Components}));
    EXPECT_EQ(read("[run.pagerank]\n"), (TraversalSettings{.kind = PageRank}));
    EXPECT_EQ(read("[run.pagerank]\ndamping_bps = 9000\ntolerance_ppm = 7\n"),
              (TraversalSettings{.kind = PageRank, .damping_bps = 9000, .tolerance_ppm = 7}));
    for (const std::string_view table : {"bfs", "sssp", "components", "pagerank"}) {
        const TraversalWorkload workload{read("[run." + std::string(table) + "]\n")};
        EXPECT_EQ(workload_table(workload), table);
    }
}

TEST(ScenarioLoader, A_setting_of_one_traversal_needs_a_run_of_that_kind) {
    ScenarioOverrides overrides;
    overrides.settings = {"run.sssp.delta=8"};
    const auto refused = parse_scenario(kHead + kRun + "[run.pagerank]\n", "s.toml", overrides);
    ASSERT_FALSE(refused);
    EXPECT_EQ(to_string(refused.error()),
              "--set: run.sssp: no run has this workload; allowed: keys of workloads that the file has");
    const auto taken = parse_scenario(kHead + kRun + "[run.sssp]\n", "s.toml", overrides);
    ASSERT_TRUE(taken) << to_string(taken.error());
    EXPECT_EQ(std::get<TraversalWorkload>(taken->runs[0].workload).traversal.delta, 8U);
}

TEST(ScenarioLoader, Settings_replace_lists_of_tables) {
    ScenarioOverrides overrides;
    const std::string own = kHead + kRun + "[[run.faults]]\nsignal = 'density'\nkind = 'drop'\n";
    for (const char* const key : {"faults", "run.faults"}) {
        overrides.settings = {std::string(key) + "=[{signal='pressure', kind='delay', amount=3}]"};
        const auto file = parse_scenario(own, "a.toml", overrides);
        ASSERT_TRUE(file) << to_string(file.error());
        ASSERT_EQ(file->runs[0].faults.size(), 1U);
        EXPECT_EQ(file->runs[0].faults[0].signal, Signal::Pressure);
    }
    overrides.settings = {"faults=[]"};
    const auto none = parse_scenario(own, "a.toml", overrides);
    ASSERT_TRUE(none) << to_string(none.error());
    EXPECT_TRUE(none->runs[0].faults.empty());
    overrides.settings = {"faults=[{signal='pressure', kind='delay'}]"};
    const auto refused = parse_scenario(own, "a.toml", overrides);
    ASSERT_FALSE(refused);
    EXPECT_EQ(to_string(refused.error()).find("--set: faults.kind: delay needs an amount"), 0U)
        << to_string(refused.error());
}

TEST(ScenarioLoader, A_hysteresis_is_read_and_moves_the_ends_of_the_thresholds_ranges) {
    const auto read = [](const std::string& table, const std::vector<std::string>& settings = {}) {
        ScenarioOverrides overrides;
        overrides.settings = settings;
        const auto file = parse(kHead + "[policy]\n" + table + kRun, overrides);
        EXPECT_TRUE(file) << to_string(file.error());
        return file ? file->runs[0].parameters : LaunchPolicyParameters{};
    };
    EXPECT_EQ(read("").hysteresis, BasisPoints(250));
    EXPECT_EQ(read("hysteresis_bps = 0\n").hysteresis, BasisPoints(0));
    EXPECT_EQ(read("hysteresis_bps = 499\n").hysteresis, BasisPoints(499));
    EXPECT_EQ(read("", {"policy.hysteresis_bps=20"}).hysteresis, BasisPoints(20));
    // Each width with the thresholds as far down, and as far up, as it lets them.
    for (const std::uint32_t width : {0U, 1U, 250U, 1000U, 2499U}) {
        const auto with = [&](std::uint32_t sparse, std::uint32_t dense, std::uint32_t pressure) {
            LaunchPolicyParameters expected;
            expected.hysteresis = BasisPoints(static_cast<std::uint16_t>(width));
            expected.sparse_frontier_threshold = BasisPoints(static_cast<std::uint16_t>(sparse));
            expected.dense_frontier_threshold = BasisPoints(static_cast<std::uint16_t>(dense));
            expected.memory_pressure_threshold = BasisPoints(static_cast<std::uint16_t>(pressure));
            const LaunchPolicyParameters parameters =
                read("hysteresis_bps = " + std::to_string(width) + "\nsparse_frontier_threshold_bps = " +
                     std::to_string(sparse) + "\ndense_frontier_threshold_bps = " + std::to_string(dense) +
                     "\nmemory_pressure_threshold_bps = " + std::to_string(pressure) + "\n");
            EXPECT_EQ(parameters, expected) << width;
            EXPECT_FALSE(hardened::check_parameters(parameters)) << width;
        };
        with(width + 1, 3 * width + 2, width + 1);
        with(kWholeBps - 3 * width - 2, kWholeBps - width - 1, kWholeBps);
    }
}

TEST(ScenarioLoader, The_documented_defaults_are_the_loaders) {
    // The key table is what people read; where a default is a plain number it must be what the loader uses.
    const auto file =
        parse(kHead +
              "[[run]]\nname = 'r'\n[run.service]\nduration = '1 ms'\nitem = '1 us'\nring_slots = "
              "4\n[[run.service.tenant]]\nname = 't'\nitems_per_second = 1\n");
    ASSERT_TRUE(file) << to_string(file.error());
    std::string text = kHead;
    std::string section;
    for (const KeySpec& spec : scenario_keys()) {
        const bool number =
            !spec.fallback.empty() && spec.fallback.find_first_not_of("0123456789") == std::string_view::npos;
        if (!number ||
            (!spec.section.starts_with("policy") && spec.section != "device" && spec.section != "memory") ||
            spec.type == KeyType::Size) {
            continue;
        }
        if (spec.section != section) {
            section = spec.section;
            text += "[" + section + "]\n";
        }
        text += std::string(spec.key) + " = " + std::string(spec.fallback) + "\n";
    }
    const auto spelt_out = parse(text + kRun);
    const auto defaults = parse(kHead + kRun);
    ASSERT_TRUE(spelt_out && defaults) << to_string(spelt_out.error());
    EXPECT_EQ(spelt_out->runs[0].parameters, defaults->runs[0].parameters);
    EXPECT_EQ(spelt_out->runs[0].fuse_waves_max, defaults->runs[0].fuse_waves_max);
    EXPECT_EQ(spelt_out->runs[0].out_of_memory_retries_max, defaults->runs[0].out_of_memory_retries_max);
}

TEST(ScenarioLoader, A_runs_own_table_wins_over_the_shared_one_and_set_over_both) {
    const std::string text = kHead + "[policy]\nname = 'stateless'\nmin_hit_capacity = 7\n" + kRun +
                             "[run.policy]\nmin_hit_capacity = 8\n[[run]]\nname = 'second'\ngraph = "
                             "'mesh:rows=4,columns=4'\n";
    auto file = parse(text);
    ASSERT_TRUE(file) << to_string(file.error());
    EXPECT_EQ(file->runs[0].policy, "stateless");
    EXPECT_EQ(file->runs[0].parameters.min_hit_capacity, 8U);
    EXPECT_EQ(file->runs[1].parameters.min_hit_capacity, 7U);

    ScenarioOverrides overrides;
    overrides.settings = {"policy.min_hit_capacity=9", "memory.budget='1 MiB'",
                          "run.graph=mesh:rows=2,columns=2"};
    overrides.policy = "fixed:dense";
    overrides.seed = 42;
    overrides.decide = DecisionPlace::Host;
    file = parse(text, overrides);
    ASSERT_TRUE(file) << to_string(file.error());
    for (const Scenario& run : file->runs) {
        EXPECT_EQ(run.parameters.min_hit_capacity, 9U);
        EXPECT_EQ(run.memory.budget, Bytes(1 << 20));
        EXPECT_EQ(run.policy, "fixed:dense");
        EXPECT_EQ(run.seed, 42U);
        EXPECT_EQ(run.decide, DecisionPlace::Host);
        EXPECT_EQ(run.graph, "mesh:rows=2,columns=2");
    }
}

TEST(ScenarioLoader, Parameters_of_a_policy_have_a_table_of_their_own) {
    const std::string text = kHead +
                             "[policy]\nname = 'gap'\n[policy.gap]\nalpha = 7\n[policy.vyre-driver]\n"
                             "memory_red_zone_bps = 8000\n[policy.bandit]\nseed = 9223372036854775807\n" +
                             kRun +
                             "[run.policy.gap]\nbeta = 9\n[[run]]\nname = 'second'\ngraph = "
                             "'mesh:rows=4,columns=4'\n";
    auto file = parse(text);
    ASSERT_TRUE(file) << to_string(file.error());
    EXPECT_EQ(file->runs[0].policy, "gap");
    EXPECT_EQ(file->runs[0].parameters.field.gap, (GapParameters{7, 9}));
    EXPECT_EQ(file->runs[1].parameters.field.gap, (GapParameters{7, 18}));
    EXPECT_EQ(file->runs[1].parameters.field.vyre_driver.memory_red_zone_bps, 8000U);
    EXPECT_EQ(file->runs[1].parameters.field.bandit.seed, 9'223'372'036'854'775'807U);

    ScenarioOverrides overrides;
    overrides.settings = {"policy.gap.alpha=20", "run.policy.gap.beta=21",
                          "policy.vyre-driver.dense_ppm=650000"};
    file = parse(text, overrides);
    ASSERT_TRUE(file) << to_string(file.error());
    for (const Scenario& run : file->runs) {
        EXPECT_EQ(run.parameters.field.gap, (GapParameters{20, 21}));
        EXPECT_EQ(run.parameters.field.vyre_driver.dense_ppm, 650'000U);
    }
}

TEST(ScenarioLoader, Each_parameter_of_a_policy_reaches_a_field_of_its_own) {
    std::vector<FieldRuleParameters> read;
    for (const KeySpec& spec : scenario_keys()) {
        if (!spec.section.starts_with("policy.")) {
            continue;
        }
        const std::string other = std::to_string(std::stoll(std::string(spec.fallback)) + 1);
        const auto file = parse(kHead + "[" + std::string(spec.section) + "]\n" + std::string(spec.key) +
                                " = " + other + "\n" + kRun);
        ASSERT_TRUE(file) << to_string(file.error());
        const FieldRuleParameters& field = file->runs[0].parameters.field;
        EXPECT_NE(field, FieldRuleParameters()) << spec.key;
        EXPECT_EQ(std::count(read.begin(), read.end(), field), 0) << spec.key;
        read.push_back(field);
    }
    EXPECT_EQ(read.size(), 30U);
}

TEST(ScenarioLoader, An_integer_and_a_text_with_its_unit_are_the_same) {
    for (const char* budget : {"budget_bytes = 3221225472", "budget = '3 GiB'", "budget = '3072MiB'"}) {
        const auto file = parse(kHead + "[memory]\n" + budget + "\n" + kRun);
        ASSERT_TRUE(file) << to_string(file.error());
        EXPECT_EQ(file->runs[0].memory.budget, Bytes(3ULL << 30)) << budget;
    }
    for (const char* pause : {"retry_pause_ns = 1500000", "retry_pause_us = 1500", "retry_pause = '1.5 ms'"}) {
        const auto file = parse(kHead + "[memory]\n" + pause + "\n" + kRun);
        ASSERT_TRUE(file) << to_string(file.error());
        EXPECT_EQ(file->runs[0].out_of_memory_pause, SimTime(1'500'000)) << pause;
    }
}

struct Broken {
    std::string text;
    std::string message;
};

TEST(ScenarioLoader, Listed_requests_name_what_differs_from_the_base_request) {
    const auto file = parse(kHead +
                            "[[run]]\nname = 'r'\n[run.requests]\nqueue_len = 7\nlist = [\n  {},\n"
                            "  {queue_len = 8, memory_pressure_bps = 'absent', resident_device_bytes = "
                            "'18446744073709551615'},\n]\n");
    ASSERT_TRUE(file) << to_string(file.error());
    const auto& requests = std::get<RequestsWorkload>(file->runs[0].workload).requests;
    ASSERT_EQ(requests.size(), 2U);
    LaunchRequest expected = base_request();
    expected.queue_len = 7;
    EXPECT_EQ(requests[0], expected);
    expected.queue_len = 8;
    expected.memory_pressure.reset();
    expected.resident_device_bytes = Bytes::max();
    EXPECT_EQ(requests[1], expected);
}

TEST(ScenarioLoader, A_list_of_requests_comes_back_as_it_was_written) {
    std::vector<LaunchRequest> requests(3, base_request());
    requests[1].graph_node_count.reset();
    requests[2].requeue_count = ~std::uint64_t{0};
    for (LaunchRequest& request : requests) {
        request.hot_window_count = 3;
    }
    const auto file = parse(kHead + "[[run]]\nname = 'r'\n[run.requests]\n" + requests_as_toml(requests));
    ASSERT_TRUE(file) << to_string(file.error());
    EXPECT_EQ(std::get<RequestsWorkload>(file->runs[0].workload).requests, requests);
}

TEST(ScenarioLoader, Refuses_what_is_wrong_with_line_key_value_and_what_is_allowed) {
    const std::vector<Broken> cases{
        {"", ": format: is missing; allowed: 1"},
        {"format = 2\nsummary = 's'\n" + kRun, ":1: format: is 2; allowed: 1"},
        {kHead, ": run: is missing; allowed: one or more [[run]] tables"},
        {kHead + "[[run]]\nname = 'r'\n[run.requests]\nquue_len = 1\nlist = [{}]\n",
         ":6: run.requests.quue_len: is no key here; did you mean queue_len?"},
        {kHead + "[[run]]\nname = 'r'\n[run.requests]\nqueue_len = '12x'\nlist = [{}]\n",
         ":6: run.requests.queue_len: is '12x'; allowed: 0 to 4294967295"},
        {kHead + "[[run]]\nname = 'r'\n[run.requests]\nlist = []\n",
         ":6: run.requests.list: is an array; allowed: an array of one or more tables"},
        {kHead + "[[run]]\nname = 'r'\ngraph = 'mesh:rows=4,columns=4'\n[run.requests]\nlist = [{}]\n",
         "run.graph: a requests workload has no graph"},
        {kHead + "[policy]\nname = './libnone.so'\n" + kRun, ":4: policy.name: './libnone.so' does not exist"},
        {kHead + "run = 3\n", ":3: run: is 3; allowed: one or more [[run]] tables, with double brackets"},
        {kHead + "[run]\nname = 'r'\n", ":3: run: is a table; allowed: one or more [[run]] tables"},
        {kHead + "[policy]\nsparse_frontier_threshold_bps = 3500\n" + kRun,
         ":4: policy.sparse_frontier_threshold_bps: is 3500 with a dense threshold of 4000: their bands meet; "
         "allowed: at "
         "most 3499"},
        {kHead + kServiceTables + kTenant + "items_per_second = 2e9\n",
         "more than one a nanosecond; allowed: at most 1e9"},
        {kHead + kServiceTables + kTenant + "items_per_second = -1\n",
         "items_per_second: is -1; allowed: a number above 0"},
        {kHead + kServiceTables + kTenant,
         "has 0 ways to publish; allowed: one of items_per_second, clients, trace"},
        {kHead + kServiceTables + kTenant + "items_per_second = 1\nclients = 2\n", "has 2 ways to publish"},
        {kHead + kServiceTables + kTenant + "items_per_second = 1\nquota_items = 5\n",
         ":12: run.service.tenant.quota_items: is 5, more than the ring has slots; allowed: 0 to 4"},
        {kHead + kServiceTables + kTenant + "items_per_second = 1\nburst_every_ns = -5\n",
         "burst_every_ns: is -5; allowed"},
        {kHead + kServiceTables + "warm_up = '1 ms'\n" + kTenant + "items_per_second = 1\n",
         "run.service.warm_up: is 1000000 ns, not before the end; allowed: 0 to 999999 ns"},
        {kHead + kServiceTables + kTenant + "clients = 3\nthink_ns = -1\n", "think_ns: is -1"},
        {kHead + kServiceTables + kTenant + "trace = 'none.csv'\n", ":11: run.service.tenant.trace: '"},
        {kHead + "[[run]]\nname = 'r'\n[run.service]\nduration = '1 us'\nitem = '1 us'\nring_slots = 4\n" +
             kTenant + "trace = 'traces/burst.csv'\n",
         ":11: run.service.tenant.trace: the first item comes at 1068 ns, and the service ends at 1000 ns"},
        {kHead + kServiceTables + kTenant + "count = 100000000\nclients = 2\n",
         "run.service.tenant: lists 200000000 tenants and clients; allowed: at most 100000000"},
        {kHead + kServiceTables + kTenant + "items_per_second = 1\npriority = 4\n",
         "priority: is 4; allowed: 0 to 3"},
        {kHead + kServiceTables + kTenant +
             "[[run.service.tenant.state]]\nitems_per_second = 1\nlength = '1 us'\n",
         "has one state"},
        {kHead + "[[memory.co_tenant]]\nkind = 'leak'\n" + kRun, "is leak without bytes_per_second"},
        {kHead + "[[memory.co_tenant]]\nkind = 'spikes'\nto = '1 B'\n" + kRun, "is spikes without every"},
        {kHead + "[[memory.co_tenant]]\nto = '1 B'\nmost = '2 B'\n" + kRun, "is ramp, which has no most"},
        {kHead + "[memory]\nbandwidth_of_others_bps = 10000\n" + kRun, "is 10000; allowed: 0 to 9999"},
        {kHead + "[[faults]]\nsignal = 'density'\nkind = 'delay'\n" + kRun, "delay needs an amount"},
        {kHead + "[[faults]]\nsignal = 'density'\nkind = 'drop'\namount = 2\n" + kRun, "drop has no amount"},
        {kHead + "[[faults]]\nsignal = 'heat'\nkind = 'drop'\n" + kRun,
         ":4: faults.signal: is 'heat'; allowed: queue"},
        {kHead + kSynthetic + "waves = 9\nshape = 'recorded'\n", "is recorded without a file"},
        {kHead + kSynthetic + "waves = 9\nshape = 'square'\n", "has no low_bps"},
        {kHead + kSynthetic + "waves = 9\nshape = 'square'\nlow_bps = 1\nfile = 'x.csv'\n",
         "says nothing for this shape"},
        {kHead + kSynthetic + "shape = 'adversarial'\nlow_bps = 1\nwaves = 20000\n",
         "waves: is 20000; allowed: 1 to 10000"},
        {kHead + "[[run]]\nname = '" + std::string(65, 'x') + "'\n", "allowed: at most 64 letters"},
        {kHead + "[polcy]\n" + kRun, ":3: polcy: is no key here; did you mean policy?"},
        {kHead + "[policy]\nnmae = 'x'\n" + kRun, ":4: policy.nmae: is no key here; did you mean name?"},
        {kHead + "[policy]\nname = 'referense'\n" + kRun,
         ":4: policy.name: 'referense' is no policy; did you mean reference?; allowed: reference, stateless"},
        {kHead + "[policy]\nname = 7\n" + kRun, ":4: policy.name: is 7; allowed: text"},
        {kHead + "[policy]\nsparse_frontier_threshold_bps = 250\n" + kRun,
         ":4: policy.sparse_frontier_threshold_bps: is 250; allowed: 251 to 9248 bps"},
        {kHead + "[policy]\ndense_frontier_threshold_bps = 1000\n" + kRun,
         ":4: policy.dense_frontier_threshold_bps: is 1000 with a sparse threshold of 500: their bands meet; "
         "allowed: "
         "at least 1001"},
        {kHead + "[policy]\nmemory_pressure_threshold_bps = 10001\n" + kRun,
         "is 10001; allowed: 251 to 10000 bps"},
        {kHead + "[policy]\nsparse_frontier_threshold_bps = 9249\n" + kRun,
         "is 9249; allowed: 251 to 9248 bps"},
        {kHead + "[policy]\ndense_frontier_threshold_bps = 9750\n" + kRun, "is 9750; allowed: 752 to 9749 bps"},
        {kHead + "[policy]\ndense_frontier_threshold_bps = 751\n" + kRun, "is 751; allowed: 752 to 9749 bps"},
        {kHead + "[policy]\nmemory_pressure_threshold_bps = 250\n" + kRun,
         ":4: policy.memory_pressure_threshold_bps: is 250; allowed: 251 to 10000 bps"},
        {kHead + "[policy]\nhysteresis_bps = -1\n" + kRun,
         ":4: policy.hysteresis_bps: is -1; allowed: 0 to 2499 bps"},
        {kHead + "[policy]\nhysteresis_bps = 2500\n" + kRun, "is 2500; allowed: 0 to 2499 bps"},
        {kHead + "[policy]\nhysteresis_bps = 500\n" + kRun,
         ":4: policy.hysteresis_bps: is 500 with a sparse threshold of 500; allowed: at most 499"},
        {kHead + "[policy]\nhysteresis_bps = 100\nsparse_frontier_threshold_bps = 100\n" + kRun,
         ":5: policy.sparse_frontier_threshold_bps: is 100 with a hysteresis of 100; allowed: 101 to 9698 bps"},
        {kHead + "[policy]\nsparse_frontier_threshold_bps = 9699\nhysteresis_bps = 100\n" + kRun,
         ":4: policy.sparse_frontier_threshold_bps: is 9699 with a hysteresis of 100; allowed: 101 to 9698 "
         "bps"},
        {kHead + "[policy]\nhysteresis_bps = 0\nsparse_frontier_threshold_bps = 0\n" + kRun,
         "is 0 with a hysteresis of 0; allowed: 1 to 9998 bps"},
        {kHead +
             "[policy]\nhysteresis_bps = 1000\nsparse_frontier_threshold_bps = 1001\n"
             "dense_frontier_threshold_bps = 3001\n" +
             kRun,
         ":6: policy.dense_frontier_threshold_bps: is 3001 with a hysteresis of 1000; allowed: 3002 to 8999 "
         "bps"},
        {kHead +
             "[policy]\nhysteresis_bps = 1000\nsparse_frontier_threshold_bps = 1100\n"
             "dense_frontier_threshold_bps = 3100\n" +
             kRun,
         ":6: policy.dense_frontier_threshold_bps: is 3100 with a sparse threshold of 1100 and a hysteresis of "
         "1000: their bands meet; allowed: at least 3101"},
        {kHead + "[policy]\nhysteresis_bps = 1000\nsparse_frontier_threshold_bps = 2000\n" + kRun,
         ":5: policy.sparse_frontier_threshold_bps: is 2000 with a dense threshold of 4000 and a hysteresis of "
         "1000: their bands meet; allowed: at most 1999"},
        {kHead + "[policy]\nhysteresis_bps = 1333\nsparse_frontier_threshold_bps = 1400\n" + kRun,
         ":4: policy.hysteresis_bps: is 1333 with a dense threshold of 4000; allowed: at most 1332"},
        {kHead + "[policy]\nmemory_pressure_threshold_bps = 400\nhysteresis_bps = 400\n" + kRun,
         ":4: policy.memory_pressure_threshold_bps: is 400 with a hysteresis of 400; allowed: 401 to 10000 "
         "bps"},
        {kHead + "[policy]\nsparse_frontier_threshold_bps = 300\n" + kRun +
             "[run.policy]\nhysteresis_bps = 300\n",
         ":4: policy.sparse_frontier_threshold_bps: is 300 with a hysteresis of 300; allowed: 301 to 9098 bps"},
        {kHead + "[policy]\nhit_capacity_multiplier = 0\n" + kRun, "is 0; allowed: 1 to 4294967295"},
        {kHead + "[policy]\nmin_hit_capacity = -1\n" + kRun,
         ":4: policy.min_hit_capacity: is -1; allowed: 0 to"},
        {kHead + "[policy]\nmin_hit_capacity = 4294967296\n" + kRun, "is 4294967296"},
        {kHead + "[policy]\nmin_hit_capacity = 1.5\n" + kRun, "is 1.5"},
        {kHead + "[policy]\nmin_hit_capacity = 99999999999999999999\n" + kRun, ":4: "},
        {kHead + "[policy]\nname = 'reference'\nname = 'stateless'\n" + kRun, ":5: "},
        {kHead + "[policy.gap]\nalpha = 0\n" + kRun, ":4: policy.gap.alpha: is 0; allowed: 1 to 4294967295"},
        {kHead + "[policy.gap]\nalhpa = 3\n" + kRun,
         ":4: policy.gap.alhpa: is no key here; did you mean alpha?; allowed: alpha, beta"},
        {kHead + "[policy.gap]\nalpha = 1.5\n" + kRun, ":4: policy.gap.alpha: is 1.5"},
        {kHead + "[policy.gpa]\n" + kRun, ":3: policy.gpa: is no key here; did you mean gap?"},
        {kHead + "[policy]\ngap = 3\n" + kRun, ":4: policy.gap: is 3; allowed: a table"},
        {kHead + kRun + "[run.policy.gswitch]\nidle_levels = 256\n",
         ":7: policy.gswitch.idle_levels: is 256; allowed: 1 to 255"},
        {kHead + "[policy.gswitch]\nbitmap_ratio_ppm = 1000001\n" + kRun, "is 1000001; allowed: 0 to 1000000"},
        {kHead + "[policy.vyre-driver]\nmemory_red_zone_bps = 10001\n" + kRun,
         ":4: policy.vyre-driver.memory_red_zone_bps: is 10001; allowed: 0 to 10000 bps"},
        {kHead + "[policy.vyre-driver]\nwarp_sparse_ppm = 125001\n" + kRun,
         ":4: policy.vyre-driver.warp_sparse_ppm: is 125001 with sparse_ppm of 125000; allowed: at most "
         "125000"},
        {kHead + "[policy.vyre-driver]\nsparse_ppm = 31249\n" + kRun,
         ":4: policy.vyre-driver.sparse_ppm: is 31249 with warp_sparse_ppm of 31250; allowed: at least 31250"},
        {kHead + "[policy.vyre-driver]\nsparse_ppm = 700000\n" + kRun,
         ":4: policy.vyre-driver.sparse_ppm: is 700000 with dense_ppm of 700000; allowed: at most 699999"},
        {kHead + "[policy.vyre-driver]\ndense_ppm = 125000\n" + kRun,
         ":4: policy.vyre-driver.dense_ppm: is 125000 with sparse_ppm of 125000; allowed: at least 125001"},
        {kHead + "[policy.vyre-driver]\nblock_dense_ppm = 699999\n" + kRun,
         ":4: policy.vyre-driver.block_dense_ppm: is 699999 with dense_ppm of 700000; allowed: at least "
         "700000"},
        {kHead + "[policy.bandit]\nhorizon = 0\n" + kRun, ":4: policy.bandit.horizon: is 0; allowed: 1 to"},
        {kHead + "[policy.bandit]\nseed = -1\n" + kRun, ":4: policy.bandit.seed: is -1"},
        {kHead + "[memory]\nbudget = '2 us'\n" + kRun,
         ":4: memory.budget: is '2 us'; allowed: text such as \"2 GiB\""},
        {kHead + "[memory]\nbudget = 5\n" + kRun, "memory.budget: is 5"},
        {kHead + "[memory]\nbudget = '1 B'\nbudget_bytes = 1\n" + kRun,
         "memory.budget_bytes: is given as budget too"},
        {kHead + "[memory]\nretry_pause = '3 GiB'\n" + kRun,
         "memory.retry_pause: is '3 GiB'; allowed: text such as \"3 us\""},
        {kHead + "[memory]\nretry_pause_us = 9223372036854775807\n" + kRun,
         "memory.retry_pause_us: is 9223372036854775807"},
        {kHead + "[[memory.co_tenant]]\nstart = '9 us'\nend = '1 us'\nto = '1 B'\n" + kRun,
         ":5: memory.co_tenant.end: is 1000 ns, before the start"},
        {kHead + "[memory]\nco_tenant = 4\n" + kRun,
         ":4: memory.co_tenant: is 4; allowed: [[memory.co_tenant]] tables"},
        {kHead + "[device]\nprofile = 'h2000'\n" + kRun,
         ":4: device.profile: 'h2000' is no device profile; allowed: h200"},
        {kHead + "[device]\nprofile = 'none.toml'\n" + kRun,
         ":4: device.profile: 'none.toml' is no device profile"},
        {kHead + "device = 'h200'\n" + kRun, ":3: device: is 'h200'; allowed: a table"},
        {kHead + "[[run]]\nname = 'r'\ngraph = 'graphs/nope.mtx'\n", ":5: run.graph: "},
        {kHead + "[[run]]\nname = 'a/b'\ngraph = 'mesh:rows=4,columns=4'\n",
         ":4: run.name: is 'a/b'; allowed: at most 64 letters"},
        {kHead + "[[run]]\nname = 'r'\n", ":4: run.name: the run 'r' has 0 workloads"},
        {kHead + "[[run]]\nname = 'r'\n[run.bfs]\n", "run.graph: is missing"},
        {kHead + kRun + kRun, ":6: run.name: 'r' is the name of an earlier run"},
        {kHead + kRun + "[run.bfs]\nroot = -1\n", "run.bfs.root: is -1"},
        {kHead + kRun + "[run.bfs]\n[run.service]\n", "has 2 workloads"},
        {kHead + kRun + "[run.bfs]\n[run.sssp]\n",
         "has 2 workloads; allowed: one of [run.bfs], [run.sssp], [run.components], [run.pagerank], "
         "[run.synthetic], [run.service], [run.requests]; a graph alone means bfs"},
        {kHead + "[[run]]\nname = 'r'\n[run.components]\n", "run.graph: is missing"},
        {kHead + kRun + "[run.components]\nroot = 1\n", ":7: run.components.root: is no key here"},
        {kHead + kRun + "[run.bfs]\ndelta = 1\n", ":7: run.bfs.delta: is no key here"},
        {kHead + kRun + "[run.sssp]\nweight_max = 0\n", ":7: run.sssp.weight_max: is 0; allowed: 1 to 65535"},
        {kHead + kRun + "[run.sssp]\ndelta = 0\n", ":7: run.sssp.delta: is 0; allowed: 1 to"},
        {kHead + kRun + "[run.pagerank]\ndamping_bps = 9901\n",
         ":7: run.pagerank.damping_bps: is 9901; allowed: 0 to 9900 bps"},
        {kHead + kRun + "[run.pagerank]\ntolerance_ppm = 0\n",
         ":7: run.pagerank.tolerance_ppm: is 0; allowed: 1 to 1000000"},
        {kHead + "[[run]]\nname = 'r'\n[run.synthetic]\nshape = 'wave'\n",
         ":6: run.synthetic.shape: is 'wave'; allowed: constant, square, sawtooth, random-walk"},
        {kHead + "[[run]]\nname = 'r'\n[run.synthetic]\nshape = 'square'\n",
         ":5: run.synthetic.vertices: is missing"},
        {kHead + "[[run]]\nname = 'r'\n[run.service]\nduration = '1 ms'\nitem = '1 us'\nring_slots = 4\n",
         "run.service.tenant: is missing"},
        {kHead + "[[run]]\nname = 'r'\n[run.service]\nduration = '1 ms'\nitem = '1 us'\nring_slots = 4\n"
                 "[[run.service.tenant]]\nname = 't'\nitems_per_second = 0\n",
         ":11: run.service.tenant.items_per_second: is 0; allowed: a number above 0"},
        {kHead + "[run\xC3\x9Ex]\n", ":3: a byte above 0x7F outside a comment; allowed: ASCII"},
        {kHead + "[[run]\n", ":3: "},
        {kHead + "[\n[run]]\nname = 'r'\n", ":3: "},  // the parser's own description spans lines
        {std::string("\x00\x01\xfe", 3), ":1: a byte above 0x7F"},
        {std::string("\x00\x01", 2), ":1: "},
    };
    for (const Broken& broken : cases) {
        const auto file = parse(broken.text);
        ASSERT_FALSE(file) << broken.text;
        const std::string message = to_string(file.error());
        EXPECT_NE(message.find(broken.message), std::string::npos)
            << message << "\n  expected " << broken.message;
        EXPECT_EQ(message.find(kSource), 0U) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
}

TEST(ScenarioLoader, A_wrong_setting_names_the_flag) {
    const struct {
        const char* setting;
        const char* message;
    } cases[] = {
        {"nonsense", "--set: 'nonsense' is not a setting; allowed: key=value"},
        {"=3", "--set: '=3' is not a setting"},
        {"policy.nme=reference", "--set: policy.nme: is no key here; did you mean name?"},
        {"policy.name=nobody", "--set: policy.name: 'nobody' is no policy"},
        {"policy.saturated_waves=0", "--set: policy.saturated_waves: is 0; allowed: 1 to"},
        {"polcy.name=x", "--set: polcy: is no key here; did you mean policy?"},
        {"run.graph=nowhere.mtx", "--set: run.graph: "},
        {"run.service.epoch='1 us'", "--set: run.service: no run has this workload"},
        {"policy=3", "--set: policy: is 3; allowed: a table"},
        {"policy.gap=3", "--set: policy.gap: is 3; allowed: a table"},
        {"policy.gap.alpha=0", "--set: policy.gap.alpha: is 0; allowed: 1 to"},
    };
    for (const auto& bad : cases) {
        ScenarioOverrides overrides;
        overrides.settings = {bad.setting};
        const auto file = parse(kHead + kRun, overrides);
        ASSERT_FALSE(file) << bad.setting;
        EXPECT_EQ(to_string(file.error()).find(bad.message), 0U) << to_string(file.error());
    }
}

const std::string kService =
    "[[run]]\nname = 's'\n[run.service]\nduration = '1 ms'\nitem = '1 us'\nring_slots = 4\n"
    "[[run.service.tenant]]\nname = 't'\nitems_per_second = 1\n";

TEST(ScenarioLoader, Replications_are_one_unless_said_otherwise) {
    const auto settings = [](const std::string& section, const ScenarioOverrides& overrides = {}) {
        const auto file = parse(kHead + section + kService, overrides);
        EXPECT_TRUE(file) << to_string(file.error());
        return file ? file->runs[0].replications : ReplicationSettings();
    };
    EXPECT_EQ(settings("").count, 1U);
    EXPECT_EQ(settings("").count_max, 1U);
    EXPECT_EQ(settings("").confidence, BasisPoints(9500));
    EXPECT_EQ(settings("[replications]\ncount = 7\n").count_max, 7U);
    const ReplicationSettings target = settings(
        "[replications]\nrelative_half_width_bps = 50\nmetric = 'latency_p99'\nconfidence_bps = 9900\n");
    EXPECT_EQ(target.count, 10U);
    EXPECT_EQ(target.count_max, 1000U);
    EXPECT_EQ(target.relative_half_width, BasisPoints(50));
    EXPECT_EQ(target.metric, ReplicationMetric::LatencyP99);
    EXPECT_EQ(target.confidence, BasisPoints(9900));
    EXPECT_EQ(settings("[replications]\nrelative_half_width_bps = 50\ncount_max = 4\n").count, 4U);
    ScenarioOverrides overrides;
    overrides.replications = 3;
    const ReplicationSettings flag = settings("[replications]\nrelative_half_width_bps = 50\n", overrides);
    EXPECT_EQ(flag.count, 3U);
    EXPECT_EQ(flag.count_max, 3U);
}

TEST(ScenarioLoader, Wrong_replications_are_refused_with_their_line) {
    for (const auto& [lines, message] : std::initializer_list<std::pair<std::string, std::string>>{
             {"count = 0", ":4: replications.count: is 0; allowed: 1 to 1000000"},
             {"relative_half_width_bps = 0",
              "replications.relative_half_width_bps: is 0; allowed: 1 to 10000 bps"},
             {"metric = 'speed'", "replications.metric: is 'speed'; allowed: makespan, "},
             {"confidence_bps = 10000", "replications.confidence_bps: is 10000; allowed: 5000 to 9999 bps"},
             {"count_max = 5", "count_max: is 5, and nothing says when to stop before"},
             {"count = 6\ncount_max = 5", "count_max: is 5, below count; allowed: 6 to 1000000"},
             {"count = 1\nrelative_half_width_bps = 9", "count: is 1: one replication has no interval"},
             {"metric = 'latency_p50'", "metric: is latency_p50, and the run r serves no items"},
             {"times = 3", "times: is no key here"},
         }) {
        const auto file = parse(kHead + "[replications]\n" + lines + "\n" + kRun);
        ASSERT_FALSE(file) << lines;
        EXPECT_NE(to_string(file.error()).find(message), std::string::npos) << to_string(file.error());
    }
    EXPECT_FALSE(parse(kHead + "replications = 3\n" + kRun));
}

TEST(ScenarioLoader, A_missing_file_and_a_folder_are_refused) {
    EXPECT_NE(to_string(load_scenario("/nowhere.toml").error()).find("No such file"), std::string::npos);
    EXPECT_NE(to_string(load_scenario("/").error()).find("is a directory"), std::string::npos);
}

}  // namespace
}  // namespace megabed
