#pragma once

#include "policy/launch_recommendation.h"
#include "policy/units.h"
#include "sim/costs/block_grant.h"
#include "sim/costs/device_profile.h"
#include "sim/costs/wave_terms.h"
#include "sim/traversals/traversal.h"

#include <cstdint>
#include <string>

namespace megabed {

/// What of a recommendation the device grants.
struct GrantedGrid {
    std::uint32_t groups = 0;  ///< of dispatch_grid.x, at most what can be resident
    std::uint64_t warps = 0;
    BlockGrant blocks;  ///< as the resident megakernel spreads the groups
};

/// Who decides, as far as it costs.
struct DecisionMaker {
    DecisionPlace place = DecisionPlace::Device;
    std::string policy;  ///< as `--policy` takes it
};

/// What the time of a wave depends on besides the wave: it goes on from one to the next.
struct WaveContext {
    bool compiled = false;  ///< a kernel that was compiled for the run has taken over
    WaveBefore before;

    bool operator==(const WaveContext&) const = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& compiled& before;
    }
};

/// Simulated time of launches on one device. Where its profile was calibrated, waves cost what the terms of
/// wave_terms.h come to; else what the rates say.
/// Every estimate is a sum of terms a reader can check by hand: fixed overheads, one barrier a wave, a chain of
/// dependent accesses, the slowest of the streams (bytes, gathers, atomics), and the tail of the heaviest
/// vertex. Arithmetic is plain IEEE without library functions, so results are equal on every machine.
/// Source: rates in the device profile; terms in sim/costs/COST_MODEL.md.
class CostModel {
public:
    /// Requires: `profile` outlives the model, its tables are not empty and ascend; others leave some
    /// bandwidth.
    explicit CostModel(const DeviceProfile& profile, BasisPoints bandwidth_of_others = BasisPoints(0),
                       const DecisionMaker& maker = {});

    [[nodiscard]] GrantedGrid grant(const LaunchGeometry& geometry) const;

    /// Before a launch. Of a calibrated profile a decision on the device is a part of the wave.
    [[nodiscard]] SimTime decision(bool of_waves) const;
    /// One wave, without relaunch and compilation.
    [[nodiscard]] SimTime wave(const LaunchRecommendation& recommendation, const GrantedGrid& grid,
                               const WaveWork& work, std::uint32_t vertices, WaveContext& context) const;
    [[nodiscard]] SimTime wave(const LaunchRecommendation& recommendation, const GrantedGrid& grid,
                               const WaveWork& work, std::uint32_t vertices) const {
        WaveContext context;
        return wave(recommendation, grid, work, vertices, context);
    }

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
    [[nodiscard]] double calibrated_ns(const WaveCosts& costs, const LaunchRecommendation& recommendation,
                                       const GrantedGrid& grid, const WaveWork& work, std::uint32_t vertices,
                                       WaveContext& context) const;
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
    DecisionPlace place_;
    DecisionCost decision_{};  ///< of the policy, where the profile has waves
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
