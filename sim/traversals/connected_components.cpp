#include "sim/traversals/connected_components.h"

#include "policy/units.h"

#include <boost/serialization/vector.hpp>
#include <numeric>

namespace megabed {

ConnectedComponents::ConnectedComponents(const CsrGraph& graph, std::uint64_t heavy_degree, WaveThreads threads)
    : WaveTraversal(graph, heavy_degree, threads,
                    {WaveKind::Labels, sizeof(Vertex), sizeof(std::uint32_t), false}),
      labels_(graph.vertices()) {
    std::iota(labels_.begin(), labels_.end(), 0U);
    lowered_ = std::make_unique<std::vector<std::uint32_t>>(labels_);
    begin_with(labels_);
}

std::uint64_t ConnectedComponents::state_bytes() const {
    const std::uint64_t vertices = graph().vertices();
    return 16 * vertices + 2 * div_ceil<std::uint64_t>(vertices, 8);
}

void ConnectedComponents::work_out(Direction direction) const {
    if (direction == Direction::Push) {
        push();
    } else {
        pull();
    }
}

void ConnectedComponents::push() const {
    std::vector<std::uint32_t>& lowered = *lowered_;
    for_frontier([&](Worker& worker, Vertex from, std::span<const Vertex> neighbours, auto shared) {
        const std::uint32_t label = labels_[from];
        std::uint64_t updates = 0;
        for (const Vertex to : neighbours) {
            const std::uint32_t before = labels_[to];
            if (label < before) {
                ++updates;
                lower_value<decltype(shared)::value>(lowered, to, label, before, worker.changed);
            }
        }
        worker.updates += updates;
    });
    workers()[0].inspected_arcs = frontier_arcs();
}

void ConnectedComponents::pull() const {
    with_active_set([&](const VertexBits& active) {
        for_vertices([&](Worker& worker, Vertex first, Vertex last) {
            for (Vertex to = first; to < last; ++to) {
                const std::uint32_t before = labels_[to];
                std::uint32_t least = before;
                for (const Vertex from : graph().neighbours(to)) {
                    if (active.test(from)) {
                        least = std::min(least, labels_[from]);
                    }
                }
                if (least < before) {
                    (*lowered_)[to] = least;
                    worker.changed.push_back(to);
                }
            }
        });
    });
    workers()[0].scanned_vertices = graph().vertices();
    workers()[0].inspected_arcs = graph().arcs();
    workers()[0].updates = changed_vertices();
}

std::uint32_t ConnectedComponents::count_next() const { return static_cast<std::uint32_t>(changed_vertices()); }

void ConnectedComponents::commit() {
    for_workers(worth_sharing(changed_vertices()), [this](Worker& worker, auto /*shared*/) {
        for (const Vertex vertex : worker.changed) {
            labels_[vertex] = (*lowered_)[vertex];
        }
        worker.next.swap(worker.changed);
    });
}

void ConnectedComponents::forget() const {
    for (const Worker& worker : workers()) {
        for (const Vertex vertex : worker.changed) {
            (*lowered_)[vertex] = labels_[vertex];
        }
    }
}

void ConnectedComponents::save_values(CheckpointWriter& writer) const { writer << labels_; }

void ConnectedComponents::load_values(CheckpointReader& reader) {
    reader >> labels_;
    *lowered_ = labels_;
}

}  // namespace megabed
