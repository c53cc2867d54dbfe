#pragma once

#include "policy/launch_parameters.h"
#include "policy/launch_request.h"
#include "policy/reference_policy.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace megabed {

/// Entries held, requests served from them, and requests computed (failed ones too).
struct LaunchCacheStats {
    std::uint64_t entries = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;

    constexpr bool operator==(const LaunchCacheStats&) const = default;
};

/// A least-recently-used cache of 128 answers in front of the reference policy; keep one per thread.
/// Keyed by every parameter and request field, absence written as 0. Requests with a previous topology pass
/// by it uncounted. Failed requests count as misses and store nothing.
/// Source: spec "Cache".
class RecommendationCache {
public:
    static constexpr std::size_t kCapacity = 128;

    RecommendationCache();

    /// As `reference::recommend`.
    [[nodiscard]] Result<reference::Answer> recommend(const LaunchPolicyParameters& parameters,
                                                      const LaunchRequest& request,
                                                      std::optional<DispatchTopology> previous = std::nullopt);

    [[nodiscard]] LaunchCacheStats stats() const { return {size_, hits_, misses_}; }
    /// Drops every entry and zeroes the counters.
    void clear();

private:
    using Key = std::array<std::uint64_t, 18>;
    using Index = std::uint8_t;
    static constexpr Index kNone = 0xFF;
    static constexpr std::size_t kBuckets = 4 * kCapacity;

    struct Entry {
        Key key{};
        reference::Answer answer{};
    };
    /// Order of use and place in the table, apart from the entries so that a hit touches few cache lines.
    struct Link {
        Index newer = kNone;
        Index older = kNone;
        std::uint16_t bucket = 0;
    };

    static Key make_key(const LaunchPolicyParameters& parameters, const LaunchRequest& request);
    static std::size_t home_bucket(const Key& key);

    void unlink(Index index);
    void push_newest(Index index);
    void erase_bucket(std::size_t bucket);
    void insert(const Key& key, const reference::Answer& answer);

    std::vector<Entry> entries_;
    std::array<Link, kCapacity> links_{};
    std::array<Index, kBuckets> buckets_{};
    Index newest_ = kNone;
    Index oldest_ = kNone;
    std::uint32_t size_ = 0;
    std::uint64_t hits_ = 0;
    std::uint64_t misses_ = 0;
};

}  // namespace megabed
