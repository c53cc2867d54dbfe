#pragma once

#include "sim/engine/thread_team.h"
#include "sim/graphs/graph.h"
#include "sim/traversals/traversal.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace megabed {

/// Threads that expand a wave. A wave that reads fewer arcs than `share_from_arcs` is done before another
/// thread would have woken up, so the caller does it alone.
struct WaveThreads {
    unsigned count = 1;
    std::uint64_t share_from_arcs = std::uint64_t{1} << 15;
};

/// Vertices of a set by their degree, in classes of as many bits.
class DegreeClasses {
public:
    void add(std::uint64_t degree) {
        Class& mine = classes_[static_cast<std::size_t>(std::bit_width(degree))];
        ++mine.vertices;
        mine.arcs += degree;
    }
    void add(const DegreeClasses& other);
    /// Arcs of the `count` heaviest vertices: exact but for vertices of the lightest of their classes, of which
    /// a part is counted with the mean.
    [[nodiscard]] std::uint64_t heaviest_arcs(std::uint64_t count) const;

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        for (Class& one : classes_) {
            archive& one.vertices& one.arcs;
        }
    }

private:
    struct Class {
        std::uint64_t vertices = 0;
        std::uint64_t arcs = 0;
    };
    std::array<Class, 34> classes_{};  ///< rows have fewer than 2^33 arcs
};

/// What of a frontier is counted while it is made.
struct FrontierFacts {
    std::uint64_t arcs = 0;
    std::uint64_t heaviest = 0;  ///< arcs of the heaviest vertex
    std::uint64_t heavy_arcs = 0;
    std::uint32_t heavy_vertices = 0;
    DegreeClasses degrees;

    void add(std::uint64_t degree, std::uint64_t heavy_degree) {
        degrees.add(degree);
        arcs += degree;
        heaviest = std::max(heaviest, degree);
        const bool heavy = degree >= heavy_degree;
        heavy_vertices += heavy ? 1 : 0;
        heavy_arcs += heavy ? degree : 0;
    }
    void add(const FrontierFacts& other);
};

/// A set of vertices.
class VertexBits {
public:
    static constexpr std::uint32_t kWordBits = 64;

    explicit VertexBits(Vertex vertices) : words_(std::size_t{vertices} / kWordBits + 1, 0) {}

    [[nodiscard]] bool test(Vertex vertex) const { return (words_[vertex / kWordBits] & bit(vertex)) != 0; }
    void set(Vertex vertex) { words_[vertex / kWordBits] |= bit(vertex); }
    void reset(Vertex vertex) { words_[vertex / kWordBits] &= ~bit(vertex); }
    /// Sets a bit and says whether it was not set before. kShared: other threads may do the same.
    template <bool kShared>
    bool claim(Vertex vertex) {
        std::uint64_t& word = words_[vertex / kWordBits];
        if constexpr (kShared) {
            const std::atomic_ref<std::uint64_t> shared(word);
            return (shared.load(std::memory_order_relaxed) & bit(vertex)) == 0 &&
                   (shared.fetch_or(bit(vertex), std::memory_order_relaxed) & bit(vertex)) == 0;
        } else {
            if ((word & bit(vertex)) != 0) {
                return false;
            }
            word |= bit(vertex);
            return true;
        }
    }
    [[nodiscard]] std::uint64_t& word(std::size_t at) { return words_[at]; }
    [[nodiscard]] std::uint64_t word(std::size_t at) const { return words_[at]; }
    void clear() { std::fill(words_.begin(), words_.end(), 0); }

private:
    static constexpr std::uint64_t bit(Vertex vertex) { return std::uint64_t{1} << vertex % kWordBits; }

    std::vector<std::uint64_t> words_;
};

/// The frame of every traversal. A wave is worked out into scratch memory, from values that stay as they are;
/// then it is either made real or, after a preview, forgotten. One thread at a time may call an object,
/// `preview` included.
class WaveTraversal : public Traversal {
public:
    [[nodiscard]] bool done() const final { return frontier_.empty(); }
    [[nodiscard]] std::uint32_t frontier_vertices() const final {
        return static_cast<std::uint32_t>(frontier_.size());
    }
    [[nodiscard]] std::uint64_t frontier_arcs() const final { return facts_.arcs; }
    [[nodiscard]] std::uint64_t unexplored_arcs() const final { return unexplored_arcs_; }
    [[nodiscard]] std::uint32_t visited() const final { return visited_; }
    [[nodiscard]] std::uint32_t previous_frontier() const final { return previous_frontier_; }
    [[nodiscard]] std::uint32_t waves() const final { return waves_; }
    /// In no particular order.
    [[nodiscard]] std::span<const Vertex> frontier() const { return frontier_; }

    WaveWork expand(Direction direction) final;
    [[nodiscard]] WaveWork preview(Direction direction) const final;
    void save(CheckpointWriter& writer) const final;
    void load(CheckpointReader& reader) final;

protected:
    /// What one thread found; on cache lines of its own.
    struct alignas(64) Worker {
        std::vector<Vertex> changed;  ///< vertices whose value this wave changes, each once over all workers
        std::vector<Vertex> next;     ///< vertices of the next frontier, each once over all workers
        std::uint64_t scanned_vertices = 0;
        std::uint64_t open_groups = 0;
        std::uint64_t inspected_arcs = 0;
        std::uint64_t long_row_arcs = 0;
        std::uint64_t longest_look = 0;
        std::uint64_t updates = 0;
        std::uint64_t first_held_arcs = 0;
        std::uint32_t first_held = 0;  ///< vertices of `next` that no frontier has held
        FrontierFacts facts;
    };

    /// What is constant of a kind of traversal; bytes as in WaveWork.
    struct Nature {
        WaveKind kind{};
        std::uint32_t arc_bytes = 0;
        std::uint32_t value_bytes = 0;
        bool holds_once = false;  ///< no vertex is in two frontiers: `first_held` need not be counted
    };

    WaveTraversal(const CsrGraph& graph, std::uint64_t heavy_degree, WaveThreads threads, Nature nature);

    /// Works out the wave into the scratch memory and the workers.
    virtual void work_out(Direction direction) const = 0;
    /// Vertices that the next frontier will have.
    [[nodiscard]] virtual std::uint32_t count_next() const = 0;
    /// Whether none of what was worked out goes into the bucket that is open.
    [[nodiscard]] virtual bool leaves_bucket() const { return false; }
    /// `WaveWork::waiting_steps` once what was worked out is made real.
    [[nodiscard]] virtual std::uint64_t waiting_steps() const { return 0; }
    /// Makes the wave real and puts the next frontier into the workers.
    virtual void commit() = 0;
    /// Leaves the scratch memory as it was before `work_out`.
    virtual void forget() const = 0;
    virtual void save_values(CheckpointWriter& writer) const = 0;
    virtual void load_values(CheckpointReader& reader) = 0;

    /// The first frontier.
    void begin_with(std::vector<Vertex> frontier);

    [[nodiscard]] const CsrGraph& graph() const { return graph_; }
    [[nodiscard]] std::span<Worker> workers() const { return {workers_.get(), team_->size()}; }
    [[nodiscard]] std::uint64_t changed_vertices() const;
    [[nodiscard]] bool worth_sharing(std::uint64_t arcs) const {
        return team_->size() > 1 && arcs >= threads_.share_from_arcs;
    }

    /// A push of so many arcs may be done as a pull, where a host finds that faster, and still be counted as a
    /// push: values are the same either way.
    [[nodiscard]] bool is_large() const {
        constexpr std::uint64_t kLarge = 1 << 16;
        return facts_.arcs >= kLarge;
    }

    /// Calls body(worker, first, last, shared) for consecutive pieces of [0, count), each but the last a
    /// multiple of `unit` long and at most `most`; `shared` is std::true_type where other threads call it as
    /// well.
    template <class Body>
    void for_pieces(std::uint64_t count, std::uint64_t unit, std::uint64_t most, bool share,
                    const Body& body) const {
        if (!share || count <= unit) {
            body(workers_[0], std::uint64_t{0}, count, std::false_type{});
            return;
        }
        constexpr std::uint64_t kPiecesAThread = 8;
        const std::uint64_t even = count / (kPiecesAThread * team_->size()) / unit * unit;
        const std::uint64_t grain = std::clamp(even, unit, most);
        std::atomic<std::uint64_t> taken = 0;
        team_->run([&](unsigned number) {
            for (std::uint64_t first = taken.fetch_add(grain, std::memory_order_relaxed); first < count;
                 first = taken.fetch_add(grain, std::memory_order_relaxed)) {
                body(workers_[number], first, std::min(first + grain, count), std::true_type{});
            }
        });
    }
    /// Calls body(worker, shared) for every worker, each on its thread.
    template <class Body>
    void for_workers(bool share, const Body& body) const {
        if (share) {
            team_->run([&](unsigned number) { body(workers_[number], std::true_type{}); });
            return;
        }
        for (Worker& worker : workers()) {
            body(worker, std::false_type{});
        }
    }
    /// Calls body(worker, vertex, neighbours, shared) for every vertex of the frontier.
    template <class Body>
    void for_frontier(const Body& body) const {
        constexpr std::uint64_t kMost = 64;
        for_pieces(frontier_.size(), 1, kMost, worth_sharing(facts_.arcs),
                   [&](Worker& worker, std::uint64_t first, std::uint64_t last, auto shared) {
                       for (std::uint64_t at = first; at < last; ++at) {
                           fetch_ahead(at);
                           body(worker, frontier_[at], graph_.neighbours(frontier_[at]), shared);
                       }
                   });
    }
    /// Calls body(worker, first, last) for ranges of vertices that together are the graph; no two of them have
    /// vertices in one word of a VertexBits.
    template <class Body>
    void for_vertices(const Body& body) const {
        constexpr std::uint64_t kMost = 4096;
        for_pieces(graph_.vertices(), VertexBits::kWordBits, kMost, worth_sharing(graph_.arcs()),
                   [&](Worker& worker, std::uint64_t first, std::uint64_t last, auto /*shared*/) {
                       body(worker, static_cast<Vertex>(first), static_cast<Vertex>(last));
                   });
    }

    /// The frontier as a set, for the length of `use`.
    template <class Use>
    void with_active_set(const Use& use) const {
        VertexBits& active = *active_;
        constexpr std::uint64_t kMost = 1 << 14;
        for_pieces(frontier_.size(), 1, kMost, worth_sharing(frontier_.size()),
                   [&](Worker& /*worker*/, std::uint64_t first, std::uint64_t last, auto shared) {
                       for (std::uint64_t at = first; at < last; ++at) {
                           active.claim<decltype(shared)::value>(frontier_[at]);
                       }
                   });
        use(std::as_const(active));
        if (frontier_.size() > graph_.vertices() / VertexBits::kWordBits) {
            active.clear();
        } else {
            for (const Vertex vertex : frontier_) {
                active.reset(vertex);
            }
        }
    }

private:
    /// Rows of the frontier lie anywhere: asks for them before they are read.
    void fetch_ahead(std::uint64_t at) const {
        constexpr std::uint64_t kOffsets = 16;
        constexpr std::uint64_t kRow = 8;
        if (at + kOffsets < frontier_.size()) {
            __builtin_prefetch(graph_.offsets().data() + frontier_[at + kOffsets]);
            __builtin_prefetch(graph_.targets().data() + graph_.offsets()[frontier_[at + kRow]]);
        }
    }
    [[nodiscard]] WaveWork work_of(Direction direction) const;
    void reset_workers() const;
    void take_next();

    const CsrGraph& graph_;
    std::uint64_t heavy_degree_;
    WaveThreads threads_;
    Nature nature_;
    // Scratch memory, which a preview may use too.
    std::unique_ptr<ThreadTeam> team_;
    std::unique_ptr<Worker[]> workers_;
    std::unique_ptr<VertexBits> active_;

    std::vector<Vertex> frontier_;
    FrontierFacts facts_;
    std::uint64_t unexplored_arcs_ = 0;
    std::uint32_t visited_ = 0;
    std::uint32_t previous_frontier_ = 0;
    std::uint32_t waves_ = 0;
};

/// Lowers cells[vertex] to `candidate` if that is less; `before` is its value at the start of the wave, and the
/// thread that lowers it first notes the vertex. kShared: other threads may do the same.
template <bool kShared>
void lower_value(std::vector<std::uint32_t>& cells, Vertex vertex, std::uint32_t candidate,
                 std::uint32_t before, std::vector<Vertex>& changed) {
    if constexpr (kShared) {
        const std::atomic_ref<std::uint32_t> cell(cells[vertex]);
        std::uint32_t value = cell.load(std::memory_order_relaxed);
        while (candidate < value) {
            if (cell.compare_exchange_weak(value, candidate, std::memory_order_relaxed)) {
                if (value == before) {
                    changed.push_back(vertex);
                }
                return;
            }
        }
    } else if (candidate < cells[vertex]) {
        if (cells[vertex] == before) {
            changed.push_back(vertex);
        }
        cells[vertex] = candidate;
    }
}

/// The digest that `Traversal::result_digest` gives for these values.
[[nodiscard]] std::uint64_t digest_of_values(std::span<const std::uint32_t> values);
[[nodiscard]] std::uint64_t digest_of_values(std::span<const std::uint64_t> values);

/// As `make_traversal` in traversal.h, with a threshold of one's own for sharing a wave.
[[nodiscard]] std::unique_ptr<Traversal> make_traversal(const CsrGraph& graph,
                                                        const TraversalSettings& settings,
                                                        std::uint64_t heavy_degree, WaveThreads threads);

}  // namespace megabed
