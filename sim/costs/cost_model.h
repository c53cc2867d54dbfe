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
    /// Requires: `profile` outlives the model, its tables are not empty and ascend; others leave some
    /// bandwidth.
    explicit CostModel(const DeviceProfile& profile, BasisPoints bandwidth_of_others = BasisPoints(0))
        : profile_(profile),
          bandwidth_share_((kWholeBps - bandwidth_of_others.value()) / static_cast<double>(kWholeBps)) {}

    [[nodiscard]] GrantedGrid grant(const LaunchGeometry& geometry) const;

    /// One wave of a traversal, without decision, relaunch and compilation.
    [[nodiscard]] SimTime wave(const LaunchRecommendation& recommendation, const GrantedGrid& grid,
                               const WaveWork& work, std::uint32_t vertices) const;

    /// Groups that may claim ring slots at once: those recommended, as far as they can be resident.
    [[nodiscard]] std::uint32_t service_groups(const LaunchRecommendation& recommendation) const;
    /// What a group spends on one claim before it is at the item's work, in nanoseconds: ticket, slot,
    /// dispatch.
    [[nodiscard]] double claim_ns(const LaunchRecommendation& recommendation) const;
    /// One item that is begun while `warps` warps are at work, after claims of `delay_ns`.
    [[nodiscard]] SimTime item(SimTime work, double delay_ns, std::uint64_t warps) const;

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
    [[nodiscard]] double streams_ns(double bytes, double gathers, Bytes roamed, double atomics) const;
    [[nodiscard]] std::uint32_t resident_groups(std::uint32_t lanes) const;

    const DeviceProfile& profile_;
    double bandwidth_share_;  ///< of the memory system that others leave
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
