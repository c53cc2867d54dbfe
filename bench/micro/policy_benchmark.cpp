// One recommendation, with and without inference and cache. Times in ns; items are recommendations.
#include "policy/recommendation_cache.h"
#include "policy/reference_policy.h"
#include "policy/registry.h"
#include "properties/generators.h"
#include "scenarios/request_toml.h"
#include "sim/engine/counter_random.h"

#include <benchmark/benchmark.h>
#include <vector>

namespace megabed {
namespace {

constexpr std::size_t kRequests = 64;

/// Requests that differ in queue, density, pressure and resident bytes, so that no branch can be learnt.
std::vector<LaunchRequest> varied(bool readings) {
    CounterRandom random(1, 0);
    std::vector<LaunchRequest> requests(kRequests, base_request());
    for (LaunchRequest& request : requests) {
        request.queue_len = static_cast<std::uint32_t>(random.next() % 100'000 + 1);
        request.frontier_density = BasisPoints(static_cast<std::uint16_t>(random.next() % 10'001));
        request.memory_pressure = BasisPoints(static_cast<std::uint16_t>(random.next() % 9000));
        request.resident_device_bytes = Bytes(random.next() % (1ULL << 39));
        request.device_memory_budget = Bytes(1ULL << 40);
        if (!readings) {
            request.frontier_density.reset();
            request.memory_pressure.reset();
        }
    }
    return requests;
}

template <class Recommend>
void run(benchmark::State& state, const std::vector<LaunchRequest>& requests, Recommend recommend) {
    std::size_t at = 0;
    for (auto _ : state) {
        const auto answer = recommend(requests[at]);
        benchmark::DoNotOptimize(&answer);
        benchmark::ClobberMemory();
        at = (at + 1) % kRequests;
    }
    state.SetItemsProcessed(state.iterations());
}

void recommend_base(benchmark::State& state) {
    const LaunchPolicyParameters parameters;
    run(state, std::vector<LaunchRequest>(kRequests, base_request()), [&](const LaunchRequest& request) {
        return reference::recommend(parameters, request, DispatchTopology::HybridFrontier);
    });
}

void recommend_varied(benchmark::State& state) {
    const LaunchPolicyParameters parameters;
    run(state, varied(true), [&](const LaunchRequest& request) {
        return reference::recommend(parameters, request, DispatchTopology::HybridFrontier);
    });
}

void recommend_inferred(benchmark::State& state) {
    const LaunchPolicyParameters parameters;
    run(state, varied(false), [&](const LaunchRequest& request) {
        return reference::recommend(parameters, request, DispatchTopology::HybridFrontier);
    });
}

void recommend_through_the_seam(benchmark::State& state) {
    const auto policy = make_policy("reference", {});
    PolicyState memory;
    memory.remember(DispatchTopology::HybridFrontier);
    Observation observation;
    run(state, varied(true), [&](const LaunchRequest& request) {
        observation.request = request;
        return policy->recommend(observation, memory);
    });
}

void cache_hit_on_the_newest(benchmark::State& state) {
    const LaunchPolicyParameters parameters;
    RecommendationCache cache;
    run(state, std::vector<LaunchRequest>(kRequests, base_request()),
        [&](const LaunchRequest& request) { return cache.recommend(parameters, request); });
}

void cache_hit_in_turn(benchmark::State& state) {
    const LaunchPolicyParameters parameters;
    RecommendationCache cache;
    run(state, varied(true),
        [&](const LaunchRequest& request) { return cache.recommend(parameters, request); });
}

void cache_miss_with_eviction(benchmark::State& state) {
    const LaunchPolicyParameters parameters;
    RecommendationCache cache;
    LaunchRequest fresh = base_request();
    run(state, std::vector<LaunchRequest>(kRequests, base_request()), [&](const LaunchRequest& /*request*/) {
        fresh.queue_len = fresh.queue_len % 1'000'000 + 1;
        return cache.recommend(parameters, fresh);
    });
}

BENCHMARK(recommend_base);
BENCHMARK(recommend_varied);
BENCHMARK(recommend_inferred);
BENCHMARK(recommend_through_the_seam);
BENCHMARK(cache_hit_on_the_newest);
BENCHMARK(cache_hit_in_turn);
BENCHMARK(cache_miss_with_eviction);

}  // namespace
}  // namespace megabed
