#include "policy/policy_parts.h"

#include "policy/fisher_step.h"
#include "policy/natural_gradient.h"
#include "policy/priority_diffusion.h"

namespace megabed {
namespace {

class ReferenceCache final : public AnswerCache {
public:
    [[nodiscard]] Result<reference::Answer> recommend(const LaunchPolicyParameters& parameters,
                                                      const LaunchRequest& request,
                                                      std::optional<DispatchTopology> previous) override {
        return cache_.recommend(parameters, request, previous);
    }
    [[nodiscard]] LaunchCacheStats stats() const override { return cache_.stats(); }
    void clear() override { cache_.clear(); }

private:
    RecommendationCache cache_;
};

/// The original decays each item by a coefficient of its own; the coefficient that a diffusion would use is the
/// weight of the item's links.
Result<std::vector<double>> decay_by_links(std::span<const double> priorities,
                                           std::span<const SiblingLink> links, double damping,
                                           std::uint32_t iterations) {
    std::vector<double> coefficients(priorities.size(), 0.0);
    for (const SiblingLink& link : links) {
        coefficients[link.first] += link.weight;
        coefficients[link.second] += link.weight;
    }
    return diffuse_priority(priorities, coefficients, damping, iterations);
}

Result<std::vector<double>> multiply_by_matrix(std::span<const double> fisher, std::span<const double> gradient,
                                               std::uint32_t n, double rate) {
    return natural_gradient_step(fisher, gradient, n, rate);
}

}  // namespace

PolicyParts reference_parts() {
    return {.make_cache = [] { return std::unique_ptr<AnswerCache>(std::make_unique<ReferenceCache>()); },
            .uncached = reference::recommend,
            .autotune = autotune,
            .diffuse = decay_by_links,
            .natural_gradient = multiply_by_matrix};
}

PolicyParts hardened_parts() {
    return {.make_cache = nullptr,
            .uncached = nullptr,
            .autotune = autotune_known_costs,
            .diffuse = diffuse_over_siblings,
            .natural_gradient = fisher_step};
}

}  // namespace megabed
