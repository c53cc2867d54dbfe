#include "sim/traversals/breadth_first_search.h"

#include "policy/units.h"
#include "sim/traversals/arc_weight.h"

#include <algorithm>
#include <bit>
#include <boost/serialization/vector.hpp>
#include <cassert>
#include <limits>

namespace megabed {

BreadthFirstSearch::BreadthFirstSearch(const CsrGraph& graph, Vertex root, std::uint64_t heavy_degree,
                                       WaveThreads threads)
    : WaveTraversal(graph, heavy_degree, threads,
                    {WaveKind::Levels, sizeof(Vertex), sizeof(std::uint32_t), true}),
      levels_(graph.vertices(), kUnreached),
      visited_set_(graph.vertices()),
      claimed_(std::make_unique<VertexBits>(graph.vertices())) {
    assert(root < graph.vertices());
    levels_[root] = 0;
    visited_set_.set(root);
    claimed_->set(root);
    begin_with({root});
}

std::uint64_t BreadthFirstSearch::state_bytes() const {
    const std::uint64_t vertices = graph().vertices();
    return 12 * vertices + 2 * div_ceil<std::uint64_t>(vertices, 8);
}

void BreadthFirstSearch::work_out(Direction direction) const {
    const bool pull_pays = is_large() && cheaper_direction(*this, graph()) == Direction::Pull;
    if (direction == Direction::Pull || pull_pays) {
        const Vertex* const targets =
            (direction == Direction::Pull ? graph().pull_rows().targets : graph().targets()).data();
        for_vertices(
            [&](Worker& worker, Vertex first, Vertex last) { look_for_parents(worker, targets, first, last); });
    } else {
        claim_neighbours();
    }
    if (direction == Direction::Push) {
        for (Worker& worker : workers()) {
            worker.scanned_vertices = 0;
            worker.open_groups = 0;
            worker.inspected_arcs = 0;
            worker.long_row_arcs = 0;
            worker.longest_look = 0;
        }
        workers()[0].inspected_arcs = frontier_arcs();
    }
    workers()[0].updates = changed_vertices();
}

void BreadthFirstSearch::claim_neighbours() const {
    VertexBits& claimed = *claimed_;
    for_frontier([&claimed](Worker& worker, Vertex /*from*/, std::span<const Vertex> neighbours, auto shared) {
        for (const Vertex to : neighbours) {
            if (claimed.claim<decltype(shared)::value>(to)) {
                worker.changed.push_back(to);
            }
        }
    });
}

/// A visited neighbour of an unvisited vertex is in the frontier: were it older, its own wave would have
/// reached the vertex. So the visited set serves as the frontier's, as long as what this wave finds stays out
/// of it.
void BreadthFirstSearch::look_for_parents(Worker& worker, const Vertex* targets, Vertex first,
                                          Vertex last) const {
    constexpr Vertex kBits = VertexBits::kWordBits;
    const std::uint64_t* const offsets = graph().offsets().data();
    constexpr std::uint64_t kShortRow = 4;
    constexpr std::uint64_t kAtHand = 2;
    std::uint64_t groups = 0;
    std::uint64_t scanned = 0;
    std::uint64_t inspected = 0;
    std::uint64_t long_row = 0;
    std::uint64_t longest = 0;
    for (std::uint64_t base = first; base < last; base += kBits) {
        std::uint64_t unvisited = ~visited_set_.word(base / kBits);
        if (last - base < kBits) {
            unvisited &= (std::uint64_t{1} << (last - base)) - 1;
        }
        // A group is two words; its second counts where the first has not.
        const std::uint64_t word = base / kBits;
        const bool counted = word % 2 != 0 && ~visited_set_.word(word - 1) != 0;
        groups += unvisited != 0 && !counted ? 1 : 0;
        std::uint64_t found = 0;
        for (; unvisited != 0; unvisited &= unvisited - 1) {
            const auto vertex = static_cast<Vertex>(base + static_cast<unsigned>(std::countr_zero(unvisited)));
            const std::uint64_t end = offsets[vertex + std::size_t{1}];
            const std::uint64_t begin = offsets[vertex];
            scanned += begin < end ? 1 : 0;
            std::uint64_t at = begin;
            while (at < end && !visited_set_.test(targets[at])) {
                ++at;
            }
            const std::uint64_t looked = at - begin + (at < end ? 1 : 0);
            inspected += looked;
            longest = std::max(longest, looked);
            long_row += end - begin > kShortRow && looked > kAtHand ? looked - kAtHand : 0;
            if (at < end) {
                found |= unvisited & (~unvisited + 1);
                worker.changed.push_back(vertex);
            }
        }
        claimed_->word(base / kBits) |= found;
    }
    worker.scanned_vertices += scanned;
    worker.open_groups += groups;
    worker.inspected_arcs += inspected;
    worker.long_row_arcs += long_row;
    worker.longest_look = std::max(worker.longest_look, longest);
}

std::uint32_t BreadthFirstSearch::count_next() const { return static_cast<std::uint32_t>(changed_vertices()); }

bool BreadthFirstSearch::few(std::uint64_t vertices) const {
    constexpr std::uint64_t kWordsABit = 8;
    return vertices * kWordsABit < graph().vertices() / VertexBits::kWordBits;
}

void BreadthFirstSearch::commit() {
    const std::uint64_t found = changed_vertices();
    if (few(found)) {
        for (const Worker& worker : workers()) {
            for (const Vertex vertex : worker.changed) {
                visited_set_.set(vertex);
            }
        }
    } else {
        visited_set_ = *claimed_;
    }
    const std::uint32_t level = waves() + 1;
    for_workers(worth_sharing(found), [this, level](Worker& worker, auto /*shared*/) {
        for (const Vertex vertex : worker.changed) {
            levels_[vertex] = level;
        }
        worker.next.swap(worker.changed);
    });
}

void BreadthFirstSearch::forget() const {
    if (few(changed_vertices())) {
        for (const Worker& worker : workers()) {
            for (const Vertex vertex : worker.changed) {
                claimed_->reset(vertex);
            }
        }
    } else {
        *claimed_ = visited_set_;
    }
}

void BreadthFirstSearch::save_values(CheckpointWriter& writer) const { writer << levels_; }

void BreadthFirstSearch::load_values(CheckpointReader& reader) {
    reader >> levels_;
    visited_set_.clear();
    for (Vertex vertex = 0; vertex < graph().vertices(); ++vertex) {
        if (levels_[vertex] != kUnreached) {
            visited_set_.set(vertex);
        }
    }
    *claimed_ = visited_set_;
}

std::uint32_t Levels::max_frontier() const {
    return frontier_sizes.empty() ? 0 : *std::max_element(frontier_sizes.begin(), frontier_sizes.end());
}

Direction cheaper_direction(const Traversal& traversal, const CsrGraph& graph) {
    // A pull reads every vertex that may still change, so it pays once the frontier holds a good share of the
    // arcs left.
    constexpr std::uint64_t kPullShare = 14;
    constexpr std::uint64_t kPullVertices = 64;
    const bool pull = traversal.frontier_arcs() > traversal.unexplored_arcs() / kPullShare &&
                      traversal.frontier_vertices() > graph.vertices() / kPullVertices;
    return pull ? Direction::Pull : Direction::Push;
}

Levels search_levels(const CsrGraph& graph, Vertex root, unsigned threads) {
    Levels levels;
    levels.root = root;
    BreadthFirstSearch search(graph, root, std::numeric_limits<std::uint64_t>::max(), {.count = threads});
    while (!search.done()) {
        levels.frontier_sizes.push_back(search.frontier_vertices());
        search.expand(cheaper_direction(search, graph));
    }
    levels.reached = search.visited();
    return levels;
}

}  // namespace megabed
