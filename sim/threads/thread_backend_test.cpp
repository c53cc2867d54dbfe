#include "sim/threads/thread_backend.h"

#include "policy/registry.h"
#include "sim/engine/counter_random.h"
#include "sim/graphs/graph_builder.h"
#include "sim/graphs/graph_source.h"
#include "sim/run_scenario.h"
#include "sim/sim_backend.h"
#include "sim/traversals/oracles.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace megabed {
namespace {

using enum DispatchTopology;

DeviceProfile tiny_device() {
    DeviceProfile device;
    device.name = "test";
    device.multiprocessors = 10;
    device.max_workgroup_size_x = 1024;
    device.max_compute_workgroups_per_dimension = 65'535;
    device.max_compute_invocations_per_workgroup = 1024;
    device.resident_lanes_per_multiprocessor = 2048;
    device.resident_groups_per_multiprocessor = 16;
    device.saturating_warps = 100;
    device.read_bytes_per_second = 1e12;
    device.gathers = {{Bytes(1000), 4e9}};
    device.atomics = {{Bytes(1000), 1e9}};
    device.barriers = {{10, SimTime(1000)}};
    device.tickets_per_second = 1e9;
    device.dependent_access = SimTime(1000);
    device.tile_items = 8;  // so that small graphs have many tiles
    device.heavy_degree = 16;
    return device;
}

Scenario traversal_scenario(TraversalKind kind, std::string policy) {
    Scenario scenario;
    scenario.file = "test.toml";
    scenario.name = "test";
    scenario.policy = std::move(policy);
    scenario.device = tiny_device();
    scenario.kernels_cached = true;
    TraversalWorkload workload;
    workload.traversal.kind = kind;
    workload.traversal.tolerance_ppm = 10'000;
    scenario.workload = workload;
    return scenario;
}

CsrGraph star(Vertex leaves) {
    EdgeList edges;
    for (Vertex leaf = 1; leaf <= leaves; ++leaf) {
        edges.push_back({0, leaf});
    }
    return build_undirected(leaves + 3, std::move(edges));  // and two vertices alone
}

CsrGraph path(Vertex vertices) {
    EdgeList edges;
    for (Vertex vertex = 1; vertex < vertices; ++vertex) {
        edges.push_back({vertex - 1, vertex});
    }
    return build_undirected(vertices, std::move(edges));
}

CsrGraph generated(const char* spec) { return load_graph(spec).value().graph; }

/// Remembers what was decided and what came of it.
class Sequence final : public RecordSink {
public:
    void record(const LaunchRecord& record) override {
        if (record.decision) {
            topologies.push_back(record.decision->recommendation.topology);
        }
        records.push_back(record);
    }
    std::vector<DispatchTopology> topologies;
    std::vector<LaunchRecord> records;
};

struct Ran {
    RunSummary summary;
    Sequence sequence;
    std::optional<std::uint64_t> result;
    RingCounts ring;
};

void run_on_threads(const Scenario& scenario, const CsrGraph* graph, const ThreadOptions& options, Ran& ran) {
    const auto backend = make_thread_backend(scenario, graph, options);
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    ran.summary = run_scenario(scenario, "threads", *policy, *backend, ran.sequence).value();
    ran.result = backend->result_digest();
    ran.ring = backend->ring_counts();
}

void expect_ring_is_whole(const RingCounts& ring) {
    EXPECT_EQ(ring.published, ring.done);
    EXPECT_EQ(ring.claimed, ring.done + ring.requeued);  // B1: once for each time it was published
    EXPECT_EQ(ring.in_flight, 0U);
    EXPECT_EQ(ring.faults, 0U);
}

constexpr TraversalKind kKinds[] = {TraversalKind::BreadthFirst, TraversalKind::ShortestPaths,
                                    TraversalKind::Components, TraversalKind::PageRank};

class Traversals : public ::testing::TestWithParam<std::tuple<std::string, unsigned>> {};

TEST_P(Traversals, B2_results_equal_the_oracle_whatever_the_topology) {
    const auto& [policy, threads] = GetParam();
    const std::vector<CsrGraph> graphs = [] {
        std::vector<CsrGraph> made;
        made.push_back(path(40));
        made.push_back(star(90));
        made.push_back(generated("mesh:rows=12,columns=13"));
        made.push_back(generated("rmat:scale=8,edge_factor=6,seed=3"));
        return made;
    }();
    for (const CsrGraph& graph : graphs) {
        for (const TraversalKind kind : kKinds) {
            for (const std::uint32_t hits : {30U, 1'000'000U}) {
                Scenario scenario = traversal_scenario(kind, policy);
                scenario.requested_hit_capacity = hits;
                Ran ran;
                ThreadOptions options;
                options.threads = threads;
                options.ring_slots = hits == 30 ? 3 : 64;
                run_on_threads(scenario, &graph, options, ran);
                ASSERT_FALSE(ran.summary.stopped_by) << *ran.summary.stopped_by;
                const auto& settings = std::get<TraversalWorkload>(scenario.workload).traversal;
                ASSERT_EQ(*ran.result, oracle_digest(graph, settings)) << graph.vertices() << ' ' << int(kind);
                expect_ring_is_whole(ran.ring);
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, Traversals,
                         ::testing::Combine(::testing::Values("fixed:sparse", "fixed:hybrid", "fixed:dense",
                                                              "fixed:fused", "fixed:memory", "reference"),
                                            ::testing::Values(1U, 2U, 4U)),
                         [](const auto& named) {
                             std::string name =
                                 std::get<0>(named.param) + std::to_string(std::get<1>(named.param));
                             std::replace(name.begin(), name.end(), ':', '_');
                             return name;
                         });

TEST(ThreadBackend, B3_decides_as_the_simulator_does_launch_by_launch) {
    for (const char* const spec : {"rmat:scale=10,edge_factor=8,seed=5", "mesh:rows=30,columns=30",
                                   "small-world:vertices=2000,neighbours=6,seed=2"}) {
        const CsrGraph graph = generated(spec);
        for (const char* const name :
             {"reference", "hardened", "gap", "cugraph", "gunrock", "gswitch", "vyre-driver", "fixed:fused"}) {
            for (const TraversalKind kind : kKinds) {
                Scenario scenario = traversal_scenario(kind, name);
                scenario.memory.budget = Bytes(1'000'000);  // pressure is part of what is observed
                const auto policy = make_policy(name, scenario.parameters);
                const auto simulator = make_sim_backend(scenario, &graph);
                Sequence simulated;
                const auto summary = run_scenario(scenario, "sim", *policy, *simulator, simulated).value();
                Ran ran;
                run_on_threads(scenario, &graph, {.threads = 2}, ran);
                ASSERT_EQ(ran.sequence.records.size(), simulated.records.size()) << spec << ' ' << name;
                EXPECT_EQ(ran.sequence.topologies, simulated.topologies) << spec << ' ' << name;
                EXPECT_EQ(ran.summary.levels, summary.levels);
                for (std::size_t at = 0; at < simulated.records.size(); ++at) {
                    const Observation& ours = ran.sequence.records[at].observation;
                    const Observation& theirs = simulated.records[at].observation;
                    ASSERT_EQ(ours.request, theirs.request) << spec << ' ' << name << ' ' << at;
                    ASSERT_TRUE(ours.traversal == theirs.traversal) << spec << ' ' << name << ' ' << at;
                    const LaunchOutcome& did = ran.sequence.records[at].outcome;
                    ASSERT_EQ(did.items, simulated.records[at].outcome.items);
                    ASSERT_EQ(did.arcs, simulated.records[at].outcome.arcs) << spec << ' ' << name << ' ' << at;
                }
            }
        }
    }
}

TEST(ThreadBackend, Overflowing_the_hit_capacity_takes_as_many_passes_as_in_the_simulator) {
    const CsrGraph graph = generated("rmat:scale=9,edge_factor=8,seed=1");
    Scenario scenario = traversal_scenario(TraversalKind::BreadthFirst, "fixed:sparse");
    scenario.requested_hit_capacity = 10;
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    const auto simulator = make_sim_backend(scenario, &graph);
    Sequence simulated;
    (void)run_scenario(scenario, "sim", *policy, *simulator, simulated).value();
    Ran ran;
    run_on_threads(scenario, &graph, {.threads = 3}, ran);
    ASSERT_EQ(ran.sequence.records.size(), simulated.records.size());
    std::uint32_t most = 0;
    for (std::size_t at = 0; at < simulated.records.size(); ++at) {
        EXPECT_EQ(ran.sequence.records[at].outcome.waves, simulated.records[at].outcome.waves) << at;
        most = std::max(most, simulated.records[at].outcome.waves);
    }
    EXPECT_GT(most, 3U);
    EXPECT_GT(ran.ring.requeued, 0U);
}

TEST(ThreadBackend, Two_runs_agree_in_their_digest_whatever_the_threads) {
    const CsrGraph graph = generated("rmat:scale=9,edge_factor=8,seed=1");
    for (const TraversalKind kind : kKinds) {
        const Scenario scenario = traversal_scenario(kind, "reference");
        Ran one;
        Ran four;
        run_on_threads(scenario, &graph, {.threads = 1}, one);
        run_on_threads(scenario, &graph, {.threads = 4}, four);
        EXPECT_EQ(one.summary.digest, four.summary.digest);
        EXPECT_GT(one.summary.makespan, SimTime(0));
    }
}

TEST(ThreadBackend, Groups_are_granted_as_if_a_thread_were_a_multiprocessor) {
    const CsrGraph graph = generated("mesh:rows=20,columns=20");
    Ran ran;
    run_on_threads(traversal_scenario(TraversalKind::Components, "fixed:sparse"), &graph, {.threads = 2}, ran);
    const LaunchRecord& first = ran.sequence.records.front();
    const std::uint32_t asked = first.decision->recommendation.geometry.dispatch_grid[0];
    EXPECT_LE(first.outcome.granted_groups, asked);
    EXPECT_LE(first.outcome.granted_groups, 2 * 16U);
    EXPECT_GE(first.outcome.granted_groups, 1U);
}

// ---- failures ----

/// Sleeps for up to 20 us now and then, in a way that depends on thread and place.
HostAtomics::Hook random_delays() {
    return [](RingPoint point) {
        thread_local CounterRandom random(std::hash<std::thread::id>{}(std::this_thread::get_id()), 3);
        const std::uint64_t drawn = random.next() + static_cast<std::uint64_t>(point);
        if (drawn % 64 == 0) {
            std::this_thread::sleep_for(std::chrono::microseconds(drawn / 64 % 20));
        } else if (drawn % 4 == 0) {
            const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(drawn / 64 % 2000);
            while (std::chrono::steady_clock::now() < end) {
            }
        }
    };
}

TEST(ThreadBackend, Delays_between_the_steps_of_the_ring_change_no_result) {
    const CsrGraph graph = generated("rmat:scale=7,edge_factor=6,seed=9");
    for (const TraversalKind kind : kKinds) {
        for (const char* const policy : {"fixed:hybrid", "fixed:memory", "fixed:dense"}) {
            Scenario scenario = traversal_scenario(kind, policy);
            scenario.requested_hit_capacity = 60;
            Ran ran;
            ThreadOptions options;
            options.threads = 4;
            options.ring_slots = 5;
            options.ring_hook = random_delays();
            run_on_threads(scenario, &graph, options, ran);
            const auto& settings = std::get<TraversalWorkload>(scenario.workload).traversal;
            EXPECT_EQ(*ran.result, oracle_digest(graph, settings)) << policy;
            expect_ring_is_whole(ran.ring);
        }
    }
}

TEST(ThreadBackend, A_stuck_worker_ends_the_run_within_the_deadline_and_its_slot_is_named) {
    const CsrGraph graph = generated("mesh:rows=20,columns=20");
    for (const unsigned threads : {1U, 3U}) {
        const auto scenario = traversal_scenario(TraversalKind::Components, "fixed:sparse");
        ThreadOptions options;
        options.threads = threads;
        options.deadline = SimTime(100'000'000);
        options.item_hook = [](std::uint32_t ticket, unsigned) {
            if (ticket == 60) {
                std::this_thread::sleep_for(std::chrono::milliseconds(250));
            }
            return true;
        };
        Ran ran;
        const auto begin = std::chrono::steady_clock::now();
        run_on_threads(scenario, &graph, options, ran);
        EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
        ASSERT_TRUE(ran.summary.stopped_by);
        EXPECT_NE(ran.summary.stopped_by->find("push, tenant 0, ticket 60): a worker did not finish it"),
                  std::string::npos)
            << *ran.summary.stopped_by;
        EXPECT_EQ(ran.ring.faults, 1U);
        EXPECT_EQ(ran.ring.published, ran.ring.done + ran.ring.in_flight);
        EXPECT_GE(ran.ring.done, 60U - 8U * threads);
    }
    // The process is as usable as before.
    Ran after;
    run_on_threads(traversal_scenario(TraversalKind::Components, "fixed:sparse"), &graph, {.threads = 2},
                   after);
    EXPECT_FALSE(after.summary.stopped_by);
}

TEST(ThreadBackend, An_item_that_is_never_marked_done_ends_the_run_too) {
    const CsrGraph graph = generated("mesh:rows=20,columns=20");
    ThreadOptions options;
    options.threads = 2;
    options.deadline = SimTime(50'000'000);
    options.item_hook = [](std::uint32_t ticket, unsigned) { return ticket != 40; };
    Ran ran;
    run_on_threads(traversal_scenario(TraversalKind::BreadthFirst, "fixed:sparse"), &graph, options, ran);
    ASSERT_TRUE(ran.summary.stopped_by);
    EXPECT_NE(ran.summary.stopped_by->find("ticket 40)"), std::string::npos) << *ran.summary.stopped_by;
    EXPECT_EQ(ran.ring.in_flight, 1U);
    EXPECT_EQ(ran.ring.published, ran.ring.done + 1);
}

// ---- services ----

Tenant tenant(std::string name, double items_per_second) {
    Tenant made;
    made.name = std::move(name);
    made.arrivals = OpenArrivals{items_per_second, {}};
    return made;
}

Scenario service_scenario(std::vector<Tenant> tenants, std::uint32_t ring_slots) {
    Scenario scenario = traversal_scenario(TraversalKind::BreadthFirst, "reference");
    ServiceWorkload workload;
    workload.duration = SimTime(20'000'000);
    workload.epoch = SimTime(1'000'000);
    workload.item.mean = SimTime(2'000);
    workload.ring_slots = SlotCount(ring_slots);
    workload.window_slots = SlotCount(4);
    workload.hot_opcode_share = BasisPoints(1000);
    workload.starvation_age = 5;
    workload.tenants = std::move(tenants);
    scenario.workload = workload;
    return scenario;
}

void expect_all_accounted(const RunSummary& summary) {
    ASSERT_FALSE(summary.stopped_by) << *summary.stopped_by;
    ASSERT_TRUE(summary.service);
    for (const TenantTotals& totals : summary.service->tenants) {
        EXPECT_EQ(totals.published, totals.done + totals.rejected + totals.in_flight);
        EXPECT_EQ(totals.in_flight, 0U);
        EXPECT_EQ(totals.latency_ns.count(), totals.done);
        EXPECT_GT(totals.done, 0U);
    }
}

TEST(ThreadService, Every_kind_of_tenant_is_served_and_nothing_is_lost) {
    Tenant bursty = tenant("bursty", 0);
    bursty.arrivals =
        OpenArrivals{0, {{20'000, SimTime(2'000'000)}, {200'000, SimTime(500'000)}, {0, SimTime(500'000)}}};
    bursty.priority = 0;
    bursty.count = 3;
    bursty.opcodes = {4, 9};
    bursty.opcode_length_mean = SimTime(1'000'000);
    Tenant clients = tenant("clients", 0);
    clients.arrivals = ClosedArrivals{5, SimTime(200'000)};
    clients.item = ItemTime{SimTime(5'000), ItemTimeLaw::Exponential};
    Tenant trace = tenant("trace", 0);
    TraceArrivals lines;
    for (std::int64_t line = 0; line < 50; ++line) {
        lines.items.push_back({SimTime(line * 100'000), 7, SimTime(line % 2 * 10'000)});
    }
    trace.arrivals = lines;
    trace.contended_keys = 2;
    trace.priority = 3;
    Tenant capped = tenant("capped", 30'000);
    capped.quota_items = 3;
    capped.when_full = FullRing::Wait;
    Scenario scenario = service_scenario({bursty, clients, trace, capped}, 32);
    for (const unsigned threads : {1U, 2U}) {
        Ran ran;
        run_on_threads(scenario, nullptr, {.threads = threads}, ran);
        expect_all_accounted(ran.summary);
        expect_ring_is_whole(ran.ring);
        EXPECT_EQ(ran.summary.service->tenants[2].published, 50U);
        EXPECT_GT(ran.summary.service->tenants[3].requeued, 0U);
        EXPECT_EQ(ran.summary.service->tenants[3].rejected, 0U);
        EXPECT_GE(ran.summary.makespan, SimTime(20'000'000));
        EXPECT_GT(ran.summary.service->workers_busy_mean, 0.0);
        EXPECT_LE(ran.summary.service->workers_busy_mean, static_cast<double>(threads));
        EXPECT_GE(ran.summary.service->in_flight_mean, ran.summary.service->ring_depth_mean);
    }
}

TEST(ThreadService, As_many_items_come_as_in_the_simulator) {
    const Scenario scenario = service_scenario({tenant("a", 100'000), tenant("b", 50'000)}, 4096);
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    const auto simulator = make_sim_backend(scenario, nullptr);
    Sequence simulated;
    const auto summary = run_scenario(scenario, "sim", *policy, *simulator, simulated).value();
    Ran ran;
    run_on_threads(scenario, nullptr, {.threads = 2}, ran);
    for (std::size_t entry = 0; entry < 2; ++entry) {
        EXPECT_EQ(ran.summary.service->tenants[entry].published, summary.service->tenants[entry].published);
    }
}

TEST(ThreadService, A_full_ring_rejects_and_counts) {
    const Scenario scenario = service_scenario({tenant("flood", 2e6)}, 4);
    Ran ran;
    run_on_threads(scenario, nullptr, {.threads = 1}, ran);
    expect_all_accounted(ran.summary);
    EXPECT_GT(ran.summary.service->tenants[0].rejected, 0U);
}

TEST(ThreadService, A_stuck_worker_is_named_and_all_other_items_are_accounted_for) {
    Scenario scenario = service_scenario({tenant("a", 50'000), tenant("b", 50'000)}, 64);
    ThreadOptions options;
    options.threads = 2;
    options.deadline = SimTime(80'000'000);
    options.item_hook = [](std::uint32_t ticket, unsigned) {
        if (ticket == 100) {
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
        return true;
    };
    Ran ran;
    run_on_threads(scenario, nullptr, options, ran);
    ASSERT_TRUE(ran.summary.stopped_by);
    EXPECT_NE(ran.summary.stopped_by->find("ticket 100)"), std::string::npos) << *ran.summary.stopped_by;
    const TenantTotals sum = ran.summary.service->sum();
    EXPECT_EQ(sum.published, sum.done + sum.rejected + sum.in_flight);
    EXPECT_EQ(ran.ring.faults, 1U);
}

TEST(ThreadService, Delays_between_the_steps_of_the_ring_lose_nothing) {
    Tenant locked = tenant("locked", 40'000);
    locked.contended_keys = 1;
    const Scenario scenario = service_scenario({locked, tenant("free", 40'000)}, 16);
    ThreadOptions options;
    options.threads = 3;
    options.ring_hook = random_delays();
    Ran ran;
    run_on_threads(scenario, nullptr, options, ran);
    expect_all_accounted(ran.summary);
    expect_ring_is_whole(ran.ring);
}

// ---- prescribed work ----

TEST(ThreadBackend, A_synthetic_frontier_is_touched_item_by_item_as_the_simulator_prescribes) {
    Scenario scenario = traversal_scenario(TraversalKind::BreadthFirst, "reference");
    SyntheticWorkload workload;
    workload.shape = DensityShape::RandomWalk;
    workload.vertices = 5000;
    workload.arcs = 20'000;
    workload.low = BasisPoints(100);
    workload.high = BasisPoints(6000);
    workload.step = BasisPoints(900);
    workload.waves = 40;
    scenario.workload = workload;
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    const auto simulator = make_sim_backend(scenario, nullptr);
    Sequence simulated;
    (void)run_scenario(scenario, "sim", *policy, *simulator, simulated).value();
    Ran one;
    Ran three;
    run_on_threads(scenario, nullptr, {.threads = 1}, one);
    run_on_threads(scenario, nullptr, {.threads = 3}, three);
    EXPECT_EQ(one.sequence.topologies, simulated.topologies);
    EXPECT_EQ(one.summary.digest, three.summary.digest);
    EXPECT_EQ(one.summary.levels, 40U);
    expect_ring_is_whole(three.ring);
}

TEST(ThreadBackend, Listed_requests_are_each_asked_once) {
    Scenario scenario = traversal_scenario(TraversalKind::BreadthFirst, "reference");
    LaunchRequest request = LaunchRequest::direct(1000, 64, 256);
    LaunchRequest refused = request;
    refused.max_workgroup_size_x = 0;
    LaunchRequest empty = request;
    empty.queue_len = 0;
    LaunchRequest huge = request;
    huge.queue_len = 3'000'000'000;
    scenario.workload = RequestsWorkload{{request, refused, empty, huge, request}};
    Ran ran;
    run_on_threads(scenario, nullptr, {.threads = 2}, ran);
    EXPECT_EQ(ran.sequence.records.size(), 5U);
    EXPECT_FALSE(ran.summary.stopped_by);
    EXPECT_EQ(ran.sequence.records[2].outcome.items, 0U);
    expect_ring_is_whole(ran.ring);
}

}  // namespace
}  // namespace megabed
