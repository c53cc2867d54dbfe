#pragma once

#include "properties/policy_law.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace megabed {

struct SearchOptions {
    std::uint64_t cases = 200'000;  ///< to draw; those outside the law's domain count too
    std::uint64_t seed = 1;
    unsigned jobs = 1;                                 ///< threads; the result does not depend on them
    std::optional<std::chrono::nanoseconds> budget{};  ///< time in place of `cases`: the count then varies
    std::stop_token stop{};
};

/// What a search for a broken case came to.
struct SearchResult {
    std::uint64_t cases = 0;  ///< that the law speaks of
    std::uint64_t outside = 0;
    std::array<std::uint64_t, kClassesMax> reached{};  ///< cases of each class
    std::optional<LawCase> broken{};                   ///< the first in the order of drawing
    std::string why{};
    double seconds = 0.0;

    /// Classes that the law must reach and did not, by index.
    [[nodiscard]] std::vector<std::uint32_t> unreached(const Law& law) const;
};

/// Draws cases and judges them until one breaks the law. Requires: a law with a `check` that applies.
[[nodiscard]] SearchResult search_law(const Subject& subject, const Law& law, const SearchOptions& options);

/// Judges one case with a policy made for its parameters.
[[nodiscard]] Judgement judge_case(const Subject& subject, const Law& law, const LawCase& input);

}  // namespace megabed
