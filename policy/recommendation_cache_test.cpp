#include "policy/recommendation_cache.h"

#include <gtest/gtest.h>

namespace megabed {
namespace {

LaunchRequest request_of(std::uint32_t queue_len) { return LaunchRequest::direct(queue_len, 64, 256); }

std::uint64_t misses_of(RecommendationCache& cache, std::uint32_t queue_len,
                        const LaunchPolicyParameters& parameters = {}) {
    const std::uint64_t before = cache.stats().misses;
    EXPECT_EQ(cache.recommend(parameters, request_of(queue_len)),
              reference::recommend(parameters, request_of(queue_len)));
    return cache.stats().misses - before;
}

TEST(RecommendationCache, Evicts_the_least_recently_used) {
    RecommendationCache cache;
    for (std::uint32_t queue_len = 1; queue_len <= 128; ++queue_len) {
        EXPECT_EQ(misses_of(cache, queue_len), 1U);
    }
    EXPECT_EQ(misses_of(cache, 1), 0U);    // now the newest
    EXPECT_EQ(misses_of(cache, 129), 1U);  // evicts 2
    EXPECT_EQ(misses_of(cache, 1), 0U);
    EXPECT_EQ(misses_of(cache, 2), 1U);
    EXPECT_EQ(cache.stats(), (LaunchCacheStats{128, 2, 130}));
}

TEST(RecommendationCache, Every_parameter_is_part_of_the_key) {
    RecommendationCache cache;
    const LaunchPolicyParameters standard;
    EXPECT_EQ(misses_of(cache, 5), 1U);
    for (std::uint32_t LaunchPolicyParameters::*member :
         {&LaunchPolicyParameters::min_hit_capacity, &LaunchPolicyParameters::hit_capacity_multiplier,
          &LaunchPolicyParameters::saturated_waves, &LaunchPolicyParameters::hot_opcode_threshold,
          &LaunchPolicyParameters::hot_window_threshold, &LaunchPolicyParameters::jit_queue_len_threshold,
          &LaunchPolicyParameters::priority_age_threshold, &LaunchPolicyParameters::fusion_edge_threshold,
          &LaunchPolicyParameters::scratch_bytes_per_hit}) {
        LaunchPolicyParameters other = standard;
        other.*member += 1;
        EXPECT_EQ(misses_of(cache, 5, other), 1U);
        EXPECT_EQ(misses_of(cache, 5, other), 0U);
    }
    for (BasisPoints LaunchPolicyParameters::*member :
         {&LaunchPolicyParameters::sparse_frontier_threshold, &LaunchPolicyParameters::dense_frontier_threshold,
          &LaunchPolicyParameters::memory_pressure_threshold, &LaunchPolicyParameters::hysteresis}) {
        LaunchPolicyParameters other = standard;
        other.*member += BasisPoints(1);
        EXPECT_EQ(misses_of(cache, 5, other), 1U);
    }
    LaunchPolicyParameters sized = standard;
    sized.sizing.dispatch_workgroups_max = 7;
    EXPECT_EQ(misses_of(cache, 5, sized), 1U);
}

TEST(RecommendationCache, A_request_with_a_previous_topology_passes_by_uncounted) {
    RecommendationCache cache;
    EXPECT_TRUE(cache.recommend({}, request_of(3), DispatchTopology::DenseFrontier));
    EXPECT_EQ(cache.stats(), LaunchCacheStats{});
}

TEST(RecommendationCache, A_failure_is_a_miss_and_stores_nothing) {
    RecommendationCache cache;
    EXPECT_FALSE(cache.recommend({}, LaunchRequest::direct(1, 0, 256)));
    EXPECT_FALSE(cache.recommend({}, LaunchRequest::direct(1, 0, 256)));
    EXPECT_EQ(cache.stats(), (LaunchCacheStats{0, 0, 2}));
}

}  // namespace
}  // namespace megabed
