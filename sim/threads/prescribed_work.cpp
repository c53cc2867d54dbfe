#include "sim/costs/cost_model.h"
#include "sim/threads/thread_work.h"
#include "sim/workloads/prescribed_wave.h"
#include "sim/workloads/wave_source.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

namespace megabed {
namespace {

enum WaveWord : std::uint32_t { kWaveFirst, kWaveLast };

/// A wave of prescribed work as all workers see it. The owner writes it before the first tile is published.
struct OpenWave {
    std::uint64_t number = 0;
    std::uint32_t frontier = 0;
    Direction direction{};
    std::vector<std::uint64_t> in_frontier{};  ///< bitmap; of a pull alone

    [[nodiscard]] bool holds(Vertex vertex) const { return (in_frontier[vertex / 64] >> vertex % 64 & 1) != 0; }
};

/// Tiles of frontier vertices that are pushed, or of all vertices, which pull. What is hit is touched in
/// memory.
class WaveRange final : public TileHandler {
public:
    explicit WaveRange(const Scenario& scenario)
        : seed_(scenario.seed),
          graph_(prescribed_graph(scenario)),
          order_(graph_.vertices),
          touched_(std::min(graph_.vertices, kTouchedMost)) {}

    TileResult run(RingSlot& slot, unsigned /*worker*/) override {
        const WaveKey key(seed_, wave_.number);
        const Shuffle order = order_.with_key(key.word);
        const std::uint32_t live = key.live_arc(graph_.degree);
        PrescribedTally tally;
        for (std::uint32_t item = slot.argument[kWaveFirst]; item < slot.argument[kWaveLast]; ++item) {
            if (wave_.direction == Direction::Push) {
                push(order.at(item), live, key, tally);
            } else if (!wave_.holds(item)) {
                pull(item, key, tally);
            }
        }
        arcs_.fetch_add(tally.arcs, std::memory_order_relaxed);
        hits_.fetch_add(tally.hits, std::memory_order_relaxed);
        sum_.fetch_add(tally.sum, std::memory_order_relaxed);
        return TileResult::Done;
    }
    [[nodiscard]] std::string_view opcode_name(std::uint32_t /*opcode*/) const override {
        return wave_.direction == Direction::Push ? "push" : "pull";
    }

    /// Of the owner, while no tile is out: the next wave, and how many items its tiles cover.
    std::uint32_t begin(std::uint64_t number, std::uint32_t frontier, Direction direction) {
        wave_.number = number;
        wave_.frontier = frontier;
        wave_.direction = direction;
        if (direction == Direction::Push) {
            return frontier;
        }
        const Shuffle order = order_.with_key(WaveKey(seed_, number).word);
        wave_.in_frontier.assign(div_ceil<std::size_t>(graph_.vertices, 64), 0);
        for (std::uint32_t place = 0; place < frontier; ++place) {
            const Vertex vertex = order.at(place);
            wave_.in_frontier[vertex / 64] |= std::uint64_t{1} << vertex % 64;
        }
        return graph_.vertices;
    }
    /// Of the owner: what the wave came to.
    [[nodiscard]] PrescribedTally end() { return {arcs_.exchange(0), hits_.exchange(0), sum_.exchange(0)}; }

private:
    /// More would only measure this machine's memory.
    static constexpr std::uint32_t kTouchedMost = 1U << 22;

    void push(Vertex from, std::uint32_t live, const WaveKey& key, PrescribedTally& tally) {
        for (std::uint32_t arc = 0; arc < graph_.degree; ++arc) {
            const Vertex to = graph_.neighbour(from, arc);
            tally.sum += graph_.weight(to);
            if (arc == live) {
                tally.sum += key.mark(to);
                ++tally.hits;
                touch(to);
            }
        }
        tally.arcs += graph_.degree;
    }
    void pull(Vertex vertex, const WaveKey& key, PrescribedTally& tally) {
        std::uint64_t seen = 0;
        for (std::uint32_t arc = 0; arc < graph_.pulled_arcs(); ++arc) {
            seen += wave_.holds(graph_.neighbour(vertex, arc)) ? 1 : 0;
        }
        tally.arcs += graph_.pulled_arcs();
        if (seen != 0) {
            tally.sum += seen * key.mark(vertex);
            ++tally.hits;
            touch(vertex);
        }
    }
    void touch(Vertex vertex) { touched_[vertex % touched_.size()].fetch_add(1, std::memory_order_relaxed); }

    std::uint64_t seed_;
    PrescribedGraph graph_;
    Shuffle order_;
    OpenWave wave_;
    std::atomic<std::uint64_t> arcs_ = 0;
    std::atomic<std::uint64_t> hits_ = 0;
    std::atomic<std::uint64_t> sum_ = 0;
    std::vector<std::atomic<std::uint32_t>> touched_;
};

/// Work whose telemetry the scenario prescribes: what is observed, and how many items a wave has, comes from
/// the same source as in the simulator; the work is that of sim/workloads/prescribed_wave.h.
class PrescribedWork final : public ThreadWork {
public:
    PrescribedWork(const Scenario& scenario, const WorkerPoolOptions& options)
        : scenario_(scenario),
          source_(make_wave_source(scenario, nullptr)),
          waves_max_(source_->prescribes_requests() ? 1 : scenario.fuse_waves_max),
          tile_items_(std::max(scenario.device.tile_items, 1U)),
          tiles_(std::make_shared<WaveRange>(scenario)),
          pool_({.slots = kRingSlots, .workers = options.threads}, tiles_, options) {}

    [[nodiscard]] bool done() const override { return source_->done(); }
    void observe(Observation& observation) override { source_->observe(observation); }
    [[nodiscard]] bool prescribes_requests() const override { return source_->prescribes_requests(); }
    [[nodiscard]] Bytes resident() const override { return source_->resident(); }

    LaunchWork launch(const LaunchRecommendation& recommendation, std::uint32_t /*granted_groups*/,
                      unsigned workers) override {
        LaunchWork done;
        const Direction direction = direction_of(recommendation.topology);
        if (recommendation.topology == DispatchTopology::Empty) {
            // An empty queue was listed, or a fault made it look empty: the first is passed over.
            if (prescribes_requests()) {
                source_->advance(direction);
            }
            return done;
        }
        const std::uint32_t slots = std::max(recommendation.geometry.slot_count.value(), 1U);
        const std::uint32_t waves_max = waves_of_launch(recommendation.topology, waves_max_);
        for (std::uint32_t wave = 0; wave < waves_max && !source_->done() && !pool_.failure(); ++wave) {
            const std::uint64_t number = source_->levels();
            const WaveWork work = source_->advance(direction);
            done.waves += output_passes(recommendation, work.discovered);
            done.items += work.frontier_vertices;
            done.arcs += work.inspected_arcs;
            expand(tiles_->begin(number, prescribed_frontier(scenario_, work),
                                 prescribes_requests() ? Direction::Push : direction),
                   slots, workers);
        }
        return done;
    }

    void refused() override {
        if (prescribes_requests()) {
            source_->advance(Direction::Push);
        }
    }
    [[nodiscard]] std::uint64_t levels() const override { return source_->levels(); }
    void add_results(Digest& digest) const override { digest.add(result_); }
    [[nodiscard]] std::optional<std::uint64_t> result_digest() const override { return result_; }
    [[nodiscard]] WorkerPool& pool() override { return pool_; }
    [[nodiscard]] const WorkerPool& pool() const override { return pool_; }

private:
    static constexpr std::uint32_t kRingSlots = 256;

    void expand(std::uint32_t items, std::uint32_t slots, unsigned workers) {
        const std::uint64_t tile = std::max(tile_items_, div_ceil(items, slots));
        pool_.open(workers, slots);
        for (std::uint64_t first = 0; first < items; first += tile) {
            RingItem item;
            item.argument[kWaveFirst] = static_cast<std::uint32_t>(first);
            item.argument[kWaveLast] = static_cast<std::uint32_t>(std::min<std::uint64_t>(first + tile, items));
            if (!pool_.publish(item)) {
                return;
            }
        }
        if (pool_.drain()) {
            result_ = with_wave(result_, tiles_->end());
        }
    }

    const Scenario& scenario_;
    std::unique_ptr<WaveSource> source_;
    std::uint32_t waves_max_;
    std::uint32_t tile_items_;
    std::shared_ptr<WaveRange> tiles_;
    WorkerPool pool_;
    std::uint64_t result_ = 0;
};

}  // namespace

std::unique_ptr<ThreadWork> make_prescribed_work(const Scenario& scenario, const WorkerPoolOptions& options) {
    return std::make_unique<PrescribedWork>(scenario, options);
}

}  // namespace megabed
