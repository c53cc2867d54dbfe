#include "policy/registry.h"
#include "properties/generators.h"
#include "properties/rapidcheck_property.h"
#include "scenarios/scenario_loader.h"
#include "scenarios/workload_tables.h"
#include "sim/engine/event_queue.h"
#include "sim/graphs/graph_builder.h"
#include "sim/graphs/graph_source.h"
#include "sim/graphs/kronecker.h"
#include "sim/run_scenario.h"
#include "sim/sim_backend.h"
#include "sim/traversals/arc_weight.h"
#include "sim/traversals/breadth_first_search.h"
#include "sim/traversals/oracles.h"
#include "sim/traversals/wave_traversal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/connected_components.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <boost/graph/visitors.hpp>
#include <iostream>
#include <limits>
#include <vector>

namespace megabed {
namespace {

void expect_holds(const PropertyVerdict& verdict) {
    EXPECT_TRUE(verdict.holds) << verdict.report;
    std::cerr << verdict.report << '\n';
}

/// Remembers launch times.
class Times final : public RecordSink {
public:
    void record(const LaunchRecord& record) override {
        backwards_ = backwards_ || record.outcome.start < last_ || record.outcome.duration < SimTime(0);
        last_ = record.outcome.start + record.outcome.duration;
    }
    [[nodiscard]] bool backwards() const { return backwards_; }

private:
    SimTime last_{};
    bool backwards_ = false;
};

std::string synthetic_scenario(std::uint64_t seed) {
    return fmt::format(
        "format = 1\nsummary = 'generated'\nseed = {}\n[[run]]\nname = 'r'\n[run.synthetic]\nshape = "
        "'random-walk'\nvertices = {}\narcs = {}\nlow_bps = {}\nhigh_bps = {}\nstep_bps = {}\nwaves = {}\n",
        seed, *rc::gen::inRange(1, 1 << 20), *rc::gen::inRange(1, 1 << 24), *rc::gen::inRange(0, 500),
        *rc::gen::inRange(500, 10'001), *rc::gen::inRange(0, 2000), *rc::gen::inRange(1, 200));
}

/// A way for items to come, and what else a tenant may have.
std::string drawn_tenant(int number, int ring_slots) {
    std::string text =
        fmt::format("[[run.service.tenant]]\nname = 't{}'\npriority = {}\n", number, *rc::gen::inRange(0, 4));
    text += fmt::format("quota_items = {}\ncontended_keys = {}\nwhen_full = '{}'\n",
                        *rc::gen::inRange(0, std::min(ring_slots, 8) + 1), *rc::gen::element(0, 0, 1, 5),
                        *rc::gen::element("reject", "wait"));
    if (*rc::gen::arbitrary<bool>()) {
        text += fmt::format("item = '{} ns'\nitem_law = '{}'\n", *rc::gen::inRange(1, 9000),
                            *rc::gen::element("constant", "exponential", "uniform"));
    }
    if (*rc::gen::arbitrary<bool>()) {
        text += "opcode_count = 3\nopcode_length = '30 us'\n";
    }
    switch (*rc::gen::inRange(0, 4)) {
    case 0:
        RC_TAG(std::string("poisson"));
        return text + fmt::format("items_per_second = {}\n", *rc::gen::inRange(1000, 10'000'000));
    case 1:
        RC_TAG(std::string("bursts"));
        return text +
               "items_per_second = 1e6\nburst_items_per_second = 5e7\nburst_every = '200 us'\n"
               "burst_length = '20 us'\n";
    case 2:
        RC_TAG(std::string("clients"));
        return text + fmt::format("clients = {}\nthink = '{} ns'\n", *rc::gen::inRange(1, 20),
                                  *rc::gen::inRange(0, 50'000));
    default:
        RC_TAG(std::string("states"));
        return text + fmt::format(
                          "count = {}\n[[run.service.tenant.state]]\nitems_per_second = 1e5\nlength = '40 us'"
                          "\n[[run.service.tenant.state]]\nitems_per_second = 9e6\nlength = '9 us'\n",
                          *rc::gen::inRange(1, 4));
    }
}

std::string service_scenario(std::uint64_t seed) {
    const int ring_slots = *rc::gen::element(1, 2, 7, 64, 1000, 4096);
    std::string text = fmt::format(
        "format = 1\nsummary = 'generated'\nseed = {}\n[memory]\nbudget = '1 MiB'\n[[memory.co_tenant]]\nkind "
        "= "
        "'spikes'\nevery = '90 us'\nlength = '20 us'\nsize = '{} KiB'\n[[faults]]\nsignal = "
        "'queue-length'\nkind = "
        "'delay'\namount = 2\nshare_bps = {}\n[[run]]\nname = 'r'\n[run.service]\nduration = '{} us'\nitem = "
        "'{} ns'\nring_slots = {}\nepoch = '{} ns'\nwarm_up = '{} ns'\n",
        seed, *rc::gen::inRange(1, 900), *rc::gen::inRange(1, 9000), *rc::gen::inRange(1, 1000),
        *rc::gen::inRange(1, 20'000), ring_slots, *rc::gen::inRange(1000, 40'000), *rc::gen::inRange(0, 900));
    const int tenants = *rc::gen::inRange(1, 4);
    for (int tenant = 0; tenant < tenants; ++tenant) {
        text += drawn_tenant(tenant, ring_slots);
    }
    return text;
}

std::string traversal_scenario(std::uint64_t seed) {
    const auto table = *rc::gen::element<std::string>("bfs", "sssp", "components", "pagerank");
    return fmt::format(
        "format = 1\nsummary = 'generated'\nseed = {0}\n[[run]]\nname = 'r'\ngraph = "
        "'kronecker:scale={1},edge_factor={2},seed={0}'\n[run.{3}]\n",
        seed, *rc::gen::inRange(1, 13), *rc::gen::inRange(1, 16), table);
}

struct Outcome {
    RunSummary summary;
    bool backwards = false;
};

Outcome run_once(const Scenario& scenario) {
    LoadedGraph loaded;
    if (!scenario.graph.empty()) {
        auto graph = load_graph(scenario.graph);
        RC_ASSERT(graph.has_value());
        loaded = *std::move(graph);
    }
    const auto backend = make_sim_backend(scenario, scenario.graph.empty() ? nullptr : &loaded.graph);
    const auto policy = make_policy(scenario.policy, scenario.parameters);
    Times times;
    auto summary = run_scenario(scenario, "sim", *policy, *backend, times);
    RC_ASSERT(summary.has_value());
    return {*std::move(summary), times.backwards()};
}

Scenario generated_scenario() {
    const auto seed = *rc::gen::inRange<std::uint64_t>(0, 1 << 20);
    std::string text;
    switch (*rc::gen::inRange(0, 3)) {
    case 0:
        text = synthetic_scenario(seed);
        RC_TAG(std::string("synthetic"));
        break;
    case 1:
        text = service_scenario(seed);
        RC_TAG(std::string("service"));
        break;
    default:
        text = traversal_scenario(seed);
        RC_TAG(std::string("traversal"));
        break;
    }
    ScenarioOverrides overrides;
    const auto policies = registered_policies();
    overrides.policy = std::string(policies[*rc::gen::inRange<std::size_t>(0, policies.size())].name);
    const auto file = parse_scenario(text, "generated.toml", overrides);
    if (!file) {
        RC_FAIL(to_string(file.error()));
    }
    return file->runs.front();
}

TEST(SimulatorLaws, D1_same_scenario_and_seed_give_the_same_digest) {
    expect_holds(check_property("D1", 150, {"synthetic", "service", "traversal"}, [] {
        const Scenario scenario = generated_scenario();
        RC_ASSERT(run_once(scenario).summary.digest == run_once(scenario).summary.digest);
    }));
}

TEST(SimulatorLaws, D1_another_seed_gives_another_digest_where_chance_takes_part) {
    expect_holds(check_property("D1 seeds", 30, {}, [] {
        const auto file = parse_scenario(service_scenario(1), "generated.toml");
        RC_ASSERT(file.has_value());
        Scenario scenario = file->runs.front();
        const Outcome first = run_once(scenario);
        RC_PRE(first.summary.service->sum().published > 0U);
        scenario.seed = 2;
        RC_ASSERT(first.summary.digest != run_once(scenario).summary.digest);
    }));
}

TEST(SimulatorLaws, D1_the_kronecker_generator_does_not_depend_on_the_thread_count) {
    KroneckerParameters parameters;
    parameters.scale = 17;
    parameters.edge_factor = 20;  // more than two blocks of edges
    EXPECT_EQ(generate_kronecker(parameters, 1).blocks(), generate_kronecker(parameters, 4).blocks());
}

TEST(SimulatorLaws, D2_every_item_is_executed_once_or_reported_whatever_the_tenants) {
    expect_holds(
        check_property("D2", 150, {"poisson", "bursts", "clients", "states", "requeued", "rejected"}, [] {
            const auto file = parse_scenario(service_scenario(*rc::gen::inRange<std::uint64_t>(0, 1 << 20)),
                                             "generated.toml");
            if (!file) {
                RC_FAIL(to_string(file.error()));
            }
            Scenario scenario = file->runs.front();
            const auto policies = registered_policies();
            scenario.policy = policies[*rc::gen::inRange<std::size_t>(0, policies.size())].name;
            const RunSummary summary = run_once(scenario).summary;
            for (const TenantTotals& tenant : summary.service->tenants) {
                RC_ASSERT(tenant.published == tenant.done + tenant.rejected + tenant.in_flight);
                // A run that a refusal ended leaves what it had; every other run drains its ring.
                RC_ASSERT(summary.stopped_by || tenant.in_flight == 0U);
                RC_ASSERT(tenant.latency_ns.count() <= tenant.done);
            }
            const TenantTotals sum = summary.service->sum();
            RC_CLASSIFY(sum.requeued > 0, "requeued");
            RC_CLASSIFY(sum.rejected > 0, "rejected");
        }));
}

TEST(SimulatorLaws, D3_simulated_time_never_goes_back) {
    expect_holds(check_property("D3", 150, {"synthetic", "service", "traversal"},
                                [] { RC_ASSERT(!run_once(generated_scenario()).backwards); }));
}

TEST(SimulatorLaws, D3_events_come_out_by_time_and_then_in_the_order_they_went_in) {
    expect_holds(check_property("D3 queue", 500, {"simultaneous"}, [] {
        struct Numbered {
            int number = 0;
        };
        const auto times = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 50));
        EventQueue<Numbered> queue;
        std::vector<std::pair<int, int>> expected;
        for (std::size_t at = 0; at < times.size(); ++at) {
            queue.push(SimTime(times[at]), {static_cast<int>(at)});
            expected.emplace_back(times[at], static_cast<int>(at));
        }
        std::sort(expected.begin(), expected.end());
        for (const auto& [time, number] : expected) {
            const auto event = queue.pop();
            RC_ASSERT(event.time.value() == time);
            RC_ASSERT(event.payload.number == number);
        }
        RC_ASSERT(queue.empty());
        for (std::size_t at = 1; at < expected.size(); ++at) {
            RC_CLASSIFY(expected[at].first == expected[at - 1].first, "simultaneous");
        }
    }));
}

/// Level sizes by Boost's own breadth-first search on a graph that Boost built from the raw edges.
std::vector<std::uint32_t> boost_levels(Vertex vertices, const std::vector<Edge>& edges, Vertex root) {
    using Graph = boost::compressed_sparse_row_graph<boost::directedS>;
    std::vector<std::pair<Vertex, Vertex>> arcs;
    for (const Edge& edge : edges) {
        arcs.emplace_back(edge.from, edge.to);
        arcs.emplace_back(edge.to, edge.from);
    }
    const Graph graph(boost::edges_are_unsorted_multi_pass, arcs.begin(), arcs.end(), vertices);
    constexpr std::uint32_t kUnreached = std::numeric_limits<std::uint32_t>::max();
    std::vector<std::uint32_t> distances(vertices, kUnreached);
    distances[root] = 0;
    boost::breadth_first_search(graph, root,
                                boost::visitor(boost::make_bfs_visitor(
                                    boost::record_distances(distances.data(), boost::on_tree_edge()))));
    std::vector<std::uint32_t> levels;
    for (const std::uint32_t distance : distances) {
        if (distance != kUnreached) {
            levels.resize(std::max<std::size_t>(levels.size(), distance + 1));
            ++levels[distance];
        }
    }
    return levels;
}

std::vector<Edge> flat(const EdgeList& list) {
    std::vector<Edge> edges;
    for (const auto& block : list.blocks()) {
        edges.insert(edges.end(), block.begin(), block.end());
    }
    return edges;
}

/// Level sizes by our search with a direction drawn for every level.
std::vector<std::uint32_t> our_levels(const CsrGraph& graph, Vertex root) {
    std::vector<std::uint32_t> levels;
    BreadthFirstSearch search(graph, root, 4);
    while (!search.done()) {
        levels.push_back(search.frontier_vertices());
        const bool pull = *rc::gen::arbitrary<bool>();
        search.expand(pull ? Direction::Pull : Direction::Push);
        RC_TAG(std::string(pull ? "pull" : "push"));
    }
    return levels;
}

TEST(SimulatorLaws, D4_frontiers_equal_a_boost_search_on_any_edge_list) {
    expect_holds(check_property("D4", 300, {"pull", "push", "loops", "duplicates"}, [] {
        const auto vertices = *rc::gen::inRange<Vertex>(1, 200);
        const auto ends = *rc::gen::container<std::vector<std::pair<Vertex, Vertex>>>(
            rc::gen::pair(rc::gen::inRange<Vertex>(0, vertices), rc::gen::inRange<Vertex>(0, vertices)));
        EdgeList list;
        for (const auto& [from, to] : ends) {
            list.push_back({from, to});
            RC_CLASSIFY(from == to, "loops");
        }
        const std::vector<Edge> edges = flat(list);
        const CsrGraph graph = build_undirected(vertices, std::move(list));
        RC_CLASSIFY(graph.undirected_edges() < edges.size(), "duplicates");
        const auto root = *rc::gen::inRange<Vertex>(0, vertices);
        const auto expected = boost_levels(vertices, edges, root);
        RC_ASSERT(our_levels(graph, root) == expected);
        RC_ASSERT(search_levels(graph, root).frontier_sizes == expected);
    }));
}

TEST(SimulatorLaws, D4_frontiers_equal_a_boost_search_on_every_generator) {
    const std::vector<std::string> specs{"rmat:scale=10,edge_factor=8,seed=5",
                                         "kronecker:scale=11,edge_factor=8,seed=5",
                                         "mesh:rows=17,columns=40",
                                         "mesh:rows=16,columns=9,wrap=1",
                                         "erdos-renyi:vertices=900,edges=1000,seed=3",
                                         "small-world:vertices=700,neighbours=4,rewire=0.1,seed=2",
                                         "plod:vertices=1000,alpha=0.75,beta=300,seed=4"};
    for (const std::string& spec : specs) {
        auto generated = generate_edges(spec);
        ASSERT_TRUE(generated) << to_string(generated.error());
        const std::vector<Edge> edges = flat(generated->edges);
        ASSERT_FALSE(edges.empty()) << spec;
        const CsrGraph graph = build_undirected(generated->vertices, std::move(generated->edges));
        const Vertex root = highest_degree_vertex(graph);
        EXPECT_EQ(search_levels(graph, root).frontier_sizes, boost_levels(graph.vertices(), edges, root))
            << spec;
    }
}

CsrGraph generated_graph() {
    const auto vertices = *rc::gen::oneOf(rc::gen::inRange<Vertex>(1, 20), rc::gen::inRange<Vertex>(1, 200));
    const auto ends = *rc::gen::container<std::vector<std::pair<Vertex, Vertex>>>(
        rc::gen::pair(rc::gen::inRange<Vertex>(0, vertices), rc::gen::inRange<Vertex>(0, vertices)));
    EdgeList list;
    for (const auto& [from, to] : ends) {
        list.push_back({from, to});
    }
    return build_undirected(vertices, std::move(list));
}

TraversalSettings generated_settings(const CsrGraph& graph) {
    TraversalSettings settings;
    settings.kind = *rc::gen::element(TraversalKind::BreadthFirst, TraversalKind::ShortestPaths,
                                      TraversalKind::Components, TraversalKind::PageRank);
    if (*rc::gen::arbitrary<bool>()) {
        settings.root = *rc::gen::inRange<Vertex>(0, graph.vertices());
    }
    settings.weight_max = *rc::gen::inRange<std::uint32_t>(1, 300);
    settings.delta = *rc::gen::inRange<std::uint32_t>(1, 400);
    settings.damping_bps = *rc::gen::inRange<std::uint32_t>(0, 9500);
    settings.tolerance_ppm = *rc::gen::inRange<std::uint32_t>(50, 200'000);
    return settings;
}

/// Expands to the end on `threads` threads, directions as listed and then pushes; the work of every wave.
std::vector<WaveWork> traversed(Traversal& traversal, const std::vector<Direction>& directions) {
    std::vector<WaveWork> waves;
    while (!traversal.done()) {
        const std::size_t wave = waves.size();
        waves.push_back(traversal.expand(wave < directions.size() ? directions[wave] : Direction::Push));
    }
    return waves;
}

TEST(SimulatorLaws, D4_every_traversal_equals_its_oracle_on_any_edge_list_direction_and_thread_count) {
    expect_holds(check_property(
        "D4 traversals", 400,
        {"bfs", "sssp", "components", "pagerank", "pull", "push", "threads", "isolated", "none isolated",
         "expanded again"},
        [] {
            const CsrGraph graph = generated_graph();
            const TraversalSettings settings = generated_settings(graph);
            RC_TAG(std::string(workload_table(TraversalWorkload{settings})));
            bool isolated = false;
            for (Vertex vertex = 0; vertex < graph.vertices(); ++vertex) {
                isolated = isolated || graph.degree(vertex) == 0;
            }
            RC_CLASSIFY(isolated, "isolated");
            RC_CLASSIFY(!isolated, "none isolated");
            const auto threads = *rc::gen::inRange<unsigned>(1, 5);
            RC_CLASSIFY(threads > 1, "threads");
            const auto pulls = *rc::gen::container<std::vector<bool>>(20, rc::gen::arbitrary<bool>());

            // The first run foretells every wave in both directions before it takes one.
            const auto traversal = make_traversal(graph, settings, 4, 1);
            std::vector<Direction> directions;
            std::vector<WaveWork> waves;
            std::uint64_t held = 0;
            while (!traversal->done()) {
                const bool pull = waves.size() < pulls.size() && pulls[waves.size()];
                RC_CLASSIFY(pull, "pull");
                RC_CLASSIFY(!pull, "push");
                directions.push_back(pull ? Direction::Pull : Direction::Push);
                held += traversal->frontier_vertices();
                const WaveWork pushed = traversal->preview(Direction::Push);
                const WaveWork pulled = traversal->preview(Direction::Pull);
                RC_ASSERT(pushed.discovered == pulled.discovered);
                RC_ASSERT(pushed.frontier_arcs == pulled.frontier_arcs);
                RC_ASSERT(pushed.updates <= pushed.inspected_arcs);
                waves.push_back(traversal->expand(directions.back()));
                RC_ASSERT(waves.back() == (pull ? pulled : pushed));
            }
            RC_CLASSIFY(settings.kind == TraversalKind::ShortestPaths && held > traversal->visited(),
                        "expanded again");
            RC_ASSERT(traversal->result_digest() == oracle_digest(graph, settings));

            const auto shared = make_traversal(graph, settings, 4, WaveThreads{threads, 0});
            RC_ASSERT(traversed(*shared, directions) == waves);
            RC_ASSERT(shared->result_digest() == traversal->result_digest());
        }));
}

/// Checks the oracles themselves: levels are checked above.
TEST(SimulatorLaws, D4_the_oracles_equal_boost_on_any_edge_list) {
    expect_holds(check_property("D4 oracles", 200, {"in pieces"}, [] {
        const CsrGraph graph = generated_graph();
        const TraversalSettings settings = generated_settings(graph);
        using Weights = boost::property<boost::edge_weight_t, std::uint32_t>;
        boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, boost::no_property, Weights> same(
            graph.vertices());
        for (Vertex from = 0; from < graph.vertices(); ++from) {
            for (const Vertex to : graph.neighbours(from)) {
                if (from < to) {
                    boost::add_edge(from, to, arc_weight(from, to, settings.weight_max), same);
                }
            }
        }
        std::vector<std::uint32_t> distances(graph.vertices());
        const Vertex root = settings.root.value_or(0);
        const auto index = boost::get(boost::vertex_index, same);
        boost::dijkstra_shortest_paths(
            same, root,
            boost::distance_map(boost::make_iterator_property_map(distances.begin(), index))
                .distance_inf(kUnreached));
        RC_ASSERT(oracle_distances(graph, root, settings.weight_max) == distances);

        std::vector<std::uint32_t> pieces(graph.vertices());
        const auto count =
            boost::connected_components(same, boost::make_iterator_property_map(pieces.begin(), index));
        RC_CLASSIFY(count > 1, "in pieces");
        // Boost numbers the components; ours are named after their least vertex.
        std::vector<Vertex> least(static_cast<std::size_t>(count), kUnreached);
        for (Vertex vertex = graph.vertices(); vertex-- > 0;) {
            least[pieces[vertex]] = vertex;
        }
        for (std::uint32_t& piece : pieces) {
            piece = least[piece];
        }
        RC_ASSERT(oracle_components(graph) == pieces);
    }));
}

}  // namespace
}  // namespace megabed
