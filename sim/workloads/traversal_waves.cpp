#include "sim/traversals/frontier_readings.h"
#include "sim/workloads/wave_source.h"

#include <variant>

namespace megabed {
namespace {

class TraversalWaves final : public WaveSource {
public:
    TraversalWaves(const Scenario& scenario, const CsrGraph& graph, unsigned threads)
        : graph_(graph),
          readings_(graph_readings(graph, scenario.expected_hits_per_item)),
          traversal_(make_traversal(graph, std::get<TraversalWorkload>(scenario.workload).traversal,
                                    scenario.device.heavy_degree, threads)) {}

    [[nodiscard]] bool done() const override { return traversal_->done(); }

    void observe(Observation& observation) const override {
        observe_frontier(
            readings_,
            {traversal_->frontier_vertices(), traversal_->visited(), traversal_->previous_frontier(), pull_ran_,
             traversal_->frontier_arcs(), traversal_->unexplored_arcs()},
            observation);
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
    const CsrGraph& graph_;
    GraphReadings readings_;
    std::unique_ptr<Traversal> traversal_;
    bool pull_ran_ = false;
};

}  // namespace

std::unique_ptr<WaveSource> make_traversal_waves(const Scenario& scenario, const CsrGraph& graph,
                                                 unsigned threads) {
    return std::make_unique<TraversalWaves>(scenario, graph, threads);
}

}  // namespace megabed
