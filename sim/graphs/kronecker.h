#pragma once

#include "sim/graphs/edge_list.h"

#include <cstdint>

namespace megabed {

/// A stochastic Kronecker (R-MAT) graph: each edge descends `scale` times into a quadrant.
/// Shapes: 2^scale vertices, edge_factor x 2^scale edges, loops and duplicates included.
/// Units:  a, b, c are the probabilities of the first three quadrants.
struct KroneckerParameters {
    std::uint32_t scale = 16;
    std::uint32_t edge_factor = 16;
    double a = 0.57;
    double b = 0.19;
    double c = 0.19;
    std::uint64_t seed = 1;
};

/// Generates in parallel. An edge depends on the seed and its own number alone, so the list is the same for
/// any number of threads. Vertex labels are permuted, so that a label tells nothing about a degree.
/// `threads` 0 means one for each core.
/// Requires: 1 <= scale <= 31, a + b + c <= 1.
/// Source:   Chakrabarti, Zhan and Faloutsos, "R-MAT", SDM 2004; Graph500 specification (label permutation).
[[nodiscard]] EdgeList generate_kronecker(const KroneckerParameters& parameters, unsigned threads = 0);

}  // namespace megabed
