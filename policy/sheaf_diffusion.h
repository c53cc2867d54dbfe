#pragma once

#include "policy/error.h"

#include <cstdint>
#include <span>
#include <vector>

namespace megabed {

/// Two items whose priorities should agree, and how strongly. Requires: weight > 0 and finite.
struct SiblingLink {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    double weight = 1.0;
};

/// Heat flow x <- x - a L x of priorities over a sibling graph, `iterations` times, where L is the Laplacian of
/// the constant sheaf on it: its coboundary maps x to sqrt(weight) * (x[first] - x[second]) on each link.
/// The step a is min(damping, 1/2) / largest weighted degree, so that every step averages: values stay in
/// their initial range, the total is kept up to rounding, and linked items approach their component's mean.
/// Shapes: `priorities` n; links index them.
/// Errors: InvalidShape for a link outside the items, from an item to itself, or of a weight that is not
///         positive; InvalidParameter for a damping that is not positive.
/// Source: Hansen and Ghrist, "Toward a spectral theory of cellular sheaves", 2019 (sheaf Laplacian).
[[nodiscard]] Result<std::vector<double>> diffuse_over_siblings(std::span<const double> priorities,
                                                                std::span<const SiblingLink> links,
                                                                double damping, std::uint32_t iterations);

}  // namespace megabed
