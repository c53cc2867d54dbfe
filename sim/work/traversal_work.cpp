#include "sim/traversals/breadth_first_search.h"
#include "sim/work/simulated_work.h"

#include <algorithm>
#include <limits>
#include <variant>

namespace megabed {
namespace {

class TraversalWork final : public SimulatedWork {
public:
    TraversalWork(const Scenario& scenario, const CsrGraph& graph, const CostModel& costs)
        : scenario_(scenario),
          graph_(graph),
          costs_(costs),
          search_(graph,
                  std::get<TraversalWorkload>(scenario.workload)
                      .traversal.root.value_or(highest_degree_vertex(graph)),
                  scenario.device.heavy_degree) {
        for (Vertex vertex = 0; vertex < graph.vertices(); ++vertex) {
            with_arcs_ += graph.degree(vertex) != 0 ? 1 : 0;
        }
    }

    [[nodiscard]] bool done() const override { return search_.done(); }

    void observe(Observation& observation) override {
        constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
        const auto frontier = static_cast<std::uint32_t>(search_.frontier().size());
        LaunchRequest& request = observation.request;
        request.queue_len = frontier;
        request.graph_node_count = graph_.vertices();
        request.graph_edge_count = static_cast<std::uint32_t>(std::min(graph_.arcs(), kLargest));
        const BasisPoints density = ratio_floor(frontier, graph_.vertices());
        request.frontier_density = frontier == 0 ? density : std::max(density, BasisPoints(1));
        request.expected_hits_per_item = scenario_.expected_hits_per_item.value_or(static_cast<std::uint32_t>(
            std::max<std::uint64_t>(div_ceil<std::uint64_t>(graph_.arcs(), graph_.vertices()), 1)));
        observation.traversal = TraversalTelemetry{search_.frontier_arcs(),
                                                   search_.unexplored_arcs(),
                                                   search_.visited(),
                                                   search_.previous_frontier(),
                                                   pull_ran_,
                                                   with_arcs_ - std::min(with_arcs_, search_.visited())};
    }

    /// Graph, two frontier queues, distances, and the two bitmaps of a pull.
    [[nodiscard]] Bytes resident() const override {
        const std::uint64_t vertices = graph_.vertices();
        return graph_.bytes() + Bytes(12 * vertices + 2 * div_ceil<std::uint64_t>(vertices, 8));
    }

    [[nodiscard]] WorkDone start(const LaunchRecommendation& recommendation, const GrantedGrid& grid) override {
        const bool fused = recommendation.topology == DispatchTopology::FusedDense;
        const std::uint32_t waves_max = fused ? scenario_.fuse_waves_max : 1;
        const Direction direction = direction_of(recommendation.topology);
        WorkDone done;
        for (std::uint32_t wave = 0; wave < waves_max && !search_.done(); ++wave) {
            const WaveWork work = search_.expand(direction);
            done.busy += costs_.wave(recommendation, grid, work, graph_.vertices());
            done.waves += output_passes(recommendation, work.discovered);
            done.items += work.frontier_vertices;
            done.arcs += work.inspected_arcs;
        }
        pull_ran_ = pull_ran_ || direction == Direction::Pull;
        return done;
    }

    [[nodiscard]] std::uint64_t levels() const override { return search_.level(); }

private:
    const Scenario& scenario_;
    const CsrGraph& graph_;
    const CostModel& costs_;
    BreadthFirstSearch search_;
    Vertex with_arcs_ = 0;  ///< vertices that have arcs
    bool pull_ran_ = false;
};

}  // namespace

std::unique_ptr<SimulatedWork> make_traversal_work(const Scenario& scenario, const CsrGraph& graph,
                                                   const CostModel& costs) {
    return std::make_unique<TraversalWork>(scenario, graph, costs);
}

}  // namespace megabed
