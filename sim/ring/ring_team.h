#pragma once

#include <cstdint>

namespace megabed {

/// Most items of one batch: a warp's lanes.
inline constexpr std::uint32_t kRingBatch = 32;

/// Who carries out a batch together. A thread alone here, with at most `kMost` items; gpu/ring/warp_team.h has
/// the lanes of a warp, which share a batch evenly: lane 0 has its first `kShare` items, and so on. Every lane
/// calls every function, in the same order, and only the leader touches what all share.
template <std::uint32_t kMost>
struct ThreadAlone {
    static constexpr std::uint32_t kLanes = 1;
    static constexpr std::uint32_t kShare = kMost / kLanes;

    [[nodiscard]] constexpr std::uint32_t rank() const { return 0; }
    [[nodiscard]] constexpr bool leads() const { return true; }
    /// The leader's value. What the leader saw before, all lanes see after.
    [[nodiscard]] constexpr std::uint64_t of_leader(std::uint64_t value) const { return value; }
    /// Sum over all lanes, and over those of a lower rank.
    [[nodiscard]] constexpr std::uint32_t sum(std::uint32_t value) const { return value; }
    [[nodiscard]] constexpr std::uint32_t sum_before(std::uint32_t /*value*/) const { return 0; }
    /// What the lanes did before, the leader sees after.
    constexpr void sync() const {}
    /// Calls `add(key, times)` so that the times of each key add up to how often the lanes have it among their
    /// first `count` keys, with few calls where keys are alike.
    template <class Add>
    constexpr void by_key(const std::uint32_t* keys, std::uint32_t count, Add add) const {
        for (std::uint32_t at = 0; at < count;) {
            std::uint32_t times = 1;
            while (at + times < count && keys[at + times] == keys[at]) {
                ++times;
            }
            add(keys[at], times);
            at += times;
        }
    }
};
using SoloTeam = ThreadAlone<kRingBatch>;
/// For one item: on a device, a batch of one thread lies in memory and not in registers.
using SingleItem = ThreadAlone<1>;

}  // namespace megabed
