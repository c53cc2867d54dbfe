#include "sim/traversals/page_rank.h"

#include "policy/units.h"
#include "sim/traversals/fixed_point_rank.h"

#include <boost/serialization/vector.hpp>
#include <cassert>
#include <numeric>

namespace megabed {
namespace {

constexpr std::uint64_t kFixedPointBytes = 8;

}  // namespace

PageRank::PageRank(const CsrGraph& graph, std::uint32_t damping_bps, std::uint32_t tolerance_ppm,
                   std::uint64_t heavy_degree, WaveThreads threads)
    : WaveTraversal(graph, heavy_degree, threads, {WaveKind::Ranks, sizeof(Vertex), kFixedPointBytes, false}),
      damping_bps_(damping_bps),
      threshold_(residual_threshold(tolerance_ppm)),
      ranks_(graph.vertices(), 0),
      residuals_(graph.vertices(), first_residual(damping_bps)),
      scratch_(std::make_unique<Scratch>()) {
    assert(damping_bps < 10'000);
    scratch_->arrived.assign(graph.vertices(), 0);
    scratch_->shares.assign(graph.vertices(), 0);
    std::vector<Vertex> frontier;
    if (first_residual(damping_bps) > threshold_) {
        frontier.resize(graph.vertices());
        std::iota(frontier.begin(), frontier.end(), 0U);
    }
    begin_with(std::move(frontier));
}

std::uint64_t PageRank::state_bytes() const {
    const std::uint64_t vertices = graph().vertices();
    return (4 * kFixedPointBytes + 2 * sizeof(Vertex)) * vertices + 2 * div_ceil<std::uint64_t>(vertices, 8);
}

std::uint64_t PageRank::share(Vertex vertex, std::uint64_t degree) const {
    return degree == 0 ? 0 : share_of(residuals_[vertex], damping_bps_, degree);
}

void PageRank::work_out(Direction direction) const {
    // Additions into memory that others add to are slow.
    constexpr std::uint64_t kMost = 2;
    const bool gather = is_large() && frontier_arcs() >= graph().arcs() / kMost;
    if (direction == Direction::Pull || gather) {
        gather_shares();
    } else {
        scatter_shares();
    }
    Worker& worker = workers()[0];
    if (direction == Direction::Push) {
        worker.inspected_arcs = frontier_arcs();
        worker.updates = frontier_arcs();
    } else {
        worker.scanned_vertices = graph().vertices();
        worker.inspected_arcs = graph().arcs();
        worker.updates = changed_vertices();
    }
}

void PageRank::scatter_shares() const {
    std::vector<std::uint64_t>& arrived = scratch_->arrived;
    for_frontier([&](Worker& worker, Vertex from, std::span<const Vertex> neighbours, auto shared) {
        const std::uint64_t handed = share(from, neighbours.size());
        if (handed == 0) {
            return;
        }
        for (const Vertex to : neighbours) {
            std::uint64_t before = 0;
            if constexpr (decltype(shared)::value) {
                before = std::atomic_ref(arrived[to]).fetch_add(handed, std::memory_order_relaxed);
            } else {
                before = arrived[to];
                arrived[to] += handed;
            }
            if (before == 0) {
                worker.changed.push_back(to);
            }
        }
    });
}

void PageRank::gather_shares() const {
    std::vector<std::uint64_t>& shares = scratch_->shares;
    for_frontier([&](Worker& /*worker*/, Vertex vertex, std::span<const Vertex> neighbours, auto /*shared*/) {
        shares[vertex] = share(vertex, neighbours.size());
    });
    // Others have shares of 0, so a frontier that is most of the graph need not be asked for its members.
    constexpr std::uint64_t kMost = 2;
    if (frontier_arcs() >= graph().arcs() / kMost) {
        gather_shares_of([](Vertex /*vertex*/) { return true; });
    } else {
        with_active_set([&](const VertexBits& active) {
            gather_shares_of([&active](Vertex vertex) { return active.test(vertex); });
        });
    }
    for (const Vertex vertex : frontier()) {
        shares[vertex] = 0;
    }
}

template <class IsActive>
void PageRank::gather_shares_of(const IsActive& is_active) const {
    for_vertices([&](Worker& worker, Vertex first, Vertex last) {
        for (Vertex to = first; to < last; ++to) {
            std::uint64_t sum = 0;
            for (const Vertex from : graph().neighbours(to)) {
                sum += is_active(from) ? scratch_->shares[from] : 0;
            }
            if (sum != 0) {
                scratch_->arrived[to] = sum;
                worker.changed.push_back(to);
            }
        }
    });
}

std::uint32_t PageRank::count_next() const {
    std::uint32_t next = 0;
    for (const Worker& worker : workers()) {
        for (const Vertex vertex : worker.changed) {
            const std::uint64_t kept = residuals_[vertex] > threshold_ ? 0 : residuals_[vertex];
            next += kept + scratch_->arrived[vertex] > threshold_ ? 1 : 0;
        }
    }
    return next;
}

void PageRank::commit() {
    for_pieces(frontier().size(), 1, std::uint64_t{1} << 14, worth_sharing(frontier().size()),
               [this](Worker& /*worker*/, std::uint64_t first, std::uint64_t last, auto /*shared*/) {
                   for (std::uint64_t at = first; at < last; ++at) {
                       const Vertex vertex = frontier()[at];
                       ranks_[vertex] += residuals_[vertex];
                       residuals_[vertex] = 0;
                   }
               });
    for_workers(worth_sharing(changed_vertices()), [this](Worker& worker, auto /*shared*/) {
        for (const Vertex vertex : worker.changed) {
            residuals_[vertex] += scratch_->arrived[vertex];
            scratch_->arrived[vertex] = 0;
            if (residuals_[vertex] > threshold_) {
                worker.next.push_back(vertex);
            }
        }
    });
}

void PageRank::forget() const {
    for (const Worker& worker : workers()) {
        for (const Vertex vertex : worker.changed) {
            scratch_->arrived[vertex] = 0;
        }
    }
}

void PageRank::save_values(CheckpointWriter& writer) const { writer << ranks_ << residuals_; }
void PageRank::load_values(CheckpointReader& reader) { reader >> ranks_ >> residuals_; }

}  // namespace megabed
