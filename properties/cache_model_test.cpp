#include "policy/recommendation_cache.h"
#include "policy/reference_policy.h"
#include "properties/rapidcheck_property.h"
#include "scenarios/request_toml.h"

#include <gtest/gtest.h>
#include <rapidcheck/state.h>
#include <algorithm>
#include <vector>

namespace megabed {
namespace {

void expect_holds(const PropertyVerdict& verdict) {
    EXPECT_TRUE(verdict.holds) << verdict.report;
    std::cerr << verdict.report << '\n';
}

/// What the cache should hold: keys from newest to oldest, and the counters.
struct CacheModel {
    std::vector<std::uint32_t> queue_lens;
    LaunchCacheStats stats;
};

LaunchRequest request_of(std::uint32_t queue_len) {
    LaunchRequest request = base_request();
    request.queue_len = queue_len;
    request.max_workgroup_size_x = queue_len % 7 == 0 ? 0 : 256;  // every seventh request fails
    return request;
}

struct Recommend : rc::state::Command<CacheModel, RecommendationCache> {
    std::uint32_t queue_len = *rc::gen::inRange(1U, 180U);

    void apply(CacheModel& model) const override {
        auto& keys = model.queue_lens;
        const auto found = std::find(keys.begin(), keys.end(), queue_len);
        if (found != keys.end()) {
            ++model.stats.hits;
            std::rotate(keys.begin(), found, found + 1);
            return;
        }
        ++model.stats.misses;
        if (queue_len % 7 == 0) {
            return;
        }
        keys.insert(keys.begin(), queue_len);
        if (keys.size() > RecommendationCache::kCapacity) {
            keys.pop_back();
        }
        model.stats.entries = keys.size();
    }

    void run(const CacheModel& before, RecommendationCache& cache) const override {
        const auto answer = cache.recommend(LaunchPolicyParameters::standard(), request_of(queue_len));
        RC_ASSERT((answer == reference::recommend(LaunchPolicyParameters::standard(), request_of(queue_len))));
        RC_ASSERT((cache.stats() == nextState(before).stats));
        RC_CLASSIFY(before.queue_lens.size() == RecommendationCache::kCapacity &&
                        nextState(before).stats.misses > before.stats.misses,
                    "eviction");
    }
    void show(std::ostream& os) const override { os << "recommend " << queue_len; }
};

struct Clear : rc::state::Command<CacheModel, RecommendationCache> {
    void apply(CacheModel& model) const override { model = CacheModel(); }
    void run(const CacheModel& /*before*/, RecommendationCache& cache) const override {
        cache.clear();
        RC_ASSERT((cache.stats() == LaunchCacheStats{}));
        RC_TAG(std::string("clear"));
    }
    void show(std::ostream& os) const override { os << "clear"; }
};

TEST(CacheModel, T2_the_cache_is_least_recently_used_with_exact_counters) {
    expect_holds(check_property("T2", 100, {"eviction", "clear"}, [] {
        RecommendationCache cache;
        const auto commands =
            rc::state::gen::execOneOfWithArgs<Recommend, Recommend, Recommend, Recommend, Recommend, Recommend,
                                              Recommend, Recommend, Recommend, Clear>();
        // Fill first, so that evictions are common at every size.
        CacheModel model;
        for (std::uint32_t queue_len = 1; queue_len <= 160; ++queue_len) {
            Recommend fill;
            fill.queue_len = queue_len;
            const CacheModel before = model;
            fill.apply(model);
            fill.run(before, cache);
        }
        rc::state::check(model, cache, commands);
    }));
}

}  // namespace
}  // namespace megabed
