#pragma once

#include "sim/engine/checkpoint.h"
#include "sim/graphs/graph.h"
#include "sim/traversals/traversal_settings.h"

#include <array>
#include <cstdint>
#include <memory>

namespace megabed {

/// How one wave is expanded. Both give the same next frontier and the same values.
enum class Direction : std::uint8_t {
    Push,  ///< from frontier vertices to their neighbours
    Pull,  ///< from the vertices that may still change back to the frontier
};

/// What kind of values a wave works on; kernels differ by it.
enum class WaveKind : std::uint8_t {
    Levels,      ///< breadth-first search
    Distances,   ///< shortest paths
    Labels,      ///< connected components
    Ranks,       ///< PageRank
    Prescribed,  ///< synthetic frontiers and listed requests
};

/// The work of one wave, as the cost model wants to know it.
struct WaveWork {
    std::uint64_t frontier_arcs = 0;
    std::uint64_t heaviest_vertex_arcs = 0;
    std::uint64_t heavy_arcs = 0;        ///< of heavy_vertices
    std::uint64_t scanned_vertices = 0;  ///< pull: vertices looked at that may still change
    std::uint64_t lane_steps = 0;        ///< pull of values: PullRows::lane_steps
    std::uint64_t open_groups = 0;       ///< pull of levels: groups of 128 vertices, of which some may change
    std::uint64_t inspected_arcs = 0;    ///< arcs read: all frontier arcs (push); what the pull looked at
    std::uint64_t updates = 0;           ///< push: atomics that a device would do; pull: values written
    std::uint64_t long_row_arcs = 0;     ///< pull: of those inspected, the third and later of rows of over four
    std::uint64_t longest_look = 0;      ///< pull: arcs that a single vertex inspected
    /// Shortest paths, where a bucket opens: steps in which a warp goes through the vertices that wait for
    /// theirs, 128 words of their bitmap at a time, each as long as its fullest words.
    std::uint64_t waiting_steps = 0;
    std::uint64_t graph_arcs = 0;  ///< of the whole graph
    /// How uneven the frontier is: [k] is about how many arcs the heaviest 1 / 2^(k + 1) of its vertices have.
    /// All 0: they have as many as others.
    std::array<std::uint64_t, 7> heaviest_parts{};
    std::uint32_t frontier_vertices = 0;
    std::uint32_t heavy_vertices = 0;  ///< frontier vertices of at least the profile's heavy degree
    std::uint32_t rows = 0;            ///< pull: vertices gone over, those that cannot change included
    std::uint32_t discovered = 0;      ///< vertices of the next frontier
    std::uint32_t changed = 0;         ///< vertices whose value the wave changed
    std::uint32_t arc_bytes = 4;       ///< streamed for each arc: the neighbour, and its weight if it has one
    std::uint32_t value_bytes = 4;     ///< of a vertex's value, which each inspected arc gathers
    WaveKind kind = WaveKind::Levels;
    bool opens_bucket = false;  ///< shortest paths: nothing was left in the bucket, so the next one opens
    bool skewed = false;        ///< a few of the graph's vertices have far more arcs than others
    bool in_row_order = false;  ///< the frontier lists its vertices as rows do, hubs first

    bool operator==(const WaveWork&) const = default;
};

/// A computation over an undirected graph that proceeds in waves. Its frontiers and values are a function of
/// graph and settings alone: bulk-synchronous, so that neither direction, order nor thread count shows.
class Traversal {
public:
    Traversal() = default;
    Traversal(const Traversal&) = delete;
    Traversal& operator=(const Traversal&) = delete;
    virtual ~Traversal() = default;

    [[nodiscard]] virtual bool done() const = 0;
    [[nodiscard]] virtual std::uint32_t frontier_vertices() const = 0;
    [[nodiscard]] virtual std::uint64_t frontier_arcs() const = 0;
    /// Arcs leaving vertices that no frontier has held yet.
    [[nodiscard]] virtual std::uint64_t unexplored_arcs() const = 0;
    /// Vertices that some frontier has held, this one included.
    [[nodiscard]] virtual std::uint32_t visited() const = 0;
    [[nodiscard]] virtual std::uint32_t previous_frontier() const = 0;  ///< vertices; 0 at the first wave
    [[nodiscard]] virtual std::uint32_t waves() const = 0;              ///< expanded so far

    /// Expands the frontier and makes the next one current.
    virtual WaveWork expand(Direction direction) = 0;
    /// What `expand` would return, without doing it.
    [[nodiscard]] virtual WaveWork preview(Direction direction) const = 0;

    /// Device bytes of everything but the graph: values, frontier queues, bitmaps.
    [[nodiscard]] virtual std::uint64_t state_bytes() const = 0;
    /// Digest of the values of all vertices.
    [[nodiscard]] virtual std::uint64_t result_digest() const = 0;

    virtual void save(CheckpointWriter& writer) const = 0;
    virtual void load(CheckpointReader& reader) = 0;
};

/// Requires: the graph outlives the traversal and has at least one vertex; `settings.root`, if there is one, is
/// one of its vertices.
/// `threads`: how many threads of this machine expand a wave; results do not depend on it.
[[nodiscard]] std::unique_ptr<Traversal> make_traversal(const CsrGraph& graph,
                                                        const TraversalSettings& settings,
                                                        std::uint64_t heavy_degree, unsigned threads = 1);

}  // namespace megabed
