#include "bench/gpu/baselines/gap_direction.h"

#include "policy/gap_rule.h"
#include "policy/testing/traversal_traces.h"
#include "sim/graphs/graph_source.h"
#include "sim/traversals/traversal.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace megabed {
namespace {

/// Answers along a traversal: by the policy `gap` and by the baselines' copy of its rule.
void expect_same_directions(Trace trace, std::size_t& pulls, std::size_t& pushes) {
    baselines::GapDirection direction(trace.vertices, trace.arcs);
    PolicyState state;
    for (std::size_t at = 0; at < trace.levels.size() && trace.levels[at].frontier != 0; ++at) {
        reference::EffectiveSignals signals;
        signals.topology.queue_len = trace.levels[at].frontier;
        const field::Chosen chosen = field::Gap::choose({}, trace.at(at), signals, state);
        const bool pull = direction.pulls(trace.levels[at].frontier, trace.levels[at].arcs);
        ASSERT_EQ(pull, chosen.choice.topology == DispatchTopology::DenseFrontier) << "level " << at;
        state = chosen.next;
        ++(pull ? pulls : pushes);
    }
}

TEST(GapDirection, Its_constants_are_those_of_the_policy) {
    const GapParameters parameters = LaunchPolicyParameters{}.field.gap;
    EXPECT_EQ(baselines::GapDirection::kAlpha, parameters.alpha);
    EXPECT_EQ(baselines::GapDirection::kBeta, parameters.beta);
}

TEST(GapDirection, It_answers_as_the_policy_along_traversals_of_any_size) {
    TraceSource source(7);
    std::size_t pulls = 0;
    std::size_t pushes = 0;
    for (int round = 0; round < 20'000 && !HasFatalFailure(); ++round) {
        expect_same_directions(source.next(), pulls, pushes);
    }
    EXPECT_GT(pulls, 1000U);
    EXPECT_GT(pushes, 1000U);
}

TEST(GapDirection, It_answers_as_the_policy_along_searches_of_graphs) {
    std::size_t pulls = 0;
    std::size_t pushes = 0;
    for (const char* const spec : {"kronecker:scale=12,edge_factor=16,seed=1", "mesh:rows=60,columns=60",
                                   "erdos-renyi:vertices=3000,edges=2500"}) {
        const CsrGraph graph = load_graph(spec).value().graph;
        Trace trace{graph.vertices(), static_cast<std::uint32_t>(graph.arcs()), {}};
        for (const auto search = make_traversal(graph, {}, 512); !search->done();
             (void)search->expand(Direction::Push)) {
            trace.add(search->frontier_vertices(), search->frontier_arcs());
        }
        SCOPED_TRACE(spec);
        expect_same_directions(trace, pulls, pushes);
    }
    EXPECT_GT(pulls, 3U);
    EXPECT_GT(pushes, 20U);
}

}  // namespace
}  // namespace megabed
