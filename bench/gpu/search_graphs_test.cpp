#include "bench/gpu/search_graphs.h"

#include "sim/traversals/oracles.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <string>

namespace megabed {
namespace {

TEST(SearchGraphs, All_are_measured_on_unless_some_are_named) {
    const auto all = chosen_graphs({});
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 4U);
    EXPECT_EQ(all->at(0).spec, "kronecker:scale=16,edge_factor=8,seed=1");
    EXPECT_EQ(all->at(2).spec, "kronecker:scale=22,edge_factor=16,seed=1");
    const auto two = chosen_graphs({"mesh", "16"});
    ASSERT_TRUE(two);
    ASSERT_EQ(two->size(), 2U);
    EXPECT_EQ(two->at(0).name, "16");
    EXPECT_EQ(two->at(1).spec, "mesh:rows=1024,columns=1024");
}

TEST(SearchGraphs, Another_name_is_refused_with_those_that_are_known) {
    const auto refused = chosen_graphs({"16", "17"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(to_string(refused.error()),
              "search_benchmark: '17' is no graph to measure on; allowed: 16, 20, 22, mesh");
}

TEST(SearchGraphs, Sources_lie_in_the_component_of_most_edges_and_its_edges_are_what_a_search_reaches) {
    const auto graph = SearchGraph::of("erdos-renyi:vertices=3000,edges=2500");
    ASSERT_TRUE(graph) << to_string(graph.error());
    ASSERT_EQ((*graph)->sources().size(), kSearchSources);
    for (std::size_t source = 0; source < kSearchSources; ++source) {
        const auto& levels = (*graph)->levels_from(source);
        std::uint64_t arcs = 0;
        for (Vertex vertex = 0; vertex < levels.size(); ++vertex) {
            arcs += levels[vertex] == 0xFFFF'FFFF ? 0 : (*graph)->graph().degree(vertex);
        }
        EXPECT_EQ(levels[(*graph)->sources()[source].root], 0U);
        EXPECT_DOUBLE_EQ((*graph)->sources()[source].undirected_edges * 2, static_cast<double>(arcs));
    }
    const auto other = SearchGraph::of("mesh:rows=4,columns=5");
    ASSERT_TRUE(other);
    EXPECT_EQ((*other)->graph().vertices(), 20U);
    EXPECT_EQ((*other)->distances(), oracle_distances((*other)->graph(), (*other)->sources()[0].root, 255));
    EXPECT_FALSE(SearchGraph::of("no-such-graph:x=1"));
}

TEST(SearchGraphs, The_median_of_an_even_number_is_the_upper_one) {
    EXPECT_EQ(median({4, 1, 3, 2}), 3);
    EXPECT_EQ(median({7}), 7);
}

}  // namespace
}  // namespace megabed
