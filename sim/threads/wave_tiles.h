#pragma once

#include "sim/graphs/graph.h"
#include "sim/threads/worker_pool.h"
#include "sim/traversals/arc_weight.h"
#include "sim/traversals/traversal.h"

#include <atomic>
#include <cstdint>
#include <vector>

namespace megabed {

/// Opcodes of a traversal's tiles.
enum TileOpcode : std::uint32_t {
    kPrepareTile,  ///< frontier positions: what each will send is fixed
    kPushTile,     ///< frontier positions, or some arcs of one: their neighbours are told
    kPullTile,     ///< vertices: each looks for neighbours in the frontier
    kTileOpcodes,
};

/// Argument words of a tile.
enum TileWord : std::uint32_t {
    kTileFirst,     ///< position or vertex
    kTileLast,      ///< one beyond
    kTileArcFirst,  ///< push: arc of the first vertex's row to begin with
    kTileArcLast,   ///< push: arc of the last vertex's row to end before, or kAllArcs
    kTileOwed,      ///< push: 1 if the arc to begin with was applied and found no room in the output queue
};
inline constexpr std::uint32_t kAllArcs = 0xFFFF'FFFF;

/// The arrays of one traversal and what tiles do to them. Within a wave every vertex sends what it held when
/// the wave began (`prepare`), so that the result does not depend on order, direction or thread count.
class WaveTiles final : public TileHandler {
public:
    WaveTiles(const CsrGraph& graph, const TraversalSettings& settings);

    TileResult run(RingSlot& slot, unsigned worker) override;
    [[nodiscard]] std::string_view opcode_name(std::uint32_t opcode) const override;

    // ---- between waves, by one thread ----

    /// Fixes what the vertex at a frontier position sends.
    void prepare(std::uint32_t position);
    void set_frontier_bits(bool set);
    /// Empties the output queue, which holds `capacity` entries: what it held is in `changed`.
    void open_queue(std::uint32_t capacity);
    void begin_wave();
    /// The vertices that changed in this wave, once each. Call once a wave.
    void take_changed(Direction direction);

    const CsrGraph& graph;
    const TraversalSettings settings;
    std::uint64_t threshold;  ///< PageRank: a residual above it propagates
    std::vector<Vertex> frontier;
    std::vector<Vertex> changed;  ///< room for every vertex
    std::size_t changed_count = 0;
    std::vector<std::uint64_t> value;    ///< level, distance, label or residual
    std::vector<std::uint64_t> rank;     ///< PageRank
    std::uint64_t settled = 0;           ///< ShortestPaths: distances up to this no longer change
    std::atomic<std::uint64_t> arcs{0};  ///< inspected

private:
    template <TraversalKind kKind>
    TileResult push(RingSlot& slot);
    template <TraversalKind kKind>
    void pull(const RingSlot& slot);
    template <TraversalKind kKind>
    bool tell(Vertex from, Vertex to);
    template <TraversalKind kKind>
    TileResult run_kind(RingSlot& slot);
    bool enqueue(Vertex vertex);
    /// ShortestPaths: of `to` by way of a frontier vertex.
    [[nodiscard]] std::uint64_t distance_to(Vertex from, Vertex to) const {
        return distance_over(static_cast<std::uint32_t>(sent_[from]),
                             arc_weight(from, to, settings.weight_max));
    }
    [[nodiscard]] bool in_frontier(Vertex vertex) const {
        return (frontier_bits_[vertex / 64] >> vertex % 64 & 1) != 0;
    }

    std::vector<std::uint64_t> sent_;         ///< of frontier vertices, in this wave
    std::vector<std::uint32_t> queued_wave_;  ///< wave in which a vertex was put into the output queue last
    std::vector<std::uint64_t> frontier_bits_;
    std::vector<std::uint64_t> changed_bits_;  ///< of a pull; a word belongs to one tile
    std::atomic<std::uint64_t> queue_tickets_{0};
    std::uint64_t queue_capacity_ = 0;
    std::uint32_t wave_ = 0;
};

}  // namespace megabed
