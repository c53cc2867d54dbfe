#include "sim/workloads/simulated_work.h"

#include <utility>

namespace megabed {
namespace {

class WaveWorkload final : public SimulatedWork {
public:
    WaveWorkload(const Scenario& scenario, const CostModel& costs, std::unique_ptr<WaveSource> source)
        : fuse_waves_max_(source->prescribes_requests() ? 1 : scenario.fuse_waves_max),
          costs_(costs),
          source_(std::move(source)) {}

    [[nodiscard]] bool done() const override { return source_->done(); }
    void observe(Observation& observation) override { source_->observe(observation); }
    [[nodiscard]] bool prescribes_requests() const override { return source_->prescribes_requests(); }
    [[nodiscard]] Bytes resident() const override { return source_->resident(); }

    [[nodiscard]] SimTime start(const LaunchRecommendation& recommendation, const GrantedGrid& grid) override {
        const Direction direction = direction_of(recommendation.topology);
        launch_ = {};
        if (recommendation.topology == DispatchTopology::Empty) {
            // An empty queue was listed, or a fault made it look empty: the first is passed over.
            if (source_->prescribes_requests()) {
                source_->advance(direction);
            }
            return SimTime(0);
        }
        SimTime busy{};
        const std::uint32_t waves_max = waves_of_launch(recommendation.topology, fuse_waves_max_);
        for (std::uint32_t wave = 0; wave < waves_max && !source_->done(); ++wave) {
            const std::uint32_t vertices = source_->vertices();
            const WaveWork work = source_->advance(direction);
            busy += costs_.wave(recommendation, grid, work, vertices, context_);
            launch_.waves += output_passes(recommendation, work.discovered);
            launch_.items += work.frontier_vertices;
            launch_.arcs += work.inspected_arcs;
        }
        return busy;
    }

    [[nodiscard]] WorkDone finish() override { return launch_; }
    void refused() override {
        if (source_->prescribes_requests()) {
            source_->advance(Direction::Push);
        }
    }
    [[nodiscard]] std::uint64_t levels() const override { return source_->levels(); }
    void save(CheckpointWriter& writer) const override {
        writer << context_;
        source_->save(writer);
    }
    void load(CheckpointReader& reader) override {
        reader >> context_;
        source_->load(reader);
    }

private:
    std::uint32_t fuse_waves_max_;
    const CostModel& costs_;
    std::unique_ptr<WaveSource> source_;
    WorkDone launch_{};
    WaveContext context_;
};

}  // namespace

std::unique_ptr<SimulatedWork> make_wave_work(const Scenario& scenario, const CostModel& costs,
                                              std::unique_ptr<WaveSource> source) {
    return std::make_unique<WaveWorkload>(scenario, costs, std::move(source));
}

}  // namespace megabed
