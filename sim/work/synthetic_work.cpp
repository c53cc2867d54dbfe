#include "sim/engine/counter_random.h"
#include "sim/traversals/traversal.h"
#include "sim/work/simulated_work.h"

#include <algorithm>
#include <variant>

namespace megabed {
namespace {

constexpr std::uint64_t kDensityStream = 1;

class SyntheticWork final : public SimulatedWork {
public:
    SyntheticWork(const Scenario& scenario, const CostModel& costs)
        : scenario_(scenario),
          workload_(std::get<SyntheticWorkload>(scenario.workload)),
          costs_(costs),
          random_(scenario.seed, kDensityStream),
          walk_bps_((workload_.low.value() + workload_.high.value()) / 2) {}

    [[nodiscard]] bool done() const override { return wave_ >= workload_.waves; }

    void observe(Observation& observation) override {
        LaunchRequest& request = observation.request;
        request.queue_len = frontier();
        request.graph_node_count = workload_.vertices;
        request.graph_edge_count = workload_.arcs;
        request.frontier_density = density();
        request.expected_hits_per_item = scenario_.expected_hits_per_item.value_or(mean_degree());
        request.hot_opcode_count = workload_.hot_opcode_count;
        request.hot_window_count = workload_.hot_window_count;
    }

    [[nodiscard]] Bytes resident() const override {
        const std::uint64_t vertices = workload_.vertices;
        return Bytes(8 * (vertices + 1) + 4 * std::uint64_t{workload_.arcs} + 12 * vertices +
                     2 * div_ceil<std::uint64_t>(vertices, 8));
    }

    [[nodiscard]] WorkDone start(const LaunchRecommendation& recommendation, const GrantedGrid& grid) override {
        const bool fused = recommendation.topology == DispatchTopology::FusedDense;
        const std::uint32_t waves_max = fused ? scenario_.fuse_waves_max : 1;
        WorkDone done;
        for (std::uint32_t wave = 0; wave < waves_max && wave_ < workload_.waves; ++wave) {
            const WaveWork work = wave_work();
            done.busy += costs_.wave(recommendation, grid, work, workload_.vertices);
            done.waves += output_passes(recommendation, work.discovered);
            done.items += work.frontier_vertices;
            done.arcs += work.inspected_arcs;
            step();
        }
        return done;
    }

    [[nodiscard]] std::uint64_t levels() const override { return wave_; }

private:
    [[nodiscard]] std::uint32_t mean_degree() const {
        return std::max(div_ceil(workload_.arcs, workload_.vertices), 1U);
    }

    [[nodiscard]] BasisPoints density() const {
        const std::uint32_t low = workload_.low.value();
        const std::uint32_t high = workload_.high.value();
        const std::uint64_t phase = wave_ % workload_.period_waves;
        std::uint32_t bps = low;
        switch (workload_.shape) {
        case DensityShape::Constant:
            break;
        case DensityShape::Square:
            bps = phase < workload_.period_waves / 2 ? low : high;
            break;
        case DensityShape::Sawtooth:
            bps = low + static_cast<std::uint32_t>(std::uint64_t{high - low} * phase / workload_.period_waves);
            break;
        case DensityShape::RandomWalk:
        case DensityShape::OrnsteinUhlenbeck:
        case DensityShape::Recorded:
        case DensityShape::Adversarial:
            bps = walk_bps_;
            break;
        }
        return BasisPoints(static_cast<std::uint16_t>(std::max(bps, 1U)));
    }

    [[nodiscard]] std::uint32_t frontier() const {
        const std::uint64_t share = std::uint64_t{workload_.vertices} * density().value() / kWholeBps;
        return std::max(static_cast<std::uint32_t>(share), 1U);
    }

    /// A wave of mean degrees: the next frontier is as large as this one, each vertex found by half its arcs.
    [[nodiscard]] WaveWork wave_work() const {
        WaveWork work;
        work.frontier_vertices = frontier();
        work.frontier_arcs = std::uint64_t{work.frontier_vertices} * mean_degree();
        work.heaviest_vertex_arcs = mean_degree();
        work.scanned_vertices = workload_.vertices - work.frontier_vertices;
        work.inspected_arcs = work.scanned_vertices * std::max(mean_degree() / 2, 1U);
        work.discovered = work.frontier_vertices;
        work.updates = work.discovered;
        return work;
    }

    void step() {
        ++wave_;
        const std::int64_t span = 2 * std::int64_t{workload_.step.value()} + 1;
        const auto draw = static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(span));
        const std::int64_t moved = std::int64_t{walk_bps_} + draw - workload_.step.value();
        walk_bps_ = static_cast<std::uint32_t>(
            std::clamp<std::int64_t>(moved, workload_.low.value(), workload_.high.value()));
    }

    const Scenario& scenario_;
    const SyntheticWorkload& workload_;
    const CostModel& costs_;
    CounterRandom random_;
    std::uint32_t walk_bps_;
    std::uint32_t wave_ = 0;
};

}  // namespace

std::unique_ptr<SimulatedWork> make_synthetic_work(const Scenario& scenario, const CostModel& costs) {
    return std::make_unique<SyntheticWork>(scenario, costs);
}

}  // namespace megabed
