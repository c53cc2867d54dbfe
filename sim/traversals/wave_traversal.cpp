#include "sim/traversals/wave_traversal.h"

#include "sim/engine/digest.h"

#include <boost/serialization/vector.hpp>

namespace megabed {
namespace {

template <class Value>
std::uint64_t digest_of_array(std::span<const Value> values) {
    Digest digest;
    digest.add(std::uint64_t{values.size()});
    digest.add_bytes(std::as_bytes(values));
    return digest.value();
}

}  // namespace

std::uint64_t digest_of_values(std::span<const std::uint32_t> values) { return digest_of_array(values); }
std::uint64_t digest_of_values(std::span<const std::uint64_t> values) { return digest_of_array(values); }

void DegreeClasses::add(const DegreeClasses& other) {
    for (std::size_t at = 0; at < classes_.size(); ++at) {
        classes_[at].vertices += other.classes_[at].vertices;
        classes_[at].arcs += other.classes_[at].arcs;
    }
}

std::uint64_t DegreeClasses::heaviest_arcs(std::uint64_t count) const {
    std::uint64_t arcs = 0;
    for (auto at = classes_.rbegin(); at != classes_.rend() && count > 0; ++at) {
        if (at->vertices > 0) {
            const std::uint64_t taken = std::min(count, at->vertices);
            arcs += taken == at->vertices ? at->arcs : at->arcs / at->vertices * taken;
            count -= taken;
        }
    }
    return arcs;
}

void FrontierFacts::add(const FrontierFacts& other) {
    degrees.add(other.degrees);
    arcs += other.arcs;
    heaviest = std::max(heaviest, other.heaviest);
    heavy_arcs += other.heavy_arcs;
    heavy_vertices += other.heavy_vertices;
}

WaveTraversal::WaveTraversal(const CsrGraph& graph, std::uint64_t heavy_degree, WaveThreads threads,
                             Nature nature)
    : graph_(graph),
      heavy_degree_(heavy_degree),
      threads_(threads),
      nature_(nature),
      team_(std::make_unique<ThreadTeam>(std::max(threads.count, 1U))),
      workers_(std::make_unique<Worker[]>(std::max(threads.count, 1U))),
      active_(std::make_unique<VertexBits>(graph.vertices())),
      unexplored_arcs_(graph.arcs()) {}

void WaveTraversal::begin_with(std::vector<Vertex> frontier) {
    Worker& worker = workers_[0];
    worker.next = std::move(frontier);
    worker.first_held = static_cast<std::uint32_t>(worker.next.size());
    for (const Vertex vertex : worker.next) {
        worker.first_held_arcs += graph_.degree(vertex);
    }
    take_next();
    previous_frontier_ = 0;
    waves_ = 0;
}

std::uint64_t WaveTraversal::changed_vertices() const {
    std::uint64_t changed = 0;
    for (const Worker& worker : workers()) {
        changed += worker.changed.size();
    }
    return changed;
}

void WaveTraversal::reset_workers() const {
    for (Worker& worker : workers()) {
        worker.changed.clear();
        worker.next.clear();
        worker.scanned_vertices = 0;
        worker.open_groups = 0;
        worker.inspected_arcs = 0;
        worker.long_row_arcs = 0;
        worker.longest_look = 0;
        worker.updates = 0;
        worker.first_held_arcs = 0;
        worker.first_held = 0;
        worker.facts = {};
    }
}

WaveWork WaveTraversal::work_of(Direction direction) const {
    reset_workers();
    work_out(direction);
    WaveWork work;
    work.kind = nature_.kind;
    for (std::size_t part = 0; part < work.heaviest_parts.size(); ++part) {
        const std::uint64_t share = (frontier_.size() + (std::size_t{2} << part) - 1) >> (part + 1);
        work.heaviest_parts[part] = facts_.degrees.heaviest_arcs(share);
    }
    work.changed = static_cast<std::uint32_t>(changed_vertices());
    work.opens_bucket = leaves_bucket();
    work.waiting_steps = work.opens_bucket ? waiting_steps() : 0;
    work.graph_arcs = graph_.arcs();
    work.skewed = graph_.is_skewed();
    if (direction == Direction::Pull) {
        const PullRows& rows = graph_.pull_rows();
        work.rows = nature_.kind == WaveKind::Levels ? rows.vertices : graph_.vertices();
        work.lane_steps = rows.lane_steps;
    }
    // Who starts with one vertex finds its row, who starts with all has them in order.
    work.in_row_order =
        waves_ == (nature_.kind == WaveKind::Levels || nature_.kind == WaveKind::Distances ? 1 : 0);
    work.frontier_vertices = frontier_vertices();
    work.frontier_arcs = facts_.arcs;
    work.heaviest_vertex_arcs = facts_.heaviest;
    work.heavy_vertices = facts_.heavy_vertices;
    work.heavy_arcs = facts_.heavy_arcs;
    work.arc_bytes = nature_.arc_bytes;
    work.value_bytes = nature_.value_bytes;
    for (const Worker& worker : workers()) {
        work.scanned_vertices += worker.scanned_vertices;
        work.open_groups += worker.open_groups;
        work.inspected_arcs += worker.inspected_arcs;
        work.updates += worker.updates;
        work.long_row_arcs += worker.long_row_arcs;
        work.longest_look = std::max(work.longest_look, worker.longest_look);
    }
    return work;
}

WaveWork WaveTraversal::expand(Direction direction) {
    WaveWork work = work_of(direction);
    commit();
    take_next();
    work.discovered = frontier_vertices();
    return work;
}

WaveWork WaveTraversal::preview(Direction direction) const {
    WaveWork work = work_of(direction);
    work.discovered = count_next();
    forget();
    return work;
}

void WaveTraversal::take_next() {
    previous_frontier_ = frontier_vertices();
    std::uint64_t total = 0;
    for (const Worker& worker : workers()) {
        total += worker.next.size();
    }
    for_workers(worth_sharing(total), [this](Worker& worker, auto /*shared*/) {
        constexpr std::size_t kAhead = 16;
        FrontierFacts facts;
        for (std::size_t at = 0; at < worker.next.size(); ++at) {
            __builtin_prefetch(graph_.offsets().data() +
                               worker.next[std::min(at + kAhead, worker.next.size() - 1)]);
            facts.add(graph_.degree(worker.next[at]), heavy_degree_);
        }
        worker.facts = facts;
        if (nature_.holds_once) {
            worker.first_held = static_cast<std::uint32_t>(worker.next.size());
            worker.first_held_arcs = facts.arcs;
        }
    });
    // The first worker's queue becomes the frontier and the others' are appended to it.
    frontier_.swap(workers_[0].next);
    facts_ = {};
    for (const Worker& worker : workers()) {
        facts_.add(worker.facts);
        visited_ += worker.first_held;
        unexplored_arcs_ -= worker.first_held_arcs;
        if (&worker != workers_.get()) {
            frontier_.insert(frontier_.end(), worker.next.begin(), worker.next.end());
        }
    }
    ++waves_;
}

void WaveTraversal::save(CheckpointWriter& writer) const {
    // The order of a frontier depends on the thread count, a checkpoint must not.
    std::vector<Vertex> frontier = frontier_;
    std::sort(frontier.begin(), frontier.end());
    writer << frontier << facts_.arcs << facts_.heaviest << facts_.heavy_arcs << facts_.heavy_vertices;
    writer << facts_.degrees;
    writer << unexplored_arcs_ << visited_ << previous_frontier_ << waves_;
    save_values(writer);
}

void WaveTraversal::load(CheckpointReader& reader) {
    reader >> frontier_ >> facts_.arcs >> facts_.heaviest >> facts_.heavy_arcs >> facts_.heavy_vertices;
    reader >> facts_.degrees;
    reader >> unexplored_arcs_ >> visited_ >> previous_frontier_ >> waves_;
    load_values(reader);
}

}  // namespace megabed
