#pragma once

#include "properties/law_case.h"

#include <chrono>
#include <cstdint>
#include <functional>

namespace megabed {

struct MinimiserOptions {
    std::chrono::nanoseconds budget = std::chrono::seconds(4);
};

/// A broken case and what it took to find it.
struct MinimisedCase {
    LawCase input{};
    std::uint64_t tries = 0;
    bool finished = true;  ///< whether nothing simpler was left to try when it stopped
};

/// The shortest, simplest case that still `breaks`: requests are removed by delta debugging, then parameters
/// and fields go back to the standard and to the base request, and what must differ becomes a round or small
/// number. A pure function of its arguments unless the budget runs out. Requires: breaks(input). Source: Zeller
/// and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002.
[[nodiscard]] MinimisedCase minimise(LawCase input, const std::function<bool(const LawCase&)>& breaks,
                                     const MinimiserOptions& options = {});

}  // namespace megabed
