#pragma once

#include <cstdint>

namespace megabed {

/// The constants of the field's switching rules and of `arcs`, by policy; FIELD_RULES.md and ARCS.md say where
/// each comes from.
/// Units: `*_ppm` in millionths, `*_bps` in basis points, `*_hundredths` in hundredths; counts otherwise.

struct GapParameters {
    std::uint32_t alpha = 15;  ///< pull if the frontier's arcs exceed the unchecked ones / this; not 0
    std::uint32_t beta = 18;   ///< stay with more vertices found than all / this; not 0

    constexpr bool operator==(const GapParameters&) const = default;
};

struct CugraphParameters {
    std::uint32_t alpha_divisor_hundredths = 375;  ///< of the mean degree that weighs the frontier's arcs
    std::uint32_t beta = 24;                       ///< frontier x this below the unvisited: push again

    constexpr bool operator==(const CugraphParameters&) const = default;
};

struct GunrockParameters {
    std::uint32_t do_a_ppm = 1000;     ///< share of the backward visits that the forward ones exceed: pull
    std::uint32_t do_b_ppm = 200'000;  ///< the same, to stay

    constexpr bool operator==(const GunrockParameters&) const = default;
};

struct GswitchParameters {
    std::uint32_t bitmap_ratio_ppm = 60'000;  ///< active share of the vertices above which a push is a bitmap's
    std::uint32_t fuse_ratio_ppm = 1000;      ///< remaining share of the arcs below which levels fuse
    std::uint32_t idle_levels = 3;            ///< levels in a row of little work that fuse
    std::uint32_t idle_arcs = 3072;           ///< work below this leaves most blocks idle
    std::uint32_t growth_reset = 2;           ///< a frontier grown beyond this factor is not idle
    std::uint32_t push_advantage = 5;         ///< push if pulling costs more than this times as much
    std::uint32_t unfuse_growth = 5;          ///< a level above this times the mean of those before ends fusing

    constexpr bool operator==(const GswitchParameters&) const = default;
};

struct VyreDriverParameters {
    std::uint32_t warp_sparse_ppm = 31'250;
    std::uint32_t sparse_ppm = 125'000;
    std::uint32_t dense_ppm = 700'000;
    std::uint32_t block_dense_ppm = 850'000;
    std::uint32_t density_hysteresis_ppm = 25'000;
    std::uint32_t memory_red_zone_bps = 9000;
    std::uint32_t memory_hysteresis_bps = 250;
    std::uint32_t fusion_memory_margin_bps = 500;   ///< below the red zone, to start fusing
    std::uint32_t fusion_output_bytes = 4096;       ///< least output of a fused launch
    std::uint32_t warp_sparse_degree_bps = 80'000;  ///< greatest mean degree of a warp-sparse wave
    std::uint32_t dense_degree_bps = 20'000;        ///< least mean degree of a dense wave

    constexpr bool operator==(const VyreDriverParameters&) const = default;
};

struct BanditParameters {
    std::uint64_t seed = 1;
    std::uint32_t exploration_ppm = 50'000;  ///< share of the launches that try an arm at random
    std::uint32_t horizon = 4;               ///< launches over which the charge for a switch is spread; not 0
    std::uint32_t window = 64;               ///< launches that an estimate averages over at most; not 0

    constexpr bool operator==(const BanditParameters&) const = default;
};

struct ArcParameters {
    std::uint32_t push_weight_hundredths = 300;  ///< cost of a pushed arc in pulled ones; not 0
    std::uint32_t work_per_lane = 1;             ///< arcs, or vertices of a pull, beyond one group's; not 0

    constexpr bool operator==(const ArcParameters&) const = default;
};

struct FieldRuleParameters {
    GapParameters gap{};
    CugraphParameters cugraph{};
    GunrockParameters gunrock{};
    GswitchParameters gswitch{};
    VyreDriverParameters vyre_driver{};
    BanditParameters bandit{};
    ArcParameters arcs{};

    constexpr bool operator==(const FieldRuleParameters&) const = default;
};

}  // namespace megabed
