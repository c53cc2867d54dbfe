#include "sim/costs/cost_model.h"
#include "sim/threads/thread_work.h"
#include "sim/threads/wave_tiles.h"
#include "sim/traversals/fixed_point_rank.h"
#include "sim/traversals/frontier_readings.h"
#include "sim/traversals/wave_traversal.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <variant>

namespace megabed {
namespace {

/// A traversal whose waves are tiles in the ring. This class runs on the owner's thread between the passes;
/// what is parallel is in WaveTiles.
class ThreadedTraversal final : public ThreadWork {
public:
    ThreadedTraversal(const Scenario& scenario, const CsrGraph& graph, std::uint32_t ring_slots,
                      const WorkerPoolOptions& options)
        : scenario_(scenario),
          graph_(graph),
          readings_(graph_readings(graph, scenario.expected_hits_per_item)),
          settings_(std::get<TraversalWorkload>(scenario.workload).traversal),
          state_bytes_(make_traversal(graph, settings_, scenario.device.heavy_degree)->state_bytes()),
          tiles_(std::make_shared<WaveTiles>(graph, settings_)),
          pool_({.slots = ring_slots, .opcodes = kTileOpcodes, .workers = options.threads}, tiles_, options),
          held_(graph.vertices(), false),
          unexplored_arcs_(graph.arcs()) {
        begin();
    }

    [[nodiscard]] bool done() const override { return tiles_->frontier.empty(); }

    void observe(Observation& observation) override {
        observe_frontier(
            readings_,
            {frontier_vertices(), visited_, previous_frontier_, pull_ran_, frontier_arcs_, unexplored_arcs_},
            observation);
    }

    [[nodiscard]] Bytes resident() const override { return graph_.bytes() + Bytes(state_bytes_); }

    LaunchWork launch(const LaunchRecommendation& recommendation, std::uint32_t /*granted_groups*/,
                      unsigned workers) override {
        LaunchWork done;
        if (recommendation.topology == DispatchTopology::Empty) {
            return done;
        }
        workers_ = workers;
        slots_ = std::max(recommendation.geometry.slot_count.value(), 1U);
        const bool fused = recommendation.topology == DispatchTopology::FusedDense;
        const std::uint32_t waves_max = fused ? scenario_.fuse_waves_max : 1;
        const std::uint64_t arcs_before = tiles_->arcs;
        for (std::uint32_t wave = 0; wave < waves_max && !this->done() && !pool_.failure(); ++wave) {
            done.items += tiles_->frontier.size();
            done.waves += expand(recommendation);
        }
        done.arcs = tiles_->arcs - arcs_before;
        pull_ran_ = pull_ran_ || direction_of(recommendation.topology) == Direction::Pull;
        return done;
    }

    [[nodiscard]] std::uint64_t levels() const override { return waves_; }
    void add_results(Digest& digest) const override { digest.add(*result_digest()); }
    [[nodiscard]] std::optional<std::uint64_t> result_digest() const override {
        if (settings_.kind == TraversalKind::PageRank) {
            return digest_of_values(std::span<const std::uint64_t>(tiles_->rank));
        }
        const std::vector<std::uint32_t> values(tiles_->value.begin(), tiles_->value.end());
        return digest_of_values(std::span<const std::uint32_t>(values));
    }
    [[nodiscard]] WorkerPool& pool() override { return pool_; }
    [[nodiscard]] const WorkerPool& pool() const override { return pool_; }

private:
    /// The tiles' size sees to it that a pass has no more of them than the launch has slots.
    static constexpr std::uint32_t kNoLimit = std::numeric_limits<std::uint32_t>::max();

    [[nodiscard]] std::uint32_t frontier_vertices() const {
        return static_cast<std::uint32_t>(tiles_->frontier.size());
    }

    void begin() {
        std::vector<Vertex> first;
        if (settings_.kind == TraversalKind::BreadthFirst || settings_.kind == TraversalKind::ShortestPaths) {
            const Vertex root = settings_.root.value_or(highest_degree_vertex(graph_));
            assert(root < graph_.vertices());
            tiles_->value[root] = 0;
            first.push_back(root);
            waiting_.assign(settings_.kind == TraversalKind::ShortestPaths ? graph_.vertices() : 0, false);
        } else {
            const bool ranks = settings_.kind == TraversalKind::PageRank;
            const std::uint64_t residual = first_residual(settings_.damping_bps);
            tiles_->rank.assign(ranks ? graph_.vertices() : 0, 0);
            for (Vertex vertex = 0; vertex < graph_.vertices(); ++vertex) {
                tiles_->value[vertex] = ranks ? residual : vertex;
                if (!ranks || residual > tiles_->threshold) {
                    first.push_back(vertex);
                }
            }
        }
        enter(std::move(first));
    }

    /// Makes a frontier current and counts it.
    void enter(std::vector<Vertex> frontier) {
        frontier_arcs_ = 0;
        for (const Vertex vertex : frontier) {
            const std::uint64_t degree = graph_.degree(vertex);
            frontier_arcs_ += degree;
            if (!held_[vertex]) {
                held_[vertex] = true;
                ++visited_;
                unexplored_arcs_ -= degree;
            }
        }
        tiles_->frontier = std::move(frontier);
    }

    /// One wave. Returns its passes.
    std::uint32_t expand(const LaunchRecommendation& recommendation) {
        const Direction direction = direction_of(recommendation.topology);
        tiles_->begin_wave();
        tiles_->settled = bucket_ * settings_.delta;
        bool well = prepare();
        std::uint32_t passes = 1;
        if (direction == Direction::Pull) {
            tiles_->set_frontier_bits(true);
            well = well && run_tiles(kPullTile, 0, graph_.vertices(), scenario_.device.tile_items) &&
                   pool_.drain();
            tiles_->set_frontier_bits(false);
        } else {
            passes = well ? push(recommendation) : 1;
            well = well && !pool_.failure();
        }
        if (!well) {
            return passes;
        }
        tiles_->take_changed(direction);
        previous_frontier_ = frontier_vertices();
        ++waves_;
        advance();
        return passes;
    }

    /// A tile or less is not worth a pass.
    bool prepare() {
        const std::uint32_t count = frontier_vertices();
        if (count > scenario_.device.tile_items) {
            return run_tiles(kPrepareTile, 0, count, scenario_.device.tile_items) && pool_.drain();
        }
        for (std::uint32_t position = 0; position < count; ++position) {
            tiles_->prepare(position);
        }
        return true;
    }

    /// Publishes tiles of [first, last), larger than asked for where the launch has too few slots.
    bool run_tiles(TileOpcode opcode, std::uint32_t first, std::uint32_t last, std::uint32_t tile_items) {
        constexpr std::uint64_t kWord = 64;  // so that no two tiles write one word of a bitmap
        const std::uint64_t wanted = std::max({tile_items, div_ceil(last - first, slots_), 1U});
        const std::uint64_t tile = opcode == kPullTile ? div_ceil(wanted, kWord) * kWord : wanted;
        pool_.open(workers_, kNoLimit);
        for (std::uint64_t at = first; at < last; at += tile) {
            if (!publish(opcode, static_cast<std::uint32_t>(at),
                         static_cast<std::uint32_t>(std::min<std::uint64_t>(at + tile, last)), 0, kAllArcs)) {
                return false;
            }
        }
        return true;
    }

    bool publish(TileOpcode opcode, std::uint32_t first, std::uint32_t last, std::uint32_t arc_first,
                 std::uint32_t arc_last) {
        RingItem item;
        item.opcode = opcode;
        item.argument[kTileFirst] = first;
        item.argument[kTileLast] = last;
        item.argument[kTileArcFirst] = arc_first;
        item.argument[kTileArcLast] = arc_last;
        // Where the output queue is full, put-back tiles may come to hold every slot: then this pass ends
        // early.
        HostBackoff backoff;
        while (true) {
            const PublishResult result = pool_.ring().publish(item);
            if (result != PublishResult::Full) {
                return result == PublishResult::Published;
            }
            const std::uint64_t in_flight = pool_.ring().in_flight();
            if (in_flight == pool_.ring().deferred() ? !next_pass() : !pool_.watch()) {
                return false;
            }
            backoff.wait();
        }
    }

    /// A push is one batch, or, for a memory-constrained launch, as many as it takes for the arcs of each to
    /// fit the hit capacity. Returns the passes of all.
    std::uint32_t push(const LaunchRecommendation& recommendation) {
        const std::uint32_t capacity = std::max(recommendation.hit_capacity, 1U);
        const std::uint32_t count = frontier_vertices();
        if (recommendation.topology == DispatchTopology::HybridFrontier) {
            return drain_queue([&] { return publish_hybrid(); }, capacity);
        }
        if (recommendation.topology != DispatchTopology::MemoryConstrained) {
            return drain_queue([&] { return run_tiles(kPushTile, 0, count, scenario_.device.tile_items); },
                               capacity);
        }
        std::uint32_t passes = 0;
        for (std::uint32_t first = 0; first < count && !pool_.failure();) {
            std::uint64_t hits = graph_.degree(tiles_->frontier[first]);
            std::uint32_t last = first + 1;
            while (last < count && hits + graph_.degree(tiles_->frontier[last]) <= capacity) {
                hits += graph_.degree(tiles_->frontier[last++]);
            }
            passes += drain_queue(
                [&] { return run_tiles(kPushTile, first, last, scenario_.device.tile_items); }, capacity);
            first = last;
        }
        return std::max(passes, 1U);
    }

    /// Light vertices first, in tiles; then each heavy one in tiles of its arcs.
    bool publish_hybrid() {
        std::vector<Vertex>& frontier = tiles_->frontier;
        const std::uint32_t heavy_degree = std::max(scenario_.device.heavy_degree, 1U);
        const auto heavy = std::stable_partition(frontier.begin(), frontier.end(), [&](Vertex vertex) {
            return graph_.degree(vertex) < heavy_degree;
        });
        const auto light_count = static_cast<std::uint32_t>(heavy - frontier.begin());
        std::uint64_t heavy_arcs = 0;
        for (auto vertex = heavy; vertex != frontier.end(); ++vertex) {
            heavy_arcs += graph_.degree(*vertex);
        }
        // The launch's slots: half of those that the heavy vertices leave for tiles of light ones, the rest for
        // arcs.
        const auto heavy_count = static_cast<std::uint32_t>(frontier.size()) - light_count;
        const std::uint32_t spare = std::max(slots_, heavy_count + 2) - heavy_count;
        const std::uint32_t light_tile =
            std::max(scenario_.device.tile_items, div_ceil(light_count, spare / 2));
        if (!run_tiles(kPushTile, 0, light_count, light_tile)) {
            return false;
        }
        const std::uint64_t left = std::max(spare - div_ceil(light_count, light_tile), 1U);
        const auto tile =
            static_cast<std::uint32_t>(std::max<std::uint64_t>(heavy_degree, div_ceil(heavy_arcs, left)));
        for (std::uint32_t position = light_count; position < frontier.size(); ++position) {
            const auto degree = static_cast<std::uint32_t>(graph_.degree(frontier[position]));
            for (std::uint64_t arc = 0; arc < degree; arc += tile) {
                const auto end = static_cast<std::uint32_t>(std::min<std::uint64_t>(arc + tile, degree));
                if (!publish(kPushTile, position, position + 1, static_cast<std::uint32_t>(arc), end)) {
                    return false;
                }
            }
        }
        return true;
    }

    /// Publishes a batch and repeats what overflows the output queue. Returns the passes.
    template <class Publish>
    std::uint32_t drain_queue(const Publish& publish_batch, std::uint32_t capacity) {
        passes_ = 1;
        capacity_ = capacity;
        tiles_->open_queue(capacity);
        bool well = publish_batch() && pool_.drain();
        while (well && pool_.ring().deferred() != 0) {
            well = next_pass() && pool_.drain();
        }
        return passes_;
    }

    /// What was put back goes on with an empty output queue.
    bool next_pass() {
        if (!pool_.drain()) {
            return false;
        }
        ++passes_;
        tiles_->open_queue(capacity_);
        pool_.ring().republish();
        pool_.open(workers_, kNoLimit);
        return true;
    }

    /// Chooses the next frontier from what changed.
    void advance() {
        const auto begin = tiles_->changed.begin();
        const auto end = begin + static_cast<std::ptrdiff_t>(tiles_->changed_count);
        if (settings_.kind != TraversalKind::ShortestPaths) {
            enter({begin, end});
            return;
        }
        std::vector<Vertex> next;
        for (auto changed = begin; changed != end; ++changed) {
            const std::uint64_t bucket = tiles_->value[*changed] / settings_.delta;
            if (bucket == bucket_) {
                waiting_[*changed] = false;
                next.push_back(*changed);
            } else {
                waiting_[*changed] = true;
                buckets_[bucket].push_back(*changed);
            }
        }
        while (next.empty() && !buckets_.empty()) {
            open_bucket(next);
        }
        enter(std::move(next));
    }

    /// Entries of vertices that have moved to a lower bucket since, or that are listed twice, are skipped.
    void open_bucket(std::vector<Vertex>& next) {
        const auto first = buckets_.begin();
        bucket_ = first->first;
        for (const Vertex vertex : first->second) {
            if (waiting_[vertex] && tiles_->value[vertex] / settings_.delta == bucket_) {
                waiting_[vertex] = false;
                next.push_back(vertex);
            }
        }
        buckets_.erase(first);
    }

    const Scenario& scenario_;
    const CsrGraph& graph_;
    GraphReadings readings_;
    const TraversalSettings settings_;
    std::uint64_t state_bytes_;  ///< as the simulator counts them
    std::shared_ptr<WaveTiles> tiles_;
    WorkerPool pool_;            // last of what takes long to make: its clock starts here
    std::vector<bool> held_;     ///< some frontier has held the vertex
    std::vector<bool> waiting_;  ///< ShortestPaths: in a bucket that is not open yet
    std::map<std::uint64_t, std::vector<Vertex>> buckets_;
    std::uint64_t bucket_ = 0;
    std::uint64_t frontier_arcs_ = 0;
    std::uint64_t unexplored_arcs_;
    std::uint32_t visited_ = 0;
    std::uint32_t previous_frontier_ = 0;
    std::uint64_t waves_ = 0;
    bool pull_ran_ = false;
    unsigned workers_ = 1;
    std::uint32_t slots_ = 1;
    std::uint32_t capacity_ = 1;  ///< of the output queue, in this push
    std::uint32_t passes_ = 1;
};

}  // namespace

std::unique_ptr<ThreadWork> make_threaded_traversal(const Scenario& scenario, const CsrGraph& graph,
                                                    std::uint32_t ring_slots,
                                                    const WorkerPoolOptions& options) {
    return std::make_unique<ThreadedTraversal>(scenario, graph, ring_slots, options);
}

}  // namespace megabed
