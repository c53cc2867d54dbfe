#include "sim/traversals/breadth_first_search.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace megabed {
namespace {

enum : std::uint8_t { kUnreached = 0, kSettled = 1, kFoundNow = 2 };

}  // namespace

BreadthFirstSearch::BreadthFirstSearch(const CsrGraph& graph, Vertex root, std::uint64_t heavy_degree)
    : graph_(graph), heavy_degree_(heavy_degree), reached_(graph.vertices(), kUnreached) {
    assert(root < graph.vertices());
    reached_[root] = kSettled;
    frontier_.push_back(root);
    frontier_arcs_ = graph.degree(root);
    unexplored_arcs_ = graph.arcs() - frontier_arcs_;
}

void BreadthFirstSearch::discover(Vertex vertex) {
    next_.push_back(vertex);
    next_arcs_ += graph_.degree(vertex);
}

WaveWork BreadthFirstSearch::expand(Direction direction) {
    WaveWork work;
    work.frontier_vertices = static_cast<std::uint32_t>(frontier_.size());
    work.frontier_arcs = frontier_arcs_;
    for (const Vertex vertex : frontier_) {
        const std::uint64_t degree = graph_.degree(vertex);
        work.heaviest_vertex_arcs = std::max(work.heaviest_vertex_arcs, degree);
        if (degree >= heavy_degree_) {
            ++work.heavy_vertices;
            work.heavy_arcs += degree;
        }
    }

    next_.clear();
    next_arcs_ = 0;
    if (direction == Direction::Push) {
        work.inspected_arcs = frontier_arcs_;
        for (const Vertex vertex : frontier_) {
            for (const Vertex neighbour : graph_.neighbours(vertex)) {
                if (reached_[neighbour] == kUnreached) {
                    reached_[neighbour] = kSettled;
                    discover(neighbour);
                }
            }
        }
    } else {
        // A settled neighbour of an unreached vertex is in the frontier: were it older, its own wave would
        // have reached the vertex. Vertices found in this wave must not count as parents yet.
        for (Vertex vertex = 0; vertex < graph_.vertices(); ++vertex) {
            if (reached_[vertex] != kUnreached) {
                continue;
            }
            ++work.scanned_vertices;
            for (const Vertex neighbour : graph_.neighbours(vertex)) {
                ++work.inspected_arcs;
                if (reached_[neighbour] == kSettled) {
                    reached_[vertex] = kFoundNow;
                    discover(vertex);
                    break;
                }
            }
        }
        for (const Vertex vertex : next_) {
            reached_[vertex] = kSettled;
        }
    }

    work.discovered = static_cast<std::uint32_t>(next_.size());
    previous_frontier_ = work.frontier_vertices;
    visited_ += work.discovered;
    unexplored_arcs_ -= next_arcs_;
    frontier_arcs_ = next_arcs_;
    frontier_.swap(next_);
    ++level_;
    return work;
}

std::uint32_t Levels::max_frontier() const {
    return frontier_sizes.empty() ? 0 : *std::max_element(frontier_sizes.begin(), frontier_sizes.end());
}

Levels search_levels(const CsrGraph& graph, Vertex root) {
    // A pull reads every unvisited vertex, so it pays once the frontier holds a good share of the arcs left.
    constexpr std::uint64_t kPullShare = 14;
    Levels levels;
    levels.root = root;
    BreadthFirstSearch search(graph, root, std::numeric_limits<std::uint64_t>::max());
    while (!search.done()) {
        levels.frontier_sizes.push_back(static_cast<std::uint32_t>(search.frontier().size()));
        const bool pull = search.frontier_arcs() > search.unexplored_arcs() / kPullShare &&
                          search.frontier().size() > graph.vertices() / 64;
        search.expand(pull ? Direction::Pull : Direction::Push);
    }
    levels.reached = search.visited();
    return levels;
}

}  // namespace megabed
