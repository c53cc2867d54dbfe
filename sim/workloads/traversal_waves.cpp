#include "sim/workloads/wave_source.h"

#include <algorithm>
#include <limits>
#include <variant>

namespace megabed {
namespace {

class TraversalWaves final : public WaveSource {
public:
    TraversalWaves(const Scenario& scenario, const CsrGraph& graph, unsigned threads)
        : graph_(graph),
          expected_hits_(scenario.expected_hits_per_item.value_or(mean_degree(graph))),
          traversal_(make_traversal(graph, std::get<TraversalWorkload>(scenario.workload).traversal,
                                    scenario.device.heavy_degree, threads)) {
        for (Vertex vertex = 0; vertex < graph.vertices(); ++vertex) {
            with_arcs_ += graph.degree(vertex) != 0 ? 1 : 0;
        }
    }

    [[nodiscard]] bool done() const override { return traversal_->done(); }

    void observe(Observation& observation) const override {
        constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
        const std::uint32_t frontier = traversal_->frontier_vertices();
        LaunchRequest& request = observation.request;
        request.queue_len = frontier;
        request.graph_node_count = graph_.vertices();
        request.graph_edge_count = static_cast<std::uint32_t>(std::min(graph_.arcs(), kLargest));
        const BasisPoints density = ratio_floor(frontier, graph_.vertices());
        request.frontier_density = frontier == 0 ? density : std::max(density, BasisPoints(1));
        request.expected_hits_per_item = expected_hits_;
        observation.traversal = TraversalTelemetry{traversal_->frontier_arcs(),
                                                   traversal_->unexplored_arcs(),
                                                   traversal_->visited(),
                                                   traversal_->previous_frontier(),
                                                   pull_ran_,
                                                   with_arcs_ - std::min(with_arcs_, traversal_->visited())};
    }

    [[nodiscard]] Bytes resident() const override { return graph_.bytes() + Bytes(traversal_->state_bytes()); }
    [[nodiscard]] std::uint32_t vertices() const override { return graph_.vertices(); }
    [[nodiscard]] WaveWork preview(Direction direction) const override {
        return traversal_->preview(direction);
    }
    WaveWork advance(Direction direction) override {
        pull_ran_ = pull_ran_ || direction == Direction::Pull;
        return traversal_->expand(direction);
    }
    [[nodiscard]] std::uint64_t levels() const override { return traversal_->waves(); }
    [[nodiscard]] std::uint64_t result_digest() const override { return traversal_->result_digest(); }

    void save(CheckpointWriter& writer) const override {
        writer << pull_ran_;
        traversal_->save(writer);
    }
    void load(CheckpointReader& reader) override {
        reader >> pull_ran_;
        traversal_->load(reader);
    }

private:
    static std::uint32_t mean_degree(const CsrGraph& graph) {
        return static_cast<std::uint32_t>(
            std::max<std::uint64_t>(div_ceil<std::uint64_t>(graph.arcs(), graph.vertices()), 1));
    }

    const CsrGraph& graph_;
    std::uint32_t expected_hits_;
    Vertex with_arcs_ = 0;  ///< vertices that have arcs
    std::unique_ptr<Traversal> traversal_;
    bool pull_ran_ = false;
};

}  // namespace

std::unique_ptr<WaveSource> make_traversal_waves(const Scenario& scenario, const CsrGraph& graph,
                                                 unsigned threads) {
    return std::make_unique<TraversalWaves>(scenario, graph, threads);
}

}  // namespace megabed
