#include "sim/costs/cost_model.h"
#include "sim/engine/counter_random.h"
#include "sim/threads/thread_work.h"
#include "sim/work/simulated_work.h"

#include <algorithm>
#include <atomic>
#include <variant>

namespace megabed {
namespace {

enum TouchWord : std::uint32_t { kTouchFirst, kTouchLast, kTouchWave };

/// Adds one to a random vertex's word for every item of a tile.
class TouchTiles final : public TileHandler {
public:
    TouchTiles(std::uint64_t seed, std::uint32_t vertices) : seed_(seed), touched_(vertices) {}

    TileResult run(RingSlot& slot, unsigned /*worker*/) override {
        for (std::uint32_t item = slot.argument[kTouchFirst]; item < slot.argument[kTouchLast]; ++item) {
            const std::uint64_t drawn =
                scatter(seed_ ^ scatter(std::uint64_t{slot.argument[kTouchWave]} << 32 | item));
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

/// Work whose telemetry the scenario prescribes: what is observed, and how many items and waves a launch has,
/// comes from the simulator's own description; here each item is a random access.
class PrescribedWork final : public ThreadWork {
public:
    PrescribedWork(const Scenario& scenario, const WorkerPoolOptions& options)
        : costs_(scenario.device),
          work_(std::holds_alternative<SyntheticWorkload>(scenario.workload)
                    ? make_synthetic_work(scenario, costs_)
                    : make_requests_work(scenario, costs_)),
          tile_items_(std::max(scenario.device.tile_items, 1U)),
          tiles_(std::make_shared<TouchTiles>(scenario.seed, vertices_of(scenario))),
          pool_({.slots = kRingSlots, .workers = options.threads}, tiles_, options) {}

    [[nodiscard]] bool done() const override { return work_->done(); }
    void observe(Observation& observation) override { work_->observe(observation); }
    [[nodiscard]] bool prescribes_requests() const override { return work_->prescribes_requests(); }
    [[nodiscard]] Bytes resident() const override { return work_->resident(); }

    LaunchWork launch(const LaunchRecommendation& recommendation, std::uint32_t granted_groups,
                      unsigned workers) override {
        const WorkDone done = work_->start(recommendation, {granted_groups, granted_groups});
        work_->finish();
        const std::uint32_t slots = std::max(recommendation.geometry.slot_count.value(), 1U);
        const std::uint64_t tile =
            std::max<std::uint64_t>(tile_items_, div_ceil<std::uint64_t>(done.items, slots));
        ++launches_;
        if (done.items != 0) {
            pool_.open(workers, slots);
            bool well = true;
            for (std::uint64_t first = 0; well && first < done.items; first += tile) {
                RingItem item;
                item.argument[kTouchFirst] = static_cast<std::uint32_t>(first);
                item.argument[kTouchLast] = static_cast<std::uint32_t>(std::min(first + tile, done.items));
                item.argument[kTouchWave] = launches_;
                well = pool_.publish(item);
            }
            if (well && pool_.drain()) {
                items_ += done.items;
            }
        }
        return {done.waves, done.items, done.arcs};
    }

    void refused() override { work_->refused(); }
    [[nodiscard]] std::uint64_t levels() const override { return work_->levels(); }
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

    CostModel costs_;
    std::unique_ptr<SimulatedWork> work_;
    std::uint32_t tile_items_;
    std::shared_ptr<TouchTiles> tiles_;
    WorkerPool pool_;
    std::uint32_t launches_ = 0;
    std::uint64_t items_ = 0;
};

}  // namespace

std::unique_ptr<ThreadWork> make_prescribed_work(const Scenario& scenario, const WorkerPoolOptions& options) {
    return std::make_unique<PrescribedWork>(scenario, options);
}

}  // namespace megabed
