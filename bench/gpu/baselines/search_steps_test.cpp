// The baselines' device functions on lanes that are threads of the host: a search made of them comes to the
// oracle's levels, whatever the order of pushes and pulls.
#include "bench/gpu/baselines/search_steps.cuh"
#include "bench/gpu/baselines/gap_direction.h"
#include "sim/graphs/graph_source.h"
#include "sim/traversals/arc_weight.h"
#include "sim/traversals/oracles.h"
#include "sim/traversals/traversal.h"

#include <gtest/gtest.h>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace megabed::baselines {
namespace {

constexpr std::uint32_t kLanes = 64;

struct Steps {
    std::uint32_t pushes = 0;
    std::uint32_t pulls = 0;
    std::uint32_t unpacked = 0;
};

/// A search in host memory. `pulls`: asked before every wave.
class HostSearch {
public:
    explicit HostSearch(const CsrGraph& graph) : graph_(graph), row_(std::size_t{graph.vertices()} + 1) {
        for (Vertex vertex = 0; vertex < graph.vertices(); ++vertex) {
            row_[vertex + std::size_t{1}] = row_[vertex] + static_cast<std::uint32_t>(graph.degree(vertex));
            const auto neighbours = graph.neighbours(vertex);
            column_.insert(column_.end(), neighbours.begin(), neighbours.end());
        }
    }

    std::vector<std::uint32_t> run(Vertex root, const std::function<bool(const Wave&)>& pulls, Steps& steps) {
        const std::uint32_t vertices = graph_.vertices();
        std::vector<std::uint32_t> level(vertices, kUnreached);
        std::vector<std::uint32_t> visited[2];
        std::vector<QueueEntry> queue[2];
        for (int which = 0; which < 2; ++which) {
            visited[which].resize((vertices + 31) / 32);
            queue[which].resize(vertices);
        }
        SharedTally tally[4];
        const SearchArrays arrays{vertices,
                                  static_cast<std::uint32_t>(graph_.arcs()),
                                  row_.data(),
                                  column_.data(),
                                  level.data(),
                                  {visited[0].data(), visited[1].data()},
                                  {queue[0].data(), queue[1].data()},
                                  tally,
                                  tally + 3,
                                  nullptr};
        level[root] = 0;
        visited[0][root / 32] = std::uint32_t{1} << root % 32;
        queue[0][0] = {root, 0};
        Wave wave;
        wave.frontier = gpu::tally(1, static_cast<std::uint32_t>(graph_.degree(root)));
        bool queue_filled = true;
        while (gpu::tally_vertices(wave.frontier) != 0) {
            const SharedTally& counts = tally[wave.depth % 3];
            if (pulls(wave)) {
                host_lanes::run_grid(2, kLanes, [&] { pull<kLanes>(arrays, wave); });
                wave.pulled(counts.tally);
                queue_filled = false;
                ++steps.pulls;
                continue;
            }
            if (!queue_filled) {
                host_lanes::run_grid(2, kLanes, [&] { queue_of_bitmaps(arrays, wave); });
                EXPECT_EQ(arrays.unpacked->tally, wave.frontier);
                ++steps.unpacked;
            }
            host_lanes::run_grid(1 + wave.depth % 3, kLanes, [&] { push(arrays, wave); });
            wave.pushed(counts.tally);
            queue_filled = true;
            ++steps.pushes;
        }
        return level;
    }

private:
    const CsrGraph& graph_;
    std::vector<std::uint32_t> row_;
    std::vector<Vertex> column_;
};

/// By the rule, at random, and pulls alone.
TEST(SearchSteps, Searches_made_of_them_come_to_the_oracles_levels) {
    Steps steps;
    for (const char* const spec : {"kronecker:scale=9,edge_factor=16,seed=1", "mesh:rows=13,columns=17",
                                   "erdos-renyi:vertices=300,edges=250", "erdos-renyi:vertices=40,edges=700",
                                   "mesh:rows=2,columns=2", "small-world:vertices=200,neighbours=6,seed=2"}) {
        const CsrGraph graph = load_graph(spec).value().graph;
        HostSearch search(graph);
        std::uint32_t random = 12'345;
        for (const Vertex root : {highest_degree_vertex(graph), Vertex{0}, graph.vertices() - 1}) {
            GapDirection direction(graph.vertices(), graph.arcs());
            const std::function<bool(const Wave&)> choices[] = {
                [&](const Wave& wave) {
                    return direction.pulls(gpu::tally_vertices(wave.frontier), gpu::tally_arcs(wave.frontier));
                },
                [&](const Wave&) { return ((random = random * 1'664'525 + 1'013'904'223) >> 31) != 0; },
                [](const Wave&) { return true; }};
            for (const auto& choice : choices) {
                ASSERT_EQ(search.run(root, choice, steps), oracle_levels(graph, root))
                    << spec << " from " << root << ", choice " << &choice - choices;
            }
        }
    }
    EXPECT_GT(steps.pushes, 50U);
    EXPECT_GT(steps.pulls, 50U);
    EXPECT_GT(steps.unpacked, 10U);
}

/// A queue with entries that have no arcs at both ends and between: shares begin anywhere in it.
TEST(SearchSteps, The_entry_of_an_arc_is_the_last_that_begins_at_it_or_before) {
    std::vector<QueueEntry> queue;
    std::uint32_t arcs = 0;
    for (std::uint32_t at = 0; at < 1500; ++at) {
        queue.push_back({at, arcs});
        arcs += at % 7 == 3 ? 5 : at % 2;
    }
    for (const std::uint32_t count : {1U, 2U, 31U, 32U, 33U, 1024U, 1025U, 1500U}) {
        const std::uint32_t end = count < queue.size() ? queue[count].first_arc : arcs;
        for (std::uint32_t arc = 0; arc < std::max(end, 1U); arc += 1 + end / 40) {
            std::uint32_t wanted = 0;
            for (std::uint32_t at = 0; at < count; ++at) {
                wanted = queue[at].first_arc <= arc ? at : wanted;
            }
            host_lanes::run_grid(1, 32, [&] {
                if (find_entry(queue.data(), count, arc) != wanted) {
                    ADD_FAILURE() << "arc " << arc << " of " << count << " entries";
                }
            });
        }
    }
}

}  // namespace
}  // namespace megabed::baselines
