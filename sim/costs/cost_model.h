#pragma once

#include "policy/launch_recommendation.h"
#include "policy/units.h"
#include "sim/costs/device_profile.h"
#include "sim/traversals/traversal.h"

#include <cstdint>

namespace megabed {

/// What of a recommendation the device grants.
struct GrantedGrid {
    std::uint32_t groups = 0;  ///< of dispatch_grid.x, at most what can be resident
    std::uint64_t warps = 0;
};

/// Simulated time of launches on one device.
/// Every estimate is a sum of terms a reader can check by hand: fixed overheads, one barrier a wave, a chain of
/// dependent accesses, the slowest of the streams (bytes, gathers, atomics), and the tail of the heaviest
/// vertex. Arithmetic is plain IEEE without library functions, so results are equal on every machine.
/// Source: rates in the device profile; terms in sim/costs/COST_MODEL.md.
class CostModel {
public:
    /// Requires: `profile` outlives the model, its tables are not empty and ascend.
    explicit CostModel(const DeviceProfile& profile) : profile_(profile) {}

    [[nodiscard]] GrantedGrid grant(const LaunchGeometry& geometry) const;

    /// One wave of a traversal, without decision, relaunch and compilation.
    [[nodiscard]] SimTime wave(const LaunchRecommendation& recommendation, const GrantedGrid& grid,
                               const WaveWork& work, std::uint32_t vertices) const;

    /// One batch of service items of `item` each, spread over the granted groups.
    [[nodiscard]] SimTime service_batch(const LaunchRecommendation& recommendation, const GrantedGrid& grid,
                                        std::uint64_t items, SimTime item) const;

    [[nodiscard]] SimTime barrier(std::uint32_t groups) const;
    [[nodiscard]] double gathers_per_second(Bytes footprint) const;
    [[nodiscard]] double atomics_per_second(Bytes footprint) const;

private:
    [[nodiscard]] double push_ns(const LaunchRecommendation& recommendation, const GrantedGrid& grid,
                                 const WaveWork& work, std::uint32_t vertices) const;
    [[nodiscard]] double pull_ns(const GrantedGrid& grid, const WaveWork& work, std::uint32_t vertices) const;
    [[nodiscard]] double interpreter_ns(const LaunchRecommendation& recommendation, const GrantedGrid& grid,
                                        std::uint64_t items) const;
    [[nodiscard]] double busy_share(const GrantedGrid& grid) const;

    const DeviceProfile& profile_;
};

/// How a topology expands a frontier.
[[nodiscard]] constexpr Direction direction_of(DispatchTopology topology) {
    const bool pull = topology == DispatchTopology::DenseFrontier || topology == DispatchTopology::FusedDense;
    return pull ? Direction::Pull : Direction::Push;
}

/// Passes that a queue-producing wave needs so that each fits the hit capacity; at least 1.
[[nodiscard]] constexpr std::uint32_t output_passes(const LaunchRecommendation& recommendation,
                                                    std::uint32_t discovered) {
    if (direction_of(recommendation.topology) == Direction::Pull || discovered == 0) {
        return 1;
    }
    return div_ceil(discovered, recommendation.hit_capacity == 0 ? 1U : recommendation.hit_capacity);
}

}  // namespace megabed
