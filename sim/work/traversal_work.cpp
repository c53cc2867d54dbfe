#include "sim/traversals/traversal.h"
#include "sim/work/simulated_work.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <thread>
#include <variant>

namespace megabed {
namespace {

class TraversalWork final : public SimulatedWork {
public:
    TraversalWork(const Scenario& scenario, const CsrGraph& graph, const CostModel& costs)
        : scenario_(scenario),
          graph_(graph),
          costs_(costs),
          traversal_(make_traversal(graph, std::get<TraversalWorkload>(scenario.workload).traversal,
                                    scenario.device.heavy_degree,
                                    std::max(std::thread::hardware_concurrency(), 1U))) {}

    [[nodiscard]] bool done() const override { return traversal_->done(); }

    void observe(Observation& observation) override {
        constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
        const auto frontier = traversal_->frontier_vertices();
        LaunchRequest& request = observation.request;
        request.queue_len = frontier;
        request.graph_node_count = graph_.vertices();
        request.graph_edge_count = static_cast<std::uint32_t>(std::min(graph_.arcs(), kLargest));
        const BasisPoints density = ratio_floor(frontier, graph_.vertices());
        request.frontier_density = frontier == 0 ? density : std::max(density, BasisPoints(1));
        request.expected_hits_per_item = scenario_.expected_hits_per_item.value_or(static_cast<std::uint32_t>(
            std::max<std::uint64_t>(div_ceil<std::uint64_t>(graph_.arcs(), graph_.vertices()), 1)));
        observation.traversal =
            TraversalTelemetry{traversal_->frontier_arcs(), traversal_->unexplored_arcs(),
                               traversal_->visited(), traversal_->previous_frontier(), pull_ran_};
    }

    [[nodiscard]] Bytes resident() const override { return graph_.bytes() + Bytes(traversal_->state_bytes()); }

    [[nodiscard]] WorkDone start(const LaunchRecommendation& recommendation, const GrantedGrid& grid) override {
        const bool fused = recommendation.topology == DispatchTopology::FusedDense;
        const std::uint32_t waves_max = fused ? scenario_.fuse_waves_max : 1;
        const Direction direction = direction_of(recommendation.topology);
        WorkDone done;
        for (std::uint32_t wave = 0; wave < waves_max && !traversal_->done(); ++wave) {
            const WaveWork work = traversal_->expand(direction);
            done.busy += costs_.wave(recommendation, grid, work, graph_.vertices());
            done.waves += output_passes(recommendation, work.discovered);
            done.items += work.frontier_vertices;
            done.arcs += work.inspected_arcs;
        }
        pull_ran_ = pull_ran_ || direction == Direction::Pull;
        return done;
    }

    [[nodiscard]] std::uint64_t levels() const override { return traversal_->waves(); }

private:
    const Scenario& scenario_;
    const CsrGraph& graph_;
    const CostModel& costs_;
    std::unique_ptr<Traversal> traversal_;
    bool pull_ran_ = false;
};

}  // namespace

std::unique_ptr<SimulatedWork> make_traversal_work(const Scenario& scenario, const CsrGraph& graph,
                                                   const CostModel& costs) {
    return std::make_unique<TraversalWork>(scenario, graph, costs);
}

}  // namespace megabed
