#pragma once

#include "sim/engine/counter_random.h"
#include "sim/graphs/graph.h"
#include "sim/scenario.h"
#include "sim/traversals/traversal.h"
#include "sim/workloads/shuffle.h"

#include <cstdint>
#include <variant>

/// The work of a wave whose frontier is prescribed, not found: what a backend that does work does for synthetic
/// frontiers and listed requests, and what it must come to. Host threads, the card and the oracle share it.
///
/// The frontier of a wave is as many vertices as the source says, the first in a random order of all of them.
/// The graph is the scenario's: every vertex has the mean number of arcs, and they lead anywhere. A push looks
/// at every arc of every frontier vertex, and adds up the weights of their ends. One arc a vertex is live, by
/// its place in the row; it hits its end: so a wave finds as many as it holds. A pull lets every vertex outside
/// the frontier look at the first half of its arcs; one that sees the frontier is hit. These are the counts
/// that the simulator goes by. Sums do not depend on any order. Listed requests have no graph: each is a token
/// of at most one tile, pushed whatever its topology.
namespace megabed {

/// A graph that is computed: no memory is needed to walk on it.
struct PrescribedGraph {
    std::uint32_t vertices = 1;
    std::uint32_t degree = 1;
    std::uint64_t key = 0;

    /// Requires: vertex and arc exist.
    [[nodiscard]] constexpr Vertex neighbour(Vertex vertex, std::uint32_t arc) const {
        const std::uint64_t drawn = scatter(key ^ (std::uint64_t{vertex} << 32 | arc));
        return static_cast<Vertex>((drawn >> 32) * vertices >> 32);
    }
    [[nodiscard]] constexpr std::uint32_t weight(Vertex vertex) const {
        return static_cast<std::uint32_t>(scatter(~key ^ vertex));
    }
    /// Arcs of a vertex that a pull looks at.
    [[nodiscard]] constexpr std::uint32_t pulled_arcs() const { return degree < 2 ? 1 : degree / 2; }
};

/// The random numbers of one wave.
struct WaveKey {
    std::uint64_t word = 0;

    constexpr WaveKey(std::uint64_t seed, std::uint64_t wave)
        : word(scatter(scatter(seed) + wave * 0x9E37'79B9'7F4A'7C15)) {}
    /// The place in every row of the arc that hits.
    [[nodiscard]] constexpr std::uint32_t live_arc(std::uint32_t degree) const {
        return static_cast<std::uint32_t>(word % degree);
    }
    /// What a hit adds to the sum.
    [[nodiscard]] constexpr std::uint64_t mark(Vertex vertex) const { return scatter(word ^ vertex); }
};

/// What a wave comes to.
struct PrescribedTally {
    std::uint64_t arcs = 0;  ///< looked at
    std::uint64_t hits = 0;
    std::uint64_t sum = 0;  ///< push: weights of ends, and a mark a hit; pull: a mark for every arc that sees

    constexpr bool operator==(const PrescribedTally&) const = default;
};

/// The result of a run after one more wave.
[[nodiscard]] constexpr std::uint64_t with_wave(std::uint64_t result, const PrescribedTally& tally) {
    for (const std::uint64_t word : {tally.arcs, tally.hits, tally.sum}) {
        result = scatter(result + word) ^ word;
    }
    return result;
}

// The same bits from every compiler, on the device as on the host.
static_assert(WaveKey(7, 3).word == 0xF0E5'2107'0CC0'3750);
static_assert(Shuffle(100'000, WaveKey(7, 3).word).at(0) == 51'754 &&
              Shuffle(100'000, WaveKey(7, 3).word).at(3) == 1396);
static_assert(PrescribedGraph{100'000, 16, 42}.neighbour(9, 3) == 44'718 &&
              PrescribedGraph{100'000, 16, 42}.weight(9) == 1'663'601'078);

/// Requires, here and below: a scenario of prescribed work.
[[nodiscard]] PrescribedGraph prescribed_graph(const Scenario& scenario);
[[nodiscard]] constexpr bool is_prescribed(const Scenario& scenario) {
    return std::holds_alternative<SyntheticWorkload>(scenario.workload) ||
           std::holds_alternative<RequestsWorkload>(scenario.workload);
}
/// Frontier vertices of a wave, of a request those of its token.
[[nodiscard]] std::uint32_t prescribed_frontier(const Scenario& scenario, const WaveWork& work);

}  // namespace megabed
