#include "sim/engine/counter_random.h"
#include "sim/workloads/wave_source.h"

#include <algorithm>
#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <variant>

namespace megabed {
namespace {

constexpr std::uint64_t kDensityStream = 1;

/// Density readings of the prescribed shape, one a wave.
class DensityProcess {
public:
    DensityProcess(const SyntheticWorkload& workload, std::uint64_t seed)
        : workload_(workload),
          random_(seed, kDensityStream),
          low_(workload.low.value()),
          high_(workload.high.value()),
          middle_((low_ + high_) / 2),
          walk_(middle_),
          level_(static_cast<double>(middle_)) {}

    [[nodiscard]] BasisPoints at(std::uint64_t wave) const {
        const std::uint64_t phase = wave % workload_.period_waves;
        std::int64_t bps = low_;
        switch (workload_.shape) {
        case DensityShape::Constant:
            break;
        case DensityShape::Square:
            bps = phase < workload_.period_waves / 2 ? low_ : high_;
            break;
        case DensityShape::Sawtooth:
            bps = low_ + static_cast<std::int64_t>(static_cast<std::uint64_t>(high_ - low_) * phase /
                                                   workload_.period_waves);
            break;
        case DensityShape::RandomWalk:
            bps = walk_;
            break;
        case DensityShape::OrnsteinUhlenbeck:
            bps = std::clamp(static_cast<std::int64_t>(level_), low_, high_);
            break;
        case DensityShape::Recorded:
        case DensityShape::Adversarial:
            bps = workload_.trajectory[wave % workload_.trajectory.size()].value();
            break;
        }
        return BasisPoints(static_cast<std::uint16_t>(std::max<std::int64_t>(bps, 1)));
    }

    void step() {
        if (workload_.shape == DensityShape::RandomWalk) {
            const std::int64_t span = 2 * std::int64_t{workload_.step.value()} + 1;
            const auto draw = static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(span));
            walk_ = std::clamp(walk_ + draw - workload_.step.value(), low_, high_);
        } else if (workload_.shape == DensityShape::OrnsteinUhlenbeck) {
            // The exact discretisation is autoregressive of order one; what leaves the range comes back by
            // itself, so that the range clips readings and not the process.
            boost::random::normal_distribution<double> normal(0.0, workload_.noise.value());
            const double pull = workload_.reversion.value() / static_cast<double>(kWholeBps);
            level_ += pull * (static_cast<double>(middle_) - level_) + normal(random_);
        }
    }

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& random_& walk_& level_;
    }

private:
    const SyntheticWorkload& workload_;
    CounterRandom random_;
    std::int64_t low_;
    std::int64_t high_;
    std::int64_t middle_;
    std::int64_t walk_;
    double level_;
};

/// Waves of mean degrees over an imagined graph: the next frontier is as large as this one, and an unvisited
/// vertex looks at half its arcs.
class SyntheticWaves final : public WaveSource {
public:
    explicit SyntheticWaves(const Scenario& scenario)
        : workload_(std::get<SyntheticWorkload>(scenario.workload)),
          mean_degree_(std::max(div_ceil(workload_.arcs, workload_.vertices), 1U)),
          expected_hits_(scenario.expected_hits_per_item.value_or(mean_degree_)),
          density_(workload_, scenario.seed) {
        enter_wave();
    }

    [[nodiscard]] bool done() const override { return wave_ >= workload_.waves; }

    void observe(Observation& observation) const override {
        LaunchRequest& request = observation.request;
        request.queue_len = frontier_;
        request.graph_node_count = workload_.vertices;
        request.graph_edge_count = workload_.arcs;
        request.frontier_density = reading_;
        request.expected_hits_per_item = expected_hits_;
        const std::uint64_t period = workload_.hot_period_waves;
        if (period == 0 || wave_ % period < div_ceil<std::uint64_t>(period, 2)) {
            request.hot_opcode_count = workload_.hot_opcode_count;
            request.hot_window_count = workload_.hot_window_count;
        }
    }

    [[nodiscard]] Bytes resident() const override {
        const std::uint64_t vertices = workload_.vertices;
        return Bytes(8 * (vertices + 1) + 4 * std::uint64_t{workload_.arcs} + 12 * vertices +
                     2 * div_ceil<std::uint64_t>(vertices, 8));
    }
    [[nodiscard]] std::uint32_t vertices() const override { return workload_.vertices; }

    [[nodiscard]] WaveWork preview(Direction direction) const override {
        WaveWork work;
        work.kind = WaveKind::Prescribed;
        work.frontier_vertices = frontier_;
        work.frontier_arcs = std::uint64_t{frontier_} * mean_degree_;
        work.heaviest_vertex_arcs = mean_degree_;
        work.rows = workload_.vertices;
        work.scanned_vertices = workload_.vertices - frontier_;
        work.inspected_arcs = direction == Direction::Push
                                  ? work.frontier_arcs
                                  : work.scanned_vertices * std::max(mean_degree_ / 2, 1U);
        work.discovered = frontier_;
        work.updates = frontier_;
        work.changed = frontier_;
        return work;
    }
    WaveWork advance(Direction direction) override {
        const WaveWork work = preview(direction);
        ++wave_;
        density_.step();
        enter_wave();
        return work;
    }
    [[nodiscard]] std::uint64_t levels() const override { return wave_; }

    void save(CheckpointWriter& writer) const override { writer << wave_ << density_; }
    void load(CheckpointReader& reader) override {
        reader >> wave_ >> density_;
        enter_wave();
    }

private:
    void enter_wave() {
        reading_ = density_.at(wave_);
        const std::uint64_t share = std::uint64_t{workload_.vertices} * reading_.value() / kWholeBps;
        frontier_ = std::max(static_cast<std::uint32_t>(share), 1U);
    }

    const SyntheticWorkload& workload_;
    std::uint32_t mean_degree_;
    std::uint32_t expected_hits_;
    DensityProcess density_;
    std::uint64_t wave_ = 0;
    BasisPoints reading_{};
    std::uint32_t frontier_ = 0;
};

}  // namespace

std::unique_ptr<WaveSource> make_synthetic_waves(const Scenario& scenario) {
    return std::make_unique<SyntheticWaves>(scenario);
}

}  // namespace megabed
