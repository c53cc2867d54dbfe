#include "sim/engine/counter_random.h"
#include "sim/graphs/graph_builder.h"
#include "sim/graphs/graph_cache.h"
#include "sim/graphs/graph_source.h"
#include "sim/traversals/breadth_first_search.h"

#include <gtest/gtest.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace megabed {
namespace {

namespace fs = std::filesystem;

const fs::path kGraphs = fs::path(MEGABED_SOURCE_DIR) / "scenarios" / "graphs";

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "megabed.XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() { fs::remove_all(path_); }
    [[nodiscard]] const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

/// The sentence of the builder's header, with sets.
CsrGraph built_naively(Vertex vertices, const EdgeList& list) {
    std::vector<std::set<Vertex>> rows(vertices);
    for (const auto& block : list.blocks()) {
        for (const Edge& edge : block) {
            if (edge.from != edge.to) {
                rows[edge.from].insert(edge.to);
                rows[edge.to].insert(edge.from);
            }
        }
    }
    std::vector<std::uint64_t> offsets{0};
    std::vector<Vertex> targets;
    for (const auto& row : rows) {
        targets.insert(targets.end(), row.begin(), row.end());
        offsets.push_back(targets.size());
    }
    return {offsets, targets};
}

TEST(GraphBuilder, Equals_a_naive_builder) {
    CounterRandom random(20'261'122, 0);
    const auto below = [&](std::uint64_t bound) { return static_cast<Vertex>(random.next() % bound); };
    for (int round = 0; round < 200; ++round) {
        const Vertex vertices = 1 + below(60);
        EdgeList list;
        const unsigned edges = below(300);
        for (unsigned at = 0; at < edges; ++at) {
            list.push_back({below(vertices), below(vertices)});
        }
        const CsrGraph expected = built_naively(vertices, list);
        EXPECT_EQ(build_undirected(vertices, std::move(list)), expected);
    }
}

TEST(GraphSource, Real_graphs_give_the_expected_searches) {
    std::ifstream file(kGraphs / "expected.json");
    const auto expected = nlohmann::json::parse(file);
    ASSERT_EQ(expected.size(), 4U);
    for (const auto& [name, facts] : expected.items()) {
        const auto loaded = load_graph((kGraphs / name).string());
        ASSERT_TRUE(loaded) << to_string(loaded.error());
        const CsrGraph& graph = loaded->graph;
        EXPECT_EQ(graph.vertices(), facts["vertices"]) << name;
        EXPECT_EQ(graph.undirected_edges(), facts["undirected_edges"]) << name;
        EXPECT_EQ(highest_degree_vertex(graph), facts["root"]) << name;
        const Levels levels = search_levels(graph, facts["root"]);
        EXPECT_EQ(levels.reached, facts["reached"]) << name;
        EXPECT_EQ(levels.frontier_sizes.size(), facts["levels"]) << name;
        EXPECT_EQ(levels.max_frontier(), facts["max_frontier"]) << name;
        EXPECT_EQ(levels.frontier_sizes, facts["frontier_sizes"].get<std::vector<std::uint32_t>>()) << name;
    }
}

TEST(GraphSource, Bad_specs_are_refused) {
    const struct {
        const char* spec;
        const char* message;
    } cases[] = {
        {"rmatt:scale=3", "rmatt:scale=3: is no graph generator; allowed: rmat, kronecker"},
        {"rmat:scale=0", "scale: is '0'; allowed: 1 to 24"},
        {"rmat:scale=x", "scale: is 'x'"},
        {"rmat:scael=3", "scael: is no key here; did you mean scale?; allowed: scale"},
        {"rmat:scale=3,scale=4", "scale: is given twice"},
        {"rmat:scale", "'scale' is not a setting; allowed: key=value"},
        {"kronecker:a=0.9,b=0.2", "a + b + c: is 1.29"},
        {"mesh:rows=1048576,columns=1048576", "rows: times columns is 1099511627776"},
        {"mesh:rows=1", "rows: is '1'; allowed: 2 to"},
        {"erdos-renyi:vertices=10,edges=100", "edges: is 100; allowed: fewer than the 45"},
        {"erdos-renyi:vertices=3,edges=3", "edges: is 3; allowed: fewer than the 3 pairs"},
        {"small-world:vertices=10,neighbours=12", "neighbours: is 12"},
        {"small-world:neighbours=3", "neighbours: is 3; allowed: an even number"},
        {"small-world:vertices=9,", "neighbours: is 8; allowed: 2 to 7"},  // Boost would never return
        {"kronecker:scale=31,edge_factor=1024", "bytes of memory; allowed: at most the"},
        {"plod:alpha=nan", "alpha: is 'nan'"},
        {"plod:vertices=11,alpha=0,beta=1e8",
         "beta: is '1e8'; allowed: 1 to 10"},  // once minutes of equal edges
        {"plod:vertices=16777216,alpha=0,beta=1e6", "beta: makes about 16777215000000 edges"},
    };
    for (const auto& bad : cases) {
        const auto graph = load_graph(bad.spec);
        ASSERT_FALSE(graph) << bad.spec;
        EXPECT_NE(to_string(graph.error()).find(bad.message), std::string::npos) << to_string(graph.error());
    }
}

TEST(GraphSource, A_header_that_promises_more_than_the_memory_is_refused) {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "huge.mtx";
    std::ofstream(path) << "%%MatrixMarket matrix coordinate pattern general\n4294967295 4294967295 0\n";
    const auto graph = load_graph(path.string());
    ASSERT_FALSE(graph);
    EXPECT_NE(to_string(graph.error()).find("bytes of memory"), std::string::npos) << to_string(graph.error());
}

TEST(GraphSource, A_graph_without_vertices_is_refused) {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "none.mtx";
    std::ofstream(path) << "%%MatrixMarket matrix coordinate pattern general\n0 0 0\n";
    const auto graph = load_graph(path.string());
    ASSERT_FALSE(graph);
    EXPECT_NE(to_string(graph.error()).find("has no vertex"), std::string::npos);
}

TEST(GraphCache, Gives_back_what_was_stored_until_the_source_changes) {
    const TemporaryFolder folder;
    const fs::path source = folder.path() / "g.txt";
    std::ofstream(source) << "1 2\n";
    const GraphCache cache(folder.path() / "cache");
    EXPECT_FALSE(cache.find(source));
    EdgeList list;
    list.push_back({0, 1});
    list.push_back({2, 1});
    const CsrGraph graph = build_undirected(4, std::move(list));
    cache.store(source, graph, 17);
    const auto entry = cache.find(source);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->graph, graph);
    EXPECT_EQ(entry->arcs_in_file, 17U);
    std::ofstream(source) << "1 2\n2 3\n";
    EXPECT_FALSE(cache.find(source));
}

TEST(GraphCache, Every_truncation_and_every_flipped_bit_is_a_miss) {
    EdgeList list;
    list.push_back({0, 1});
    list.push_back({2, 1});
    const SourceStamp stamp{100, 200};
    const std::string entry = encode_graph(stamp, build_undirected(3, std::move(list)), 2);
    ASSERT_TRUE(decode_graph(stamp, entry));
    EXPECT_FALSE(decode_graph({100, 201}, entry));
    for (std::size_t length = 0; length < entry.size(); ++length) {
        EXPECT_FALSE(decode_graph(stamp, entry.substr(0, length))) << length;
    }
    for (std::size_t at = 0; at < entry.size() * 8; ++at) {
        std::string broken = entry;
        broken[at / 8] = static_cast<char>(broken[at / 8] ^ (1 << at % 8));
        EXPECT_FALSE(decode_graph(stamp, broken)) << at;
    }
}

TEST(GraphCache, A_large_file_loads_from_the_cache_the_second_time) {
    const TemporaryFolder folder;
    ASSERT_EQ(::setenv("MEGABED_CACHE_DIR", (folder.path() / "cache").c_str(), 1), 0);
    const std::string source = (kGraphs / "ego-twitter.mtx.gz").string();
    const auto first = load_graph(source);
    const auto second = load_graph(source);
    ASSERT_EQ(::unsetenv("MEGABED_CACHE_DIR"), 0);
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(first->from_cache);
    EXPECT_TRUE(second->from_cache);
    EXPECT_EQ(first->graph, second->graph);
    EXPECT_EQ(first->arcs_in_file, second->arcs_in_file);
}

TEST(Traversal, Counts_of_a_wave_add_up) {
    // A star of 5 with a tail: hub 0, leaves 1-4, tail 4-5.
    EdgeList list;
    for (Vertex leaf = 1; leaf <= 4; ++leaf) {
        list.push_back({0, leaf});
    }
    list.push_back({4, 5});
    const CsrGraph graph = build_undirected(6, std::move(list));
    BreadthFirstSearch search(graph, 0, 4);
    EXPECT_EQ(search.frontier_arcs(), 4U);
    EXPECT_EQ(search.unexplored_arcs(), 6U);
    const WaveWork first = search.expand(Direction::Push);
    EXPECT_EQ(first.heavy_vertices, 1U);
    EXPECT_EQ(first.heavy_arcs, 4U);
    EXPECT_EQ(first.discovered, 4U);
    EXPECT_EQ(search.unexplored_arcs(), 1U);
    const WaveWork second = search.expand(Direction::Pull);
    EXPECT_EQ(second.scanned_vertices, 1U);
    EXPECT_EQ(second.inspected_arcs, 1U);
    EXPECT_EQ(second.discovered, 1U);
    EXPECT_EQ(search.visited(), 6U);
    EXPECT_EQ(search.previous_frontier(), 4U);
    search.expand(Direction::Push);
    EXPECT_TRUE(search.done());
    EXPECT_EQ(search.waves(), 3U);
}

}  // namespace
}  // namespace megabed
