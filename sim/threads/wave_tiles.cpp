#include "sim/threads/wave_tiles.h"

#include "sim/traversals/arc_weight.h"
#include "sim/traversals/fixed_point_rank.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

namespace megabed {
namespace {

/// Lowers `word` to `value`. True if it was above.
bool lower(std::uint64_t& word, std::uint64_t value) {
    const std::atomic_ref<std::uint64_t> shared(word);
    std::uint64_t now = shared.load(std::memory_order_relaxed);
    while (now > value) {
        if (shared.compare_exchange_weak(now, value, std::memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

}  // namespace

WaveTiles::WaveTiles(const CsrGraph& traversed, const TraversalSettings& wanted)
    : graph(traversed),
      settings(wanted),
      threshold(residual_threshold(wanted.tolerance_ppm)),
      changed(traversed.vertices()),
      value(traversed.vertices(), kUnreached),
      sent_(traversed.vertices()),
      queued_wave_(traversed.vertices()),
      frontier_bits_(div_ceil<std::size_t>(traversed.vertices(), 64)),
      changed_bits_(frontier_bits_.size()) {}

void WaveTiles::begin_wave() {
    ++wave_;
    changed_count = 0;
    queue_tickets_.store(0, std::memory_order_relaxed);
    queue_capacity_ = 0;
}

void WaveTiles::open_queue(std::uint32_t capacity) {
    changed_count += std::min(queue_tickets_.load(std::memory_order_relaxed), queue_capacity_);
    queue_tickets_.store(0, std::memory_order_relaxed);
    queue_capacity_ = capacity;
}

void WaveTiles::prepare(std::uint32_t position) {
    const Vertex vertex = frontier[position];
    switch (settings.kind) {
    case TraversalKind::BreadthFirst:
        sent_[vertex] = value[vertex] + 1;
        break;
    case TraversalKind::ShortestPaths:
    case TraversalKind::Components:
        sent_[vertex] = value[vertex];
        break;
    case TraversalKind::PageRank: {
        const std::uint64_t degree = graph.degree(vertex);
        rank[vertex] += value[vertex];
        sent_[vertex] = degree == 0 ? 0 : share_of(value[vertex], settings.damping_bps, degree);
        value[vertex] = 0;
        break;
    }
    }
}

void WaveTiles::set_frontier_bits(bool set) {
    for (const Vertex vertex : frontier) {
        const std::uint64_t bit = std::uint64_t{1} << vertex % 64;
        frontier_bits_[vertex / 64] =
            set ? frontier_bits_[vertex / 64] | bit : frontier_bits_[vertex / 64] & ~bit;
    }
}

void WaveTiles::take_changed(Direction direction) {
    if (direction == Direction::Push) {
        open_queue(0);
        return;
    }
    for (std::size_t word = 0; word < changed_bits_.size(); ++word) {
        for (std::uint64_t bits = changed_bits_[word]; bits != 0; bits &= bits - 1) {
            changed[changed_count++] =
                static_cast<Vertex>(word * 64) + static_cast<Vertex>(std::countr_zero(bits));
        }
        changed_bits_[word] = 0;
    }
}

/// False: the output queue is full.
bool WaveTiles::enqueue(Vertex vertex) {
    const std::uint64_t ticket = queue_tickets_.fetch_add(1, std::memory_order_relaxed);
    if (ticket >= queue_capacity_) {
        return false;
    }
    changed[changed_count + ticket] = vertex;
    return true;
}

/// Applies one arc. True if `to` has to go into the output queue: for exactly one arc of a wave.
template <TraversalKind kKind>
bool WaveTiles::tell(Vertex from, Vertex to) {
    if constexpr (kKind == TraversalKind::BreadthFirst) {
        return lower(value[to], sent_[from]);
    } else if constexpr (kKind == TraversalKind::PageRank) {
        const std::uint64_t before =
            std::atomic_ref<std::uint64_t>(value[to]).fetch_add(sent_[from], std::memory_order_relaxed);
        return before <= threshold && before + sent_[from] > threshold;
    } else {
        const std::uint64_t there = kKind == TraversalKind::ShortestPaths ? distance_to(from, to) : sent_[from];
        return lower(value[to], there) &&
               std::atomic_ref<std::uint32_t>(queued_wave_[to]).exchange(wave_, std::memory_order_relaxed) !=
                   wave_;
    }
}

/// Where the output queue is full, the rest of the tile is put back, and the vertex that found no room is owed:
/// its arc was applied, so that only this tile knows of it.
template <TraversalKind kKind>
TileResult WaveTiles::push(RingSlot& slot) {
    auto& words = slot.argument;
    const std::uint32_t last = words[kTileLast];
    std::uint64_t inspected = 0;
    for (std::uint32_t position = words[kTileFirst]; position < last; ++position) {
        const Vertex vertex = frontier[position];
        const auto row = graph.neighbours(vertex);
        const bool ends_early = position + 1 == last && words[kTileArcLast] != kAllArcs;
        const auto row_end = static_cast<std::uint32_t>(ends_early ? words[kTileArcLast] : row.size());
        for (std::uint32_t arc = words[kTileArcFirst]; arc < row_end; ++arc) {
            const bool owed = words[kTileOwed] != 0;
            words[kTileOwed] = 0;
            inspected += owed ? 0 : 1;
            if ((owed || tell<kKind>(vertex, row[arc])) && !enqueue(row[arc])) {
                words[kTileFirst] = position;
                words[kTileArcFirst] = arc;
                words[kTileOwed] = 1;
                arcs.fetch_add(inspected, std::memory_order_relaxed);
                return TileResult::PutBack;
            }
        }
        words[kTileArcFirst] = 0;
    }
    arcs.fetch_add(inspected, std::memory_order_relaxed);
    return TileResult::Done;
}

template <TraversalKind kKind>
void WaveTiles::pull(const RingSlot& slot) {
    std::uint64_t inspected = 0;
    for (Vertex vertex = slot.argument[kTileFirst]; vertex < slot.argument[kTileLast]; ++vertex) {
        const std::uint64_t before = value[vertex];
        std::uint64_t after = before;
        if constexpr (kKind == TraversalKind::BreadthFirst) {
            if (before != kUnreached) {
                continue;
            }
            for (const Vertex neighbour : graph.pulled_row(vertex)) {
                ++inspected;
                if (in_frontier(neighbour)) {
                    after = sent_[neighbour];
                    break;
                }
            }
        } else {
            if (kKind == TraversalKind::ShortestPaths && before <= settled) {
                continue;
            }
            for (const Vertex neighbour : graph.neighbours(vertex)) {
                ++inspected;
                if (!in_frontier(neighbour)) {
                    continue;
                }
                if constexpr (kKind == TraversalKind::PageRank) {
                    after += sent_[neighbour];
                } else if constexpr (kKind == TraversalKind::ShortestPaths) {
                    after = std::min(after, distance_to(neighbour, vertex));
                } else {
                    after = std::min(after, sent_[neighbour]);
                }
            }
        }
        const bool changes =
            kKind == TraversalKind::PageRank ? before <= threshold && after > threshold : after != before;
        value[vertex] = after;
        if (changes) {
            changed_bits_[vertex / 64] |= std::uint64_t{1} << vertex % 64;
        }
    }
    arcs.fetch_add(inspected, std::memory_order_relaxed);
}

template <TraversalKind kKind>
TileResult WaveTiles::run_kind(RingSlot& slot) {
    if (slot.opcode == kPushTile) {
        return push<kKind>(slot);
    }
    pull<kKind>(slot);
    return TileResult::Done;
}

TileResult WaveTiles::run(RingSlot& slot, unsigned /*worker*/) {
    const std::uint64_t end = slot.opcode == kPullTile ? graph.vertices() : frontier.size();
    if (slot.argument[kTileLast] > end) {
        return TileResult::Failed;
    }
    if (slot.opcode == kPrepareTile) {
        for (std::uint32_t position = slot.argument[kTileFirst]; position < slot.argument[kTileLast];
             ++position) {
            prepare(position);
        }
        return TileResult::Done;
    }
    switch (settings.kind) {
    case TraversalKind::BreadthFirst:
        return run_kind<TraversalKind::BreadthFirst>(slot);
    case TraversalKind::ShortestPaths:
        return run_kind<TraversalKind::ShortestPaths>(slot);
    case TraversalKind::Components:
        return run_kind<TraversalKind::Components>(slot);
    case TraversalKind::PageRank:
        return run_kind<TraversalKind::PageRank>(slot);
    }
    return TileResult::Failed;
}

std::string_view WaveTiles::opcode_name(std::uint32_t opcode) const {
    constexpr std::array<std::string_view, kTileOpcodes> kNames{"prepare", "push", "pull"};
    return opcode < kNames.size() ? kNames[opcode] : "unknown";
}

}  // namespace megabed
