#include "policy/recommendation_cache.h"
#include "policy/reference_policy.h"
#include "properties/case_aims.h"
#include "properties/law_families.h"
#include "properties/walk.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <vector>

namespace megabed {
namespace {

constexpr std::uint32_t kStarts = class_mask(kStandardParameters, kCustomParameters);
constexpr std::array kCacheClasses{LawClass{"hit"}, LawClass{"miss"}, LawClass{"refused request"},
                                   LawClass{"eviction"}};
constexpr std::uint32_t kMust =
    kStarts | class_mask(kOwnClasses, kOwnClasses + 1, kOwnClasses + 2, kOwnClasses + 3);

/// Requests from a pool: small ones that fit the cache, sometimes one that does not.
void draw_cache_trace(Choices& choices, LawCase& input) {
    input.parameters = aim::valid_parameters(choices);
    input.prelude.clear();
    input.steps.clear();
    const bool overflows = choices.one_in(8);
    const std::uint64_t pool_size = overflows ? 200 + choices.below(20) : choices.between(1, 12);
    const std::uint64_t length = overflows ? 2 * pool_size : choices.between(1, 30);
    std::vector<LaunchRequest> pool;
    for (std::uint64_t at = 0; at < pool_size; ++at) {
        pool.push_back(aim::any_request(choices, input.parameters));
        if (choices.one_in(8)) {
            pool.back().max_workgroup_size_x = 0;
        }
    }
    for (std::uint64_t at = 0; at < length; ++at) {
        // Through the pool first, so that an overflow comes to pass, then at random.
        input.steps.push_back(at < pool_size ? pool[at] : pool[choices.below(pool_size)]);
    }
}

/// The request as the cache sees it: absence is 0.
LaunchRequest with_zeros(LaunchRequest request) {
    request.requested_worker_groups = request.requested_worker_groups.value_or(0);
    request.requested_hit_capacity = request.requested_hit_capacity.value_or(0);
    request.graph_node_count = request.graph_node_count.value_or(0);
    request.graph_edge_count = request.graph_edge_count.value_or(0);
    request.frontier_density = request.frontier_density.value_or(BasisPoints(0));
    request.memory_pressure = request.memory_pressure.value_or(BasisPoints(0));
    request.device_memory_budget = request.device_memory_budget.value_or(Bytes(0));
    return request;
}

std::uint32_t trace_classes(const LawCase& input) {
    return class_mask(input.parameters == LaunchPolicyParameters{} ? kStandardParameters : kCustomParameters);
}

Judgement check_t1(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.empty()) {
        return outside_domain();
    }
    std::uint32_t classes = trace_classes(input);
    RecommendationCache cache;
    for (const LaunchRequest& step : input.steps) {
        const LaunchCacheStats before = cache.stats();
        const auto cached = cache.recommend(input.parameters, step);
        const auto uncached = policy.recommend({step, {}}, {});
        classes |= cache.stats().hits > before.hits ? class_mask(kOwnClasses) : class_mask(kOwnClasses + 1);
        classes |= uncached ? 0 : class_mask(kOwnClasses + 2);
        classes |=
            cache.stats().entries == RecommendationCache::kCapacity && cache.stats().misses > before.misses
                ? class_mask(kOwnClasses + 3)
                : 0;
        if (cached.has_value() != uncached.has_value()) {
            return breaks(classes, "the cache answers where the policy refuses, or the other way round");
        }
        if (!cached && cached.error() != uncached.error()) {
            return breaks(classes, "the cache gives another error");
        }
        if (cached && (!(cached->recommendation == uncached->recommendation) ||
                       uncached->next.previous_topology() != cached->choice.topology)) {
            return breaks(classes, "the cached answer or its next state differs");
        }
        // With a previous topology the cache stands aside and counts nothing.
        const LaunchCacheStats stats = cache.stats();
        const auto aside = cache.recommend(input.parameters, step, DispatchTopology::HybridFrontier);
        if (!(cache.stats() == stats)) {
            return breaks(classes, "a request with a previous topology goes through the cache");
        }
        if (aside != reference::recommend(input.parameters, step, DispatchTopology::HybridFrontier)) {
            return breaks(classes, "a request with a previous topology gets a blank state's answer");
        }
    }
    return {CaseOutcome::Holds, classes, {}};
}

Judgement check_t2(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.empty()) {
        return outside_domain();
    }
    std::uint32_t classes = trace_classes(input);
    RecommendationCache cache;
    std::vector<LaunchRequest> kept;  // newest first
    LaunchCacheStats expected;
    for (const LaunchRequest& step : input.steps) {
        (void)cache.recommend(input.parameters, step);
        const LaunchRequest key = with_zeros(step);
        const auto found = std::find(kept.begin(), kept.end(), key);
        if (found != kept.end()) {
            ++expected.hits;
            std::rotate(kept.begin(), found, found + 1);
            classes |= class_mask(kOwnClasses);
        } else {
            ++expected.misses;
            classes |= class_mask(kOwnClasses + 1);
            if (policy.recommend({step, {}}, {})) {
                kept.insert(kept.begin(), key);
            } else {
                classes |= class_mask(kOwnClasses + 2);
            }
            if (kept.size() > RecommendationCache::kCapacity) {
                kept.pop_back();
                classes |= class_mask(kOwnClasses + 3);
            }
        }
        expected.entries = kept.size();
        if (!(cache.stats() == expected)) {
            return breaks(classes,
                          fmt::format("entries, hits, misses are {}, {}, {}; a list of the 128 last used "
                                      "has {}, {}, {}",
                                      cache.stats().entries, cache.stats().hits, cache.stats().misses,
                                      expected.entries, expected.hits, expected.misses));
        }
    }
    cache.clear();
    if (!(cache.stats() == LaunchCacheStats{})) {
        return breaks(classes, "clear() leaves counters");
    }
    return {CaseOutcome::Holds, classes, {}};
}

bool is_cached(const PolicyParts& parts) { return parts.cached; }

constexpr std::array kLaws{
    Law{.id = "T1",
        .sentence =
            "cached and uncached answers, and next states, are equal; the cache serves blank states only",
        .scope = LawScope::Part,
        .draw = draw_cache_trace,
        .check = check_t1,
        .must_reach = kMust,
        .own_classes = kCacheClasses,
        .applies = is_cached,
        .cost = 50},
    Law{.id = "T2",
        .sentence = "the cache is least-recently-used with 128 entries and exact counters",
        .scope = LawScope::Part,
        .draw = draw_cache_trace,
        .check = check_t2,
        .must_reach = kMust,
        .own_classes = kCacheClasses,
        .applies = is_cached,
        .cost = 50},
};

}  // namespace

std::span<const Law> cache_laws() { return kLaws; }

}  // namespace megabed
