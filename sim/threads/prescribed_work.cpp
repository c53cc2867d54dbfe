#include "sim/costs/cost_model.h"
#include "sim/engine/counter_random.h"
#include "sim/threads/thread_work.h"
#include "sim/workloads/wave_source.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <variant>

namespace megabed {
namespace {

enum TouchWord : std::uint32_t { kTouchFirst, kTouchLast, kTouchWave };

/// Adds one to a random vertex's word for every item of a tile.
class TouchTiles final : public TileHandler {
public:
    TouchTiles(std::uint64_t seed, std::uint32_t vertices) : seed_(seed), touched_(vertices) {}

    TileResult run(RingSlot& slot, unsigned /*worker*/) override {
        const std::uint64_t wave = std::uint64_t{slot.argument[kTouchWave]} << 32;
        for (std::uint32_t item = slot.argument[kTouchFirst]; item < slot.argument[kTouchLast]; ++item) {
            const std::uint64_t drawn = scatter(seed_ ^ scatter(wave | item));
            touched_[drawn % touched_.size()].fetch_add(1, std::memory_order_relaxed);
        }
        return TileResult::Done;
    }
    [[nodiscard]] std::string_view opcode_name(std::uint32_t /*opcode*/) const override { return "touch"; }
    [[nodiscard]] const std::vector<std::atomic<std::uint32_t>>& touched() const { return touched_; }

private:
    std::uint64_t seed_;
    std::vector<std::atomic<std::uint32_t>> touched_;
};

/// Work whose telemetry the scenario prescribes: what is observed, and how many items a wave has, comes from
/// the same source as in the simulator; here each item of a synthetic frontier is a random access. Listed
/// requests are a token, one tile each: they may ask for any number of items.
class PrescribedWork final : public ThreadWork {
public:
    PrescribedWork(const Scenario& scenario, const WorkerPoolOptions& options)
        : source_(make_wave_source(scenario, nullptr)),
          waves_max_(source_->prescribes_requests() ? 1 : scenario.fuse_waves_max),
          tile_items_(std::max(scenario.device.tile_items, 1U)),
          tiles_(std::make_shared<TouchTiles>(scenario.seed, vertices_of(scenario))),
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
            const WaveWork work = source_->advance(direction);
            done.waves += output_passes(recommendation, work.discovered);
            done.items += work.frontier_vertices;
            done.arcs += work.inspected_arcs;
            touch(
                prescribes_requests() ? std::min(work.frontier_vertices, tile_items_) : work.frontier_vertices,
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
    void add_results(Digest& digest) const override {
        digest.add(items_);
        for (const auto& word : tiles_->touched()) {
            digest.add(std::uint64_t{word.load(std::memory_order_relaxed)});
        }
    }
    [[nodiscard]] WorkerPool& pool() override { return pool_; }
    [[nodiscard]] const WorkerPool& pool() const override { return pool_; }

private:
    static constexpr std::uint32_t kRingSlots = 256;

    /// Of the imagined graph, at most 4 million: more would only measure this machine's memory.
    static std::uint32_t vertices_of(const Scenario& scenario) {
        constexpr std::uint32_t kMost = 1U << 22;
        const auto* const synthetic = std::get_if<SyntheticWorkload>(&scenario.workload);
        return synthetic == nullptr ? 1U << 16 : std::clamp(synthetic->vertices, 1U, kMost);
    }

    void touch(std::uint32_t items, std::uint32_t slots, unsigned workers) {
        const std::uint64_t tile = std::max(tile_items_, div_ceil(items, slots));
        ++waves_;
        pool_.open(workers, slots);
        for (std::uint64_t first = 0; first < items; first += tile) {
            RingItem item;
            item.argument[kTouchFirst] = static_cast<std::uint32_t>(first);
            item.argument[kTouchLast] =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(first + tile, items));
            item.argument[kTouchWave] = waves_;
            if (!pool_.publish(item)) {
                return;
            }
        }
        items_ += pool_.drain() ? items : 0;
    }

    std::unique_ptr<WaveSource> source_;
    std::uint32_t waves_max_;
    std::uint32_t tile_items_;
    std::shared_ptr<TouchTiles> tiles_;
    WorkerPool pool_;
    std::uint32_t waves_ = 0;
    std::uint64_t items_ = 0;
};

}  // namespace

std::unique_ptr<ThreadWork> make_prescribed_work(const Scenario& scenario, const WorkerPoolOptions& options) {
    return std::make_unique<PrescribedWork>(scenario, options);
}

}  // namespace megabed
