#pragma once

#include "policy/error.h"
#include "policy/launch_parameters.h"
#include "policy/launch_recommendation.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace megabed {

/// The first rule that matched, before any hold.
enum class TopologyRule : std::uint8_t {
    QueueEmpty,
    PressureAtThreshold,
    DensityAtOrBelowSparse,
    DenseLargeAndHot,
    DensityAtOrAboveDense,
    DensityBetween,
    Forced,    ///< a fixed policy
    Unstated,  ///< a plug-in, which gives no reason
    // The field's rules, policy/FIELD_RULES.md.
    ReadingsMissing,               ///< no graph was named
    FirstLevel,                    ///< a traversal's first level is not tested
    FrontierArcsExceedUnexplored,  ///< against a share of the arcs left
    FrontierArcsBelowUnexplored,
    FrontierGrewOrLarge,
    FrontierShrank,
    ForwardVisitsExceedBackward,
    ForwardVisitsBelowBackward,
    PullRanBefore,
    FewArcsLeft,
    IdleLevels,
    StillFused,
    DirectionTreePulls,
    ActiveRatioAboveBitmap,
    ActiveRatioWithinQueue,
    FusionPays,
    DensityAtOrBelowWarpSparse,
    DensityAtOrAboveBlockDense,
    ArmUntried,
    ArmExplored,
    ArmCheapest,
    // policy/ARCS.md.
    PullReadsFewerArcs,
    PushReadsFewerArcs,
};

/// The hysteresis that kept an earlier topology against the rule.
enum class TopologyHold : std::uint8_t {
    None,
    MemoryNotYetRelieved,
    SparseAboveThreshold,
    HybridBelowSparse,
    HybridAboveDense,
    DenseBelowThreshold,
    FusedBelowThreshold,
};

[[nodiscard]] constexpr std::string_view to_string(TopologyRule rule) {
    constexpr std::array<std::string_view, 31> kNames{"queue-empty",
                                                      "pressure-at-threshold",
                                                      "density-at-or-below-sparse",
                                                      "dense-large-and-hot",
                                                      "density-at-or-above-dense",
                                                      "density-between",
                                                      "forced",
                                                      "unstated",
                                                      "readings-missing",
                                                      "first-level",
                                                      "frontier-arcs-exceed-unexplored",
                                                      "frontier-arcs-below-unexplored",
                                                      "frontier-grew-or-large",
                                                      "frontier-shrank",
                                                      "forward-visits-exceed-backward",
                                                      "forward-visits-below-backward",
                                                      "pull-ran-before",
                                                      "few-arcs-left",
                                                      "idle-levels",
                                                      "still-fused",
                                                      "direction-tree-pulls",
                                                      "active-ratio-above-bitmap",
                                                      "active-ratio-within-queue",
                                                      "fusion-pays",
                                                      "density-at-or-below-warp-sparse",
                                                      "density-at-or-above-block-dense",
                                                      "arm-untried",
                                                      "arm-explored",
                                                      "arm-cheapest",
                                                      "pull-reads-fewer-arcs",
                                                      "push-reads-fewer-arcs"};
    static_assert(kNames.size() == static_cast<std::size_t>(TopologyRule::PushReadsFewerArcs) + 1);
    return kNames[static_cast<std::size_t>(rule)];
}

[[nodiscard]] constexpr std::string_view to_string(TopologyHold hold) {
    constexpr std::array<std::string_view, 7> kNames{"none",
                                                     "memory-not-yet-relieved",
                                                     "sparse-above-threshold",
                                                     "hybrid-below-sparse",
                                                     "hybrid-above-dense",
                                                     "dense-below-threshold",
                                                     "fused-below-threshold"};
    return kNames[static_cast<std::size_t>(hold)];
}

/// A topology and why.
struct TopologyChoice {
    DispatchTopology topology{};
    TopologyRule rule{};
    TopologyHold hold{};

    constexpr bool operator==(const TopologyChoice&) const = default;
};

/// The readings that choose a topology, after inference. 0 stands for "not known" as in the original.
struct TopologySignals {
    std::uint32_t queue_len = 0;
    std::uint16_t density_bps = 0;
    std::uint16_t pressure_bps = 0;
    std::uint32_t nodes = 0;
    std::uint32_t edges = 0;
    bool hot = false;  ///< hot opcodes or hot windows reached their threshold
};

/// The topology that the readings alone call for; the first matching rule wins.
/// Source: spec "Order of a recommendation", 4.
[[nodiscard]] constexpr TopologyChoice raw_topology(const LaunchPolicyParameters& parameters,
                                                    const TopologySignals& signals) {
    if (signals.queue_len == 0) {
        return {DispatchTopology::Empty, TopologyRule::QueueEmpty, TopologyHold::None};
    }
    if (signals.pressure_bps >= parameters.memory_pressure_threshold.value()) {
        return {DispatchTopology::MemoryConstrained, TopologyRule::PressureAtThreshold, TopologyHold::None};
    }
    if (signals.density_bps <= parameters.sparse_frontier_threshold.value()) {
        return {DispatchTopology::SparseFrontier, TopologyRule::DensityAtOrBelowSparse, TopologyHold::None};
    }
    if (signals.density_bps < parameters.dense_frontier_threshold.value()) {
        return {DispatchTopology::HybridFrontier, TopologyRule::DensityBetween, TopologyHold::None};
    }
    const bool large = signals.nodes > 0 && signals.edges >= parameters.fusion_edge_threshold;
    if (large && signals.hot) {
        return {DispatchTopology::FusedDense, TopologyRule::DenseLargeAndHot, TopologyHold::None};
    }
    return {DispatchTopology::DenseFrontier, TopologyRule::DensityAtOrAboveDense, TopologyHold::None};
}

namespace detail {

/// Whether a reading is still at or below threshold + hysteresis.
constexpr Result<bool> below_upper_bound(const LaunchPolicyParameters& parameters, BasisPoints threshold,
                                         std::uint16_t reading, ErrorField field) {
    const std::uint32_t bound = std::uint32_t{threshold.value()} + parameters.hysteresis.value();
    if (bound > BasisPoints::max().value()) {
        return fail(ErrorCode::ThresholdOutOfRange, field, threshold.value(), BasisPoints::max().value());
    }
    return reading <= bound;
}

/// Whether a reading is still at or above threshold - hysteresis.
constexpr Result<bool> above_lower_bound(const LaunchPolicyParameters& parameters, BasisPoints threshold,
                                         std::uint16_t reading, ErrorField field) {
    if (threshold.value() < parameters.hysteresis.value()) {
        return fail(ErrorCode::ThresholdOutOfRange, field, threshold.value(), 0);
    }
    return reading >= threshold.value() - parameters.hysteresis.value();
}

/// The held topology while the reading stays inside the band, else the raw choice.
constexpr Result<TopologyChoice> hold_while(const Result<bool>& stays, const TopologyChoice& raw,
                                            DispatchTopology held, TopologyHold why) {
    if (!stays) {
        return Failure(stays.error());
    }
    return *stays ? TopologyChoice{held, raw.rule, why} : raw;
}

}  // namespace detail

/// The raw choice, or the previous topology while the reading stays inside its hysteresis band.
/// A bound is computed only in the arm that needs it, so only there can a threshold be out of range.
/// Errors: ThresholdOutOfRange.
/// Source: spec "Order of a recommendation", 5.
[[nodiscard]] constexpr Result<TopologyChoice> stabilised_topology(const LaunchPolicyParameters& parameters,
                                                                   const TopologySignals& signals,
                                                                   const TopologyChoice& raw,
                                                                   std::optional<DispatchTopology> previous) {
    using enum DispatchTopology;
    if (raw.topology == Empty || raw.topology == MemoryConstrained || !previous) {
        return raw;
    }
    const BasisPoints sparse = parameters.sparse_frontier_threshold;
    const BasisPoints dense = parameters.dense_frontier_threshold;
    const bool raw_is_sparse = raw.topology == SparseFrontier;
    const bool raw_is_hybrid = raw.topology == HybridFrontier;

    switch (*previous) {
    case MemoryConstrained:
        return detail::hold_while(
            detail::above_lower_bound(parameters, parameters.memory_pressure_threshold, signals.pressure_bps,
                                      ErrorField::MemoryPressureThreshold),
            raw, MemoryConstrained, TopologyHold::MemoryNotYetRelieved);
    case SparseFrontier:
        if (raw_is_sparse) {
            return raw;
        }
        return detail::hold_while(detail::below_upper_bound(parameters, sparse, signals.density_bps,
                                                            ErrorField::SparseFrontierThreshold),
                                  raw, SparseFrontier, TopologyHold::SparseAboveThreshold);
    case HybridFrontier:
        if (raw_is_hybrid) {
            return raw;
        }
        if (raw_is_sparse) {
            return detail::hold_while(detail::above_lower_bound(parameters, sparse, signals.density_bps,
                                                                ErrorField::SparseFrontierThreshold),
                                      raw, HybridFrontier, TopologyHold::HybridBelowSparse);
        }
        return detail::hold_while(detail::below_upper_bound(parameters, dense, signals.density_bps,
                                                            ErrorField::DenseFrontierThreshold),
                                  raw, HybridFrontier, TopologyHold::HybridAboveDense);
    case DenseFrontier:
        if (!raw_is_hybrid) {
            return raw;
        }
        return detail::hold_while(detail::above_lower_bound(parameters, dense, signals.density_bps,
                                                            ErrorField::DenseFrontierThreshold),
                                  raw, DenseFrontier, TopologyHold::DenseBelowThreshold);
    case FusedDense: {
        if (!raw_is_hybrid) {
            return raw;
        }
        Result<bool> stays = detail::above_lower_bound(parameters, dense, signals.density_bps,
                                                       ErrorField::DenseFrontierThreshold);
        if (stays) {
            *stays = *stays && signals.edges >= parameters.fusion_edge_threshold && signals.hot;
        }
        return detail::hold_while(stays, raw, FusedDense, TopologyHold::FusedBelowThreshold);
    }
    case Empty:
        return raw;
    }
    return raw;
}

}  // namespace megabed
