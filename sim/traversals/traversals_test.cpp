#include "sim/engine/thread_team.h"
#include "sim/graphs/graph_builder.h"
#include "sim/graphs/graph_source.h"
#include "sim/traversals/arc_weight.h"
#include "sim/traversals/breadth_first_search.h"
#include "sim/traversals/connected_components.h"
#include "sim/traversals/oracles.h"
#include "sim/traversals/page_rank.h"
#include "sim/traversals/shortest_paths.h"
#include "sim/traversals/traversal.h"
#include "sim/traversals/wave_traversal.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

namespace megabed {
namespace {

constexpr std::array kKinds{TraversalKind::BreadthFirst, TraversalKind::ShortestPaths,
                            TraversalKind::Components, TraversalKind::PageRank};
constexpr std::uint64_t kHeavy = 16;

TraversalSettings settings_of(TraversalKind kind) {
    TraversalSettings settings;
    settings.kind = kind;
    return settings;
}

CsrGraph graph_of(Vertex vertices, const std::vector<Edge>& edges) {
    EdgeList list;
    for (const Edge& edge : edges) {
        list.push_back(edge);
    }
    return build_undirected(vertices, std::move(list));
}

CsrGraph generated(const std::string& spec) { return load_graph(spec).value().graph; }

/// Pushes and pulls in a fixed pattern that has both after both.
Direction direction_at(std::uint32_t wave, std::uint32_t pattern) {
    return (pattern >> wave % 8 & 1) != 0 ? Direction::Pull : Direction::Push;
}

/// The work of every wave, directions by `pattern`; each was foretold.
std::vector<WaveWork> run_through(Traversal& traversal, std::uint32_t pattern) {
    std::vector<WaveWork> waves;
    while (!traversal.done()) {
        const Direction direction = direction_at(traversal.waves(), pattern);
        const WaveWork foretold = traversal.preview(direction);
        waves.push_back(traversal.expand(direction));
        EXPECT_EQ(waves.back(), foretold) << "wave " << waves.size();
        EXPECT_EQ(waves.back().discovered, traversal.frontier_vertices());
    }
    return waves;
}

/// A path of three edges beside a direct one, in each kind of place: 0-1-2-3, 0-3, and 4 on its own.
CsrGraph small_graph() { return graph_of(5, {{0, 1}, {1, 2}, {2, 3}, {0, 3}}); }

TEST(Traversals, Every_kind_gives_what_its_oracle_gives_in_any_direction_on_any_number_of_threads) {
    for (const char* const spec : {"kronecker:scale=9,edge_factor=8,seed=3", "mesh:rows=9,columns=31",
                                   "erdos-renyi:vertices=900,edges=700,seed=2",
                                   "small-world:vertices=500,neighbours=4,rewire=0.1,seed=1"}) {
        const CsrGraph graph = generated(spec);
        for (const TraversalKind kind : kKinds) {
            TraversalSettings settings = settings_of(kind);
            settings.tolerance_ppm = 5000;
            const std::uint64_t expected = oracle_digest(graph, settings);
            std::vector<WaveWork> alone;
            for (const std::uint32_t pattern : {0U, 0xFFU, 0b0110'0101U}) {
                for (const unsigned threads : {1U, 3U}) {
                    const auto traversal = make_traversal(graph, settings, kHeavy, WaveThreads{threads, 0});
                    const auto waves = run_through(*traversal, pattern);
                    EXPECT_EQ(traversal->result_digest(), expected) << spec << " pattern " << pattern;
                    EXPECT_EQ(traversal->waves(), waves.size());
                    alone = threads == 1 ? waves : alone;
                    EXPECT_EQ(waves, alone) << spec << " on " << threads << " threads";
                }
            }
        }
    }
}

TEST(Traversals, A_large_push_is_counted_as_a_push_whichever_way_it_is_done) {
    const CsrGraph graph = generated("kronecker:scale=13,edge_factor=16,seed=3");
    for (const TraversalKind kind : kKinds) {
        TraversalSettings settings = settings_of(kind);
        settings.tolerance_ppm = 5000;
        const auto traversal = make_traversal(graph, settings, kHeavy, 2);
        std::uint64_t most = 0;
        for (const WaveWork& work : run_through(*traversal, 0)) {
            EXPECT_EQ(work.scanned_vertices, 0U);
            EXPECT_EQ(work.inspected_arcs, work.frontier_arcs);
            most = std::max(most, work.frontier_arcs);
            if (kind == TraversalKind::BreadthFirst) {
                EXPECT_EQ(work.updates, work.discovered);
            }
        }
        EXPECT_GT(most, 100'000U);
        EXPECT_EQ(traversal->result_digest(), oracle_digest(graph, settings));
    }
}

TEST(Traversals, A_preview_of_a_few_vertices_in_a_large_graph_leaves_nothing_behind) {
    const CsrGraph graph = generated("mesh:rows=64,columns=64");
    TraversalSettings settings;
    settings.root = 0;
    const auto search = make_traversal(graph, settings, kHeavy);
    EXPECT_EQ(run_through(*search, 0b0011'0101).size(), 127U);
    EXPECT_EQ(search->result_digest(), oracle_digest(graph, settings));
}

TEST(Traversals, A_graph_without_edges_is_done_after_one_wave) {
    const CsrGraph graph = graph_of(3, {});
    for (const TraversalKind kind : kKinds) {
        for (const std::uint32_t pattern : {0U, 1U}) {
            const auto traversal = make_traversal(graph, settings_of(kind), kHeavy);
            EXPECT_EQ(run_through(*traversal, pattern).size(), 1U);
            EXPECT_EQ(traversal->result_digest(), oracle_digest(graph, settings_of(kind)));
        }
    }
}

TEST(Traversals, A_run_from_a_checkpoint_equals_one_that_was_not_interrupted) {
    const CsrGraph graph = generated("kronecker:scale=9,edge_factor=6,seed=4");
    for (const TraversalKind kind : kKinds) {
        const TraversalSettings settings = settings_of(kind);
        const auto whole = make_traversal(graph, settings, kHeavy);
        const std::vector<WaveWork> waves = run_through(*whole, 0b0101'0011);
        ASSERT_GT(waves.size(), 3U);
        for (std::size_t stop = 0; stop <= waves.size(); ++stop) {
            const auto first =
                make_traversal(graph, settings, kHeavy, WaveThreads{static_cast<unsigned>(1 + stop % 2), 0});
            for (std::size_t wave = 0; wave < stop; ++wave) {
                first->expand(direction_at(first->waves(), 0b0101'0011));
            }
            std::stringstream file;
            {
                CheckpointWriter writer(file);
                first->save(writer);
            }
            const auto second = make_traversal(graph, settings, kHeavy);
            second->expand(Direction::Push);  // what it did before does not show
            CheckpointReader reader(file);
            second->load(reader);
            EXPECT_EQ(second->done(), first->done());
            EXPECT_EQ(second->frontier_arcs(), first->frontier_arcs());
            EXPECT_EQ(second->unexplored_arcs(), first->unexplored_arcs());
            EXPECT_EQ(second->visited(), first->visited());
            EXPECT_EQ(second->previous_frontier(), first->previous_frontier());
            const std::vector<WaveWork> rest = run_through(*second, 0b0101'0011);
            EXPECT_EQ(rest,
                      std::vector<WaveWork>(waves.begin() + static_cast<std::ptrdiff_t>(stop), waves.end()));
            EXPECT_EQ(second->result_digest(), whole->result_digest());
            EXPECT_EQ(second->waves(), whole->waves());
        }
    }
}

TEST(Traversals, A_checkpoint_does_not_depend_on_the_thread_count) {
    const CsrGraph graph = generated("kronecker:scale=10,edge_factor=6,seed=4");
    for (const TraversalKind kind : kKinds) {
        std::string files[2];
        for (unsigned threads = 1; threads <= 2; ++threads) {
            const auto traversal = make_traversal(graph, settings_of(kind), kHeavy, WaveThreads{threads, 0});
            traversal->expand(Direction::Push);
            traversal->expand(Direction::Push);
            std::stringstream file;
            {
                CheckpointWriter writer(file);
                traversal->save(writer);
            }
            files[threads - 1] = file.str();
        }
        EXPECT_EQ(files[0], files[1]);
    }
}

TEST(Traversals, A_search_counts_what_the_pull_looked_at_up_to_the_first_parent) {
    // 0 and 1 are joined to 3; 2 to 3 only; 4 is alone.
    const CsrGraph graph = graph_of(5, {{0, 1}, {0, 3}, {1, 3}, {2, 3}});
    BreadthFirstSearch search(graph, 0, 3);
    search.expand(Direction::Push);
    const WaveWork work = search.expand(Direction::Pull);
    EXPECT_EQ(work.frontier_vertices, 2U);
    EXPECT_EQ(work.frontier_arcs, 5U);
    EXPECT_EQ(work.heaviest_vertex_arcs, 3U);
    EXPECT_EQ(work.heavy_vertices, 1U);
    EXPECT_EQ(work.heavy_arcs, 3U);
    EXPECT_EQ(work.scanned_vertices, 1U);  // what has no arcs is not looked at
    EXPECT_EQ(work.inspected_arcs, 1U);
    EXPECT_EQ(work.updates, 1U);
    EXPECT_EQ(std::vector<std::uint32_t>(search.values().begin(), search.values().end()),
              (std::vector<std::uint32_t>{0, 1, 2, 1, kUnreached}));
    EXPECT_EQ(search.visited(), 4U);
    EXPECT_EQ(search.unexplored_arcs(), 0U);
    EXPECT_EQ(search.state_bytes(), 12U * 5 + 2);
    EXPECT_EQ(ShortestPaths(graph, 0, 1, 1, 3).state_bytes(), 4U * 8 + 16 * 5 + 2);
    EXPECT_EQ(ConnectedComponents(graph, 3).state_bytes(), 16U * 5 + 2);
    EXPECT_EQ(PageRank(graph, 8500, 100, 3).state_bytes(), 40U * 5 + 2);
}

TEST(Traversals, Weights_are_a_function_of_the_edge_within_their_range) {
    std::uint32_t least = kUnreached;
    std::uint32_t most = 0;
    for (Vertex from = 0; from < 60; ++from) {
        for (Vertex to = 0; to < 60; ++to) {
            EXPECT_EQ(arc_weight(from, to, 7), arc_weight(to, from, 7));
            least = std::min(least, arc_weight(from, to, 7));
            most = std::max(most, arc_weight(from, to, 7));
        }
    }
    EXPECT_EQ(least, 1U);
    EXPECT_EQ(most, 7U);
}

TEST(Traversals, With_buckets_wider_than_any_path_shortest_paths_are_plain_relaxation_in_rounds) {
    const CsrGraph graph = small_graph();
    ShortestPaths paths(graph, 0, 10, 1'000'000, kHeavy);
    const WaveWork first = paths.expand(Direction::Push);
    EXPECT_EQ(first.arc_bytes, 8U);
    EXPECT_EQ(first.updates, 2U);
    EXPECT_EQ(first.discovered, 2U);
    EXPECT_EQ(paths.values()[1], arc_weight(0, 1, 10));
    EXPECT_EQ(paths.values()[3], arc_weight(0, 3, 10));
    EXPECT_EQ(paths.values()[2], kUnreached);
    // Both ends reach 2 in the same wave: two arcs gain against the distance at its start, one is kept.
    const WaveWork second = paths.preview(Direction::Push);
    EXPECT_GE(second.updates, 2U);
    const WaveWork pulled = paths.expand(Direction::Pull);
    EXPECT_EQ(pulled.scanned_vertices, 4U);  // all but the root
    EXPECT_EQ(pulled.inspected_arcs, 6U);
    EXPECT_EQ(pulled.updates, pulled.discovered);
    EXPECT_EQ(paths.values()[2], std::min(arc_weight(0, 1, 10) + arc_weight(1, 2, 10),
                                          arc_weight(0, 3, 10) + arc_weight(3, 2, 10)));
}

TEST(Traversals, With_buckets_of_one_each_vertex_is_expanded_once_in_the_order_of_distance) {
    const CsrGraph graph = generated("small-world:vertices=300,neighbours=4,rewire=0.2,seed=7");
    ShortestPaths paths(graph, 0, 50, 1, kHeavy);
    std::uint32_t held = 0;
    std::uint32_t last = 0;
    for (bool first = true; !paths.done(); first = false) {
        const std::uint32_t distance = paths.values()[paths.frontier().front()];
        for (const Vertex vertex : paths.frontier()) {
            EXPECT_EQ(paths.values()[vertex], distance);
        }
        EXPECT_TRUE(first || distance > last);
        last = distance;
        held += paths.frontier_vertices();
        EXPECT_EQ(paths.visited(), held);
        paths.expand(direction_at(paths.waves(), 0b10));
    }
    EXPECT_EQ(held, 300U);
    EXPECT_EQ(paths.unexplored_arcs(), 0U);
}

TEST(Traversals, A_distance_stops_below_the_mark_of_the_unreached) {
    // A path so long that its distances leave 32 bits.
    constexpr Vertex kVertices = 12;
    std::vector<Edge> edges;
    for (Vertex at = 1; at < kVertices; ++at) {
        edges.push_back({at - 1, at});
    }
    const CsrGraph graph = graph_of(kVertices, edges);
    TraversalSettings settings = settings_of(TraversalKind::ShortestPaths);
    settings.root = 0;
    settings.weight_max = kUnreached;
    for (const std::uint32_t pattern : {0U, 0xFFU}) {
        const auto paths = make_traversal(graph, settings, kHeavy);
        run_through(*paths, pattern);
        EXPECT_EQ(paths->visited(), kVertices);
        EXPECT_EQ(paths->result_digest(), oracle_digest(graph, settings));
    }
    EXPECT_EQ(oracle_distances(graph, 0, kUnreached).back(), kUnreached - 1);
}

TEST(Traversals, Labels_start_as_ids_and_a_vertex_is_active_again_when_its_label_falls) {
    const CsrGraph graph = small_graph();
    ConnectedComponents components(graph, kHeavy);
    EXPECT_EQ(components.visited(), 5U);
    EXPECT_EQ(components.unexplored_arcs(), 0U);
    const WaveWork work = components.expand(Direction::Push);
    EXPECT_EQ(work.frontier_vertices, 5U);
    EXPECT_EQ(work.updates, 4U);  // one direction of every edge lowers
    EXPECT_EQ(work.discovered, 3U);
    // Labels at the start of the wave count: 2 is at 1 although 1 has become 0.
    EXPECT_EQ(components.values()[2], 1U);
    const WaveWork pulled = components.expand(Direction::Pull);
    EXPECT_EQ(pulled.scanned_vertices, 5U);
    EXPECT_EQ(pulled.inspected_arcs, 8U);
    EXPECT_EQ(pulled.updates, 1U);
    EXPECT_EQ(components.values()[2], 0U);
    EXPECT_EQ(components.values()[4], 4U);
}

TEST(Traversals, Ranks_are_below_the_exact_solution_by_no_more_than_what_was_not_handed_on) {
    const CsrGraph graph = generated("kronecker:scale=9,edge_factor=8,seed=6");
    constexpr double kDamping = 0.85;
    constexpr double kOne = 4294967296.0;
    for (const std::uint32_t tolerance_ppm : {1U, 100U, 20'000U}) {
        PageRank pages(graph, 8500, tolerance_ppm, kHeavy);
        std::uint64_t divisions = 0;
        while (!pages.done()) {
            divisions += pages.frontier_arcs() + pages.frontier_vertices();
            pages.expand(direction_at(pages.waves(), 0b0100'0111));
        }
        std::vector<double> exact(graph.vertices(), 1 - kDamping);
        for (int round = 0; round < 300; ++round) {
            std::vector<double> next(graph.vertices(), 1 - kDamping);
            for (Vertex from = 0; from < graph.vertices(); ++from) {
                for (const Vertex to : graph.neighbours(from)) {
                    next[to] += kDamping * exact[from] / static_cast<double>(graph.degree(from));
                }
            }
            exact = std::move(next);
        }
        // A residual r that stays adds at most r / (1 - damping) to the sum of all ranks, and so does what a
        // rounded-down division loses, less than 1 unit for each arc and each vertex expanded.
        const double left = graph.vertices() * (tolerance_ppm / 1e6) + static_cast<double>(divisions) / kOne;
        double short_by = 0;
        for (Vertex vertex = 0; vertex < graph.vertices(); ++vertex) {
            const double gap = exact[vertex] - static_cast<double>(pages.values()[vertex]) / kOne;
            EXPECT_GT(gap, -1e-9);
            short_by += gap;
        }
        EXPECT_LE(short_by, left / (1 - kDamping));
    }
}

TEST(Traversals, A_tolerance_that_no_residual_exceeds_leaves_every_rank_at_zero) {
    const CsrGraph graph = small_graph();
    PageRank pages(graph, 8500, 150'000, kHeavy);
    EXPECT_FALSE(pages.done());  // 0.15 is above 4294 * 150000 units of 2^-32
    PageRank none(graph, 8500, 150'100, kHeavy);
    EXPECT_TRUE(none.done());
    EXPECT_EQ(none.visited(), 0U);
    EXPECT_EQ(none.unexplored_arcs(), graph.arcs());
    EXPECT_EQ(none.result_digest(), digest_of_values(oracle_ranks(graph, 8500, 150'100)));
}

TEST(Traversals, A_pull_of_ranks_writes_the_vertices_that_are_handed_something) {
    const CsrGraph graph = small_graph();
    PageRank pages(graph, 8500, 100, kHeavy);
    const WaveWork pushed = pages.preview(Direction::Push);
    EXPECT_EQ(pushed.updates, 8U);
    EXPECT_EQ(pushed.inspected_arcs, 8U);
    EXPECT_EQ(pushed.value_bytes, 8U);
    const WaveWork pulled = pages.expand(Direction::Pull);
    EXPECT_EQ(pulled.updates, 4U);  // not the vertex on its own
    EXPECT_EQ(pulled.discovered, pushed.discovered);
}

TEST(Traversals, A_thread_team_calls_every_member_in_every_round) {
    ThreadTeam team(3);
    std::array<int, 3> calls{};
    for (int round = 0; round < 500; ++round) {
        team.run([&](unsigned number) { ++calls[number]; });
    }
    EXPECT_EQ(calls, (std::array{500, 500, 500}));
    const ThreadTeam never_used(4);
    EXPECT_EQ(never_used.size(), 4U);
}

}  // namespace
}  // namespace megabed
