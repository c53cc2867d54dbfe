#pragma once

#include "policy/launch_recommendation.h"
#include "sim/scenario.h"

#include <cstdint>

namespace megabed {

/// Which kernel a launch runs: launches of one variant and group size need no relaunch in between.
struct KernelVariant {
    DispatchTopology topology{};
    ExecutionMode route{};
    bool hot_opcodes = false;
    bool hot_windows = false;

    constexpr bool operator==(const KernelVariant&) const = default;

    /// A place among all variants, below 64.
    [[nodiscard]] constexpr unsigned index() const {
        return static_cast<unsigned>(topology) * 8U + static_cast<unsigned>(route) * 4U +
               (hot_opcodes ? 2U : 0U) + (hot_windows ? 1U : 0U);
    }
};

[[nodiscard]] constexpr KernelVariant variant_of(const LaunchRecommendation& recommendation) {
    return {recommendation.topology, recommendation.execution_mode, recommendation.promote_hot_opcodes,
            recommendation.promote_hot_windows};
}

/// The kernel that is resident on the device, and which ones have been compiled at run time.
struct ResidentKernel {
    KernelVariant variant{};
    std::uint32_t lanes = 0;     ///< 0: none yet
    std::uint64_t compiled = 0;  ///< a bit for every variant

    constexpr bool operator==(const ResidentKernel&) const = default;

    /// What it costs to go on with another kernel; the first one is launched before the run begins.
    struct Switch {
        SimTime relaunch{};
        SimTime compilation{};
    };
    /// Makes the kernel of a recommendation the resident one. Requires: its topology is not Empty.
    Switch change_to(const LaunchRecommendation& recommendation, const Scenario& scenario) {
        if (scenario.device.waves) {
            return change_resident(recommendation, scenario);
        }
        Switch cost;
        const KernelVariant wanted = variant_of(recommendation);
        const std::uint32_t wanted_lanes = recommendation.geometry.workgroup_size_x;
        if (lanes != 0 && (variant != wanted || lanes != wanted_lanes)) {
            cost.relaunch = scenario.device.relaunch;
        }
        const std::uint64_t bit = std::uint64_t{1} << wanted.index();
        if (wanted.route == ExecutionMode::Jit && !scenario.kernels_cached && (compiled & bit) == 0) {
            cost.compilation = scenario.device.compile;
            compiled |= bit;
        }
        variant = wanted;
        lanes = wanted_lanes;
        return cost;
    }

private:
    /// A resident megakernel has every topology in it; where the compiled route is taken first, a kernel that
    /// was compiled for the run takes over.
    Switch change_resident(const LaunchRecommendation& recommendation, const Scenario& scenario) {
        Switch cost;
        const bool takes_over = recommendation.execution_mode == ExecutionMode::Jit &&
                                scenario.decide == DecisionPlace::Device && compiled == 0;
        if (takes_over) {
            compiled = 1;
            cost.relaunch = lanes != 0 ? scenario.device.relaunch : SimTime(0);
            cost.compilation = scenario.kernels_cached ? SimTime(0) : scenario.device.compile;
        }
        variant = variant_of(recommendation);
        lanes = recommendation.geometry.workgroup_size_x;
        return cost;
    }
};

}  // namespace megabed
