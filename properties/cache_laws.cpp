#include "policy/recommendation_cache.h"
#include "properties/case_aims.h"
#include "properties/law_families.h"
#include "properties/walk.h"
#include "scenarios/request_fields.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <optional>
#include <string>
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
        if (at > 0 && choices.one_in(2)) {
            // All but one field of an earlier request: a key that left it out would serve the wrong answer.
            const RequestField& field = request_fields()[choices.below(request_fields().size())];
            const auto value = field.get(pool.back());
            pool.back() = pool[choices.below(at)];
            field.set(pool.back(), value);
        }
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

/// The parameters with one of them moved by one: the cache must tell them apart.
LaunchPolicyParameters moved(LaunchPolicyParameters parameters, std::size_t which) {
    const ParameterField& field = parameter_fields()[which % parameter_fields().size()];
    const std::uint64_t value = field.get(parameters);
    field.set(parameters, value < field.most ? value + 1 : value - 1);
    return parameters;
}

/// What is wrong with a cached answer, if anything.
std::optional<std::string> cached_difference(const Result<reference::Answer>& cached,
                                             const Result<reference::Answer>& uncached) {
    if (cached.has_value() != uncached.has_value()) {
        return "the cache answers where the policy refuses, or the other way round";
    }
    if (!cached) {
        return cached.error() == uncached.error() ? std::nullopt
                                                  : std::optional("the cache gives another error");
    }
    return *cached == *uncached ? std::nullopt : std::optional("the cached answer or its next state differs");
}

Judgement check_t1(const Policy& /*policy*/, const PolicyParts& parts, const LawCase& input) {
    if (input.steps.empty()) {
        return outside_domain();
    }
    std::uint32_t classes = parameter_classes(input.parameters);
    const auto cache = parts.make_cache();
    for (std::size_t at = 0; at < input.steps.size(); ++at) {
        const LaunchRequest& step = input.steps[at];
        const LaunchCacheStats before = cache->stats();
        for (const LaunchPolicyParameters& parameters : {input.parameters, moved(input.parameters, at)}) {
            const auto uncached = parts.uncached(parameters, step, std::nullopt);
            classes |= uncached ? 0 : class_mask(kOwnClasses + 2);
            if (const auto why =
                    cached_difference(cache->recommend(parameters, step, std::nullopt), uncached)) {
                return breaks(classes, *why);
            }
        }
        const LaunchCacheStats after = cache->stats();
        classes |= after.hits > before.hits ? class_mask(kOwnClasses) : 0;
        classes |= after.misses > before.misses ? class_mask(kOwnClasses + 1) : 0;
        classes |= after.entries == RecommendationCache::kCapacity && after.misses > before.misses
                       ? class_mask(kOwnClasses + 3)
                       : 0;
        // With a previous topology the cache stands aside and counts nothing.
        constexpr auto kPrevious = DispatchTopology::HybridFrontier;
        if (cached_difference(cache->recommend(input.parameters, step, kPrevious),
                              parts.uncached(input.parameters, step, kPrevious))) {
            return breaks(classes, "a request with a previous topology gets a blank state's answer");
        }
        if (!(cache->stats() == after)) {
            return breaks(classes, "a request with a previous topology goes through the cache");
        }
    }
    return {CaseOutcome::Holds, classes, {}};
}

Judgement check_t2(const Policy& policy, const PolicyParts& parts, const LawCase& input) {
    if (input.steps.empty()) {
        return outside_domain();
    }
    std::uint32_t classes = parameter_classes(input.parameters);
    const auto cache = parts.make_cache();
    std::vector<LaunchRequest> kept;  // newest first
    LaunchCacheStats expected;
    for (const LaunchRequest& step : input.steps) {
        (void)cache->recommend(input.parameters, step, std::nullopt);
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
        if (!(cache->stats() == expected)) {
            return breaks(classes,
                          fmt::format("entries, hits, misses are {}, {}, {}; a list of the 128 last used "
                                      "has {}, {}, {}",
                                      cache->stats().entries, cache->stats().hits, cache->stats().misses,
                                      expected.entries, expected.hits, expected.misses));
        }
    }
    cache->clear();
    if (!(cache->stats() == LaunchCacheStats{})) {
        return breaks(classes, "clear() leaves counters");
    }
    return {CaseOutcome::Holds, classes, {}};
}

bool is_cached(const PolicyParts& parts) { return parts.make_cache != nullptr; }

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
