#include "bench/gpu/baselines/baseline_search.h"

#include "gpu/device_policy.h"
#include "sim/graphs/graph_source.h"
#include "sim/traversals/arc_weight.h"
#include "sim/traversals/oracles.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace megabed {
namespace {

struct Named {
    const char* name;
    baselines::MakeSearch* make;

    friend std::ostream& operator<<(std::ostream& out, const Named& search) { return out << search.name; }
};
constexpr Named kSearches[] = {{"launch_per_wave", &baselines::launch_per_wave_search},
                               {"graph_replay", &baselines::graph_replay_search},
                               {"persistent", &baselines::persistent_search}};

/// Each skips where there is no card.
class BaselineSearches : public ::testing::TestWithParam<Named> {
protected:
    void SetUp() override {
        if (const auto device = cuda_device_name(); !device) {
            GTEST_SKIP() << to_string(device.error());
        }
    }
};

/// Levels that are expanded: all that hold a vertex.
std::uint32_t waves_of(const std::vector<std::uint32_t>& levels) {
    std::uint32_t waves = 0;
    for (const std::uint32_t level : levels) {
        waves = level == kUnreached ? waves : std::max(waves, level + 1);
    }
    return waves;
}

TEST_P(BaselineSearches, Levels_and_waves_are_the_oracles_from_any_root_again_and_again) {
    for (const char* const spec :
         {"kronecker:scale=14,edge_factor=16,seed=1", "rmat:scale=10,edge_factor=8,seed=5",
          "mesh:rows=70,columns=65", "erdos-renyi:vertices=3000,edges=2500", "mesh:rows=2,columns=2",
          "mesh:rows=2,columns=500", "erdos-renyi:vertices=40,edges=700",
          "small-world:vertices=2000,neighbours=6,seed=2"}) {
        SCOPED_TRACE(spec);
        const CsrGraph graph = load_graph(spec).value().graph;
        auto search = GetParam().make(graph);
        ASSERT_TRUE(search) << to_string(search.error());
        for (std::uint32_t round = 0; round < 6; ++round) {
            const auto root = round == 0 ? highest_degree_vertex(graph)
                                         : static_cast<Vertex>(round * 2'654'435'761U % graph.vertices());
            const auto ran = (*search)->run(root);
            ASSERT_TRUE(ran) << to_string(ran.error());
            const auto levels = (*search)->levels();
            ASSERT_TRUE(levels) << to_string(levels.error());
            const auto wanted = oracle_levels(graph, root);
            ASSERT_EQ(*levels, wanted) << "root " << root;
            EXPECT_EQ((*search)->waves(), waves_of(wanted)) << "root " << root;
            EXPECT_GT((*search)->seconds(), 0);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, BaselineSearches, ::testing::ValuesIn(kSearches),
                         [](const auto& search) { return std::string(search.param.name); });

}  // namespace
}  // namespace megabed
