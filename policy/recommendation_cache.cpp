#include "policy/recommendation_cache.h"

#include <bit>
#include <tuple>
#include <utility>

namespace megabed {
namespace {

constexpr std::uint64_t pair(std::uint32_t low, std::uint32_t high) {
    return std::uint64_t{low} | std::uint64_t{high} << 32;
}

/// The first words of a key differ from launch to launch.
constexpr std::size_t kVariedWords = 5;

/// Odd multipliers for the words of a key.
constexpr auto kSalt = [] {
    std::array<std::uint64_t, kVariedWords + 1> salt{};
    std::uint64_t state = 0x243F'6A88'85A3'08D3;
    for (std::uint64_t& word : salt) {
        state = (state ^ state >> 31) * 0x9E37'79B9'7F4A'7C15 + 0x1319'8A2E'0370'7345;
        word = state | 1;
    }
    return salt;
}();

using Words = std::array<std::uint64_t, 18>;

/// Word by word with early exits: a vectorised comparison would wait for the narrow stores of a new key.
template <std::size_t... Word>
constexpr bool same(const Words& left, const Words& right, std::index_sequence<Word...> /*words*/) {
    return ((left[Word] == right[Word]) && ...);
}
constexpr bool same(const Words& left, const Words& right) {
    return same(left, right, std::make_index_sequence<std::tuple_size_v<Words>>());
}

}  // namespace

RecommendationCache::RecommendationCache() : entries_(kCapacity) { clear(); }

void RecommendationCache::clear() {
    buckets_.fill(kNone);
    newest_ = kNone;
    oldest_ = kNone;
    size_ = 0;
    hits_ = 0;
    misses_ = 0;
}

RecommendationCache::Key RecommendationCache::make_key(const LaunchPolicyParameters& parameters,
                                                       const LaunchRequest& request) {
    const SizingPolicy& sizing = parameters.sizing;
    const std::uint32_t density = request.frontier_density.value_or(BasisPoints(0)).value();
    const std::uint32_t pressure = request.memory_pressure.value_or(BasisPoints(0)).value();
    return {
        pair(request.queue_len, request.requested_worker_groups.value_or(0)),
        pair(density | pressure << 16, parameters.scratch_bytes_per_hit),
        pair(request.graph_node_count.value_or(0), request.graph_edge_count.value_or(0)),
        request.resident_device_bytes.value(),
        request.device_memory_budget.value_or(Bytes(0)).value(),
        pair(request.max_workgroup_size_x, request.max_compute_workgroups_per_dimension),
        pair(request.max_compute_invocations_per_workgroup, request.requested_hit_capacity.value_or(0)),
        pair(request.expected_hits_per_item, request.hot_opcode_count),
        pair(request.hot_window_count, request.max_priority_age),
        request.requeue_count,
        pair(sizing.default_worker_groups, sizing.occupancy_divisor),
        pair(sizing.dispatch_workgroups_max, sizing.powerful_invocations),
        pair(sizing.powerful_groups_min, parameters.min_hit_capacity),
        pair(parameters.hit_capacity_multiplier, parameters.saturated_waves),
        pair(parameters.hot_opcode_threshold, parameters.hot_window_threshold),
        pair(parameters.jit_queue_len_threshold, parameters.priority_age_threshold),
        pair(std::uint32_t{parameters.sparse_frontier_threshold.value()} |
                 std::uint32_t{parameters.dense_frontier_threshold.value()} << 16,
             std::uint32_t{parameters.memory_pressure_threshold.value()} |
                 std::uint32_t{parameters.hysteresis.value()} << 16),
        parameters.fusion_edge_threshold,
    };
}

/// The words that differ from launch to launch are multiplied; the others, which seldom differ, are only folded
/// in.
std::size_t RecommendationCache::home_bucket(const Key& key) {
    std::uint64_t folded = 0;
    for (std::size_t word = kVariedWords; word < key.size(); ++word) {
        folded = std::rotl(folded, 11) ^ key[word];
    }
    std::uint64_t hash = folded * kSalt[0];
    for (std::size_t word = 0; word < kVariedWords; ++word) {
        hash += key[word] * kSalt[word + 1];
    }
    hash ^= hash >> 29;
    hash *= kSalt[0];
    return (hash >> 32) % kBuckets;
}

/// Requires: not the newest, which is served and kept without being moved.
void RecommendationCache::unlink(Index index) {
    const Link link = links_[index];
    links_[link.newer].older = link.older;
    (link.older == kNone ? oldest_ : links_[link.older].newer) = link.newer;
}

void RecommendationCache::push_newest(Index index) {
    links_[index].newer = kNone;
    links_[index].older = newest_;
    (newest_ == kNone ? oldest_ : links_[newest_].newer) = index;
    newest_ = index;
}

/// Backward-shift deletion keeps every probe sequence without gaps.
void RecommendationCache::erase_bucket(std::size_t bucket) {
    std::size_t hole = bucket;
    for (std::size_t next = (hole + 1) % kBuckets; buckets_[next] != kNone; next = (next + 1) % kBuckets) {
        const std::size_t home = home_bucket(entries_[buckets_[next]].key);
        const bool stays = (next - home) % kBuckets < (next - hole) % kBuckets;
        if (!stays) {
            buckets_[hole] = buckets_[next];
            links_[buckets_[hole]].bucket = static_cast<std::uint16_t>(hole);
            hole = next;
        }
    }
    buckets_[hole] = kNone;
}

void RecommendationCache::insert(const Key& key, const reference::Answer& answer) {
    Index index = static_cast<Index>(size_);
    if (size_ == kCapacity) {
        index = oldest_;
        unlink(index);
        erase_bucket(links_[index].bucket);
    } else {
        ++size_;
    }
    std::size_t bucket = home_bucket(key);
    while (buckets_[bucket] != kNone) {
        bucket = (bucket + 1) % kBuckets;
    }
    buckets_[bucket] = index;
    entries_[index] = {key, answer};
    links_[index].bucket = static_cast<std::uint16_t>(bucket);
    push_newest(index);
}

Result<reference::Answer> RecommendationCache::recommend(const LaunchPolicyParameters& parameters,
                                                         const LaunchRequest& request,
                                                         std::optional<DispatchTopology> previous) {
    if (previous) {
        return reference::recommend(parameters, request, previous);
    }
    const Key key = make_key(parameters, request);
    if (size_ != 0 && same(entries_[newest_].key, key)) {
        ++hits_;
        return entries_[newest_].answer;
    }
    for (std::size_t bucket = home_bucket(key); buckets_[bucket] != kNone; bucket = (bucket + 1) % kBuckets) {
        const Index index = buckets_[bucket];
        if (same(entries_[index].key, key)) {
            ++hits_;
            unlink(index);
            push_newest(index);
            return entries_[index].answer;
        }
    }
    ++misses_;
    Result<reference::Answer> answer = reference::recommend(parameters, request);
    if (answer) {
        insert(key, *answer);
    }
    return answer;
}

}  // namespace megabed
