#include "sim/traversals/shortest_paths.h"

#include "policy/units.h"
#include "sim/traversals/arc_weight.h"

#include <algorithm>
#include <boost/serialization/vector.hpp>
#include <cassert>

namespace megabed {

ShortestPaths::ShortestPaths(const CsrGraph& graph, Vertex root, std::uint32_t weight_max, std::uint32_t delta,
                             std::uint64_t heavy_degree, WaveThreads threads)
    : WaveTraversal(
          graph, heavy_degree, threads,
          {WaveKind::Distances, sizeof(Vertex) + sizeof(std::uint32_t), sizeof(std::uint32_t), false}),
      weight_max_(weight_max),
      delta_(delta),
      distances_(graph.vertices(), kUnreached) {
    assert(root < graph.vertices() && weight_max >= 1 && delta >= 1);
    distances_[root] = 0;
    lowered_ = std::make_unique<std::vector<std::uint32_t>>(distances_);
    waiting_words_ = std::make_unique<std::vector<std::uint8_t>>(graph.vertices() / 32 + 1);
    begin_with({root});
}

std::uint64_t ShortestPaths::state_bytes() const {
    const std::uint64_t vertices = graph().vertices();
    return 4 * graph().arcs() + 16 * vertices + 2 * div_ceil<std::uint64_t>(vertices, 8);
}

void ShortestPaths::work_out(Direction direction) const {
    if (direction == Direction::Push) {
        push();
    } else {
        pull();
    }
}

void ShortestPaths::push() const {
    std::vector<std::uint32_t>& lowered = *lowered_;
    for_frontier([&](Worker& worker, Vertex from, std::span<const Vertex> neighbours, auto shared) {
        const std::uint32_t start = distances_[from];
        const std::uint32_t nearest = distance_over(start, 1);
        std::uint64_t updates = 0;
        for (const Vertex to : neighbours) {
            const std::uint32_t before = distances_[to];
            // Most arcs lead back: no weight needs to be known where even the least, 1, gains nothing.
            if (nearest >= before) {
                continue;
            }
            const std::uint32_t candidate = distance_over(start, arc_weight(from, to, weight_max_));
            if (candidate < before) {
                ++updates;
                lower_value<decltype(shared)::value>(lowered, to, candidate, before, worker.changed);
            }
        }
        worker.updates += updates;
    });
    workers()[0].inspected_arcs = frontier_arcs();
}

void ShortestPaths::pull() const {
    const std::uint64_t settled = std::uint64_t{bucket_} * delta_;
    with_active_set([&](const VertexBits& active) {
        for_vertices([&](Worker& worker, Vertex first, Vertex last) {
            for (Vertex to = first; to < last; ++to) {
                const std::uint32_t before = distances_[to];
                if (before <= settled) {
                    continue;
                }
                ++worker.scanned_vertices;
                worker.inspected_arcs += graph().degree(to);
                std::uint32_t least = before;
                for (const Vertex from : graph().neighbours(to)) {
                    if (active.test(from) && distance_over(distances_[from], 1) < least) {
                        least =
                            std::min(least, distance_over(distances_[from], arc_weight(from, to, weight_max_)));
                    }
                }
                if (least < before) {
                    ++worker.updates;
                    (*lowered_)[to] = least;
                    worker.changed.push_back(to);
                }
            }
        });
    });
}

std::uint32_t ShortestPaths::count_next() const {
    std::uint32_t best = kUnreached;
    std::uint32_t entering = 0;
    for (const Worker& worker : workers()) {
        for (const Vertex vertex : worker.changed) {
            const std::uint32_t bucket = bucket_of((*lowered_)[vertex]);
            entering = bucket < best ? 0 : entering;
            best = std::min(best, bucket);
            entering +=
                bucket == best && (bucket == bucket_ || bucket_of(distances_[vertex]) != bucket) ? 1 : 0;
        }
    }
    if (best == bucket_) {
        return entering;
    }
    for (const auto& [bucket, vertices] : waiting_) {
        if (bucket > best) {
            break;
        }
        const auto here = static_cast<std::uint32_t>(
            std::count_if(vertices.begin(), vertices.end(),
                          [this, at = bucket](Vertex vertex) { return bucket_of((*lowered_)[vertex]) == at; }));
        if (bucket == best) {
            return entering + here;
        }
        if (here > 0) {
            return here;
        }
    }
    return entering;
}

bool ShortestPaths::leaves_bucket() const {
    for (const Worker& worker : workers()) {
        if (std::any_of(worker.changed.begin(), worker.changed.end(),
                        [this](Vertex vertex) { return bucket_of((*lowered_)[vertex]) == bucket_; })) {
            return false;
        }
    }
    return true;
}

/// Counted as the CUDA megakernel goes through them: a warp's step is 128 words, four a lane, one after the
/// other.
std::uint64_t ShortestPaths::waiting_steps() const {
    constexpr Vertex kWord = 32;
    constexpr std::size_t kTogether = 4;
    constexpr std::size_t kStep = 32 * kTogether;
    const std::span<const Vertex> places =
        graph().is_skewed() ? graph().pull_rows().places : std::span<const Vertex>();
    std::vector<std::uint8_t>& words = *waiting_words_;
    std::fill(words.begin(), words.end(), std::uint8_t{0});
    const auto count = [&](Vertex vertex) { ++words[(places.empty() ? vertex : places[vertex]) / kWord]; };
    for (const auto& [bucket, vertices] : waiting_) {
        for (const Vertex vertex : vertices) {
            // One that goes elsewhere now is counted there.
            if (bucket_of((*lowered_)[vertex]) == bucket) {
                count(vertex);
            }
        }
    }
    for (const Worker& worker : workers()) {
        for (const Vertex vertex : worker.changed) {
            const std::uint32_t after = bucket_of((*lowered_)[vertex]);
            if (after != bucket_ && after != bucket_of(distances_[vertex])) {
                count(vertex);
            }
        }
    }
    std::uint64_t steps = 0;
    for (std::size_t first = 0; first < words.size(); first += kStep) {
        for (std::size_t own = first; own < std::min(first + kTogether, words.size()); ++own) {
            std::uint8_t fullest = 0;
            for (std::size_t word = own; word < std::min(first + kStep, words.size()); word += kTogether) {
                fullest = std::max(fullest, words[word]);
            }
            steps += fullest;
        }
    }
    return steps;
}

/// Takes over the distances that a worker lowered. What comes into a later bucket goes to `waiting`.
void ShortestPaths::settle(Worker& worker, std::vector<Vertex>& waiting) {
    for (const Vertex vertex : worker.changed) {
        const std::uint32_t before = bucket_of(distances_[vertex]);
        distances_[vertex] = (*lowered_)[vertex];
        const std::uint32_t after = bucket_of(distances_[vertex]);
        if (after == bucket_) {
            worker.next.push_back(vertex);
            if (before != bucket_) {
                ++worker.first_held;
                worker.first_held_arcs += graph().degree(vertex);
            }
        } else if (after != before) {
            waiting.push_back(vertex);
        }
    }
}

void ShortestPaths::commit() {
    std::vector<std::vector<Vertex>> waiting(workers().size());
    for_workers(worth_sharing(changed_vertices()), [&](Worker& worker, auto /*shared*/) {
        settle(worker, waiting[static_cast<std::size_t>(&worker - workers().data())]);
    });
    std::uint32_t listed = 0;  // the bucket of `list`
    std::vector<Vertex>* list = nullptr;
    for (const std::vector<Vertex>& vertices : waiting) {
        for (const Vertex vertex : vertices) {
            const std::uint32_t bucket = bucket_of(distances_[vertex]);
            if (list == nullptr || bucket != listed) {
                listed = bucket;
                list = &waiting_[bucket];
            }
            list->push_back(vertex);
        }
    }
    const auto some = workers();
    if (std::all_of(some.begin(), some.end(), [](const Worker& worker) { return worker.next.empty(); })) {
        advance_bucket();
    }
}

void ShortestPaths::advance_bucket() {
    Worker& worker = workers()[0];
    while (worker.next.empty() && !waiting_.empty()) {
        const auto first = waiting_.begin();
        bucket_ = first->first;
        for (const Vertex vertex : first->second) {
            if (bucket_of(distances_[vertex]) == bucket_) {
                worker.next.push_back(vertex);
                ++worker.first_held;
                worker.first_held_arcs += graph().degree(vertex);
            }
        }
        waiting_.erase(first);
    }
}

void ShortestPaths::forget() const {
    for (const Worker& worker : workers()) {
        for (const Vertex vertex : worker.changed) {
            (*lowered_)[vertex] = distances_[vertex];
        }
    }
}

void ShortestPaths::save_values(CheckpointWriter& writer) const { writer << bucket_ << distances_; }

void ShortestPaths::load_values(CheckpointReader& reader) {
    reader >> bucket_ >> distances_;
    *lowered_ = distances_;
    waiting_.clear();
    for (Vertex vertex = 0; vertex < graph().vertices(); ++vertex) {
        const std::uint32_t bucket = bucket_of(distances_[vertex]);
        if (bucket > bucket_ && bucket != kUnreached) {
            waiting_[bucket].push_back(vertex);
        }
    }
}

}  // namespace megabed
