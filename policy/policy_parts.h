#pragma once

#include "policy/autotune.h"
#include "policy/error.h"
#include "policy/recommendation_cache.h"
#include "policy/reference_policy.h"
#include "policy/sheaf_diffusion.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace megabed {

/// A cache of answers from blank states, as the T laws and the golden rows see it.
class AnswerCache {
public:
    AnswerCache() = default;
    AnswerCache(const AnswerCache&) = delete;
    AnswerCache& operator=(const AnswerCache&) = delete;
    virtual ~AnswerCache() = default;

    /// As RecommendationCache::recommend.
    [[nodiscard]] virtual Result<reference::Answer> recommend(const LaunchPolicyParameters& parameters,
                                                              const LaunchRequest& request,
                                                              std::optional<DispatchTopology> previous) = 0;
    [[nodiscard]] virtual LaunchCacheStats stats() const = 0;
    virtual void clear() = 0;
};

/// The parts a policy may have besides its decisions; the T and H laws speak of them. Null: it has none.
struct PolicyParts {
    /// A cache that may stand in front of it (laws T1, T2).
    std::unique_ptr<AnswerCache> (*make_cache)() = nullptr;
    /// What the cache stands in front of. Null if `make_cache` is.
    Result<reference::Answer> (*uncached)(const LaunchPolicyParameters& parameters,
                                          const LaunchRequest& request,
                                          std::optional<DispatchTopology> previous) = nullptr;
    /// The candidate of least cost (law H1).
    std::uint32_t (*autotune)(std::span<const std::uint32_t> candidates, std::span<const double> costs,
                              std::uint32_t current) = nullptr;
    /// Spreads priorities over sibling links (law H2).
    Result<std::vector<double>> (*diffuse)(std::span<const double> priorities,
                                           std::span<const SiblingLink> links, double damping,
                                           std::uint32_t iterations) = nullptr;
    /// One natural-gradient step over an n x n row-major Fisher matrix (law H3).
    Result<std::vector<double>> (*natural_gradient)(std::span<const double> fisher,
                                                    std::span<const double> gradient, std::uint32_t n,
                                                    double rate) = nullptr;
};

/// What the original has: a cache, both autotuners, a per-item decay and a step that multiplies by its matrix.
[[nodiscard]] PolicyParts reference_parts();

/// What the laws ask for: no cache is needed, the rest obeys H1 to H3.
[[nodiscard]] PolicyParts hardened_parts();

}  // namespace megabed
