#pragma once

#include "policy/field_rule.h"

#include <algorithm>
#include <cstdint>

namespace megabed::field {

/// GSWITCH's choice of direction, active-set format and kernel fusion for an idempotent traversal.
/// Pull is DenseFrontier, push from a queue SparseFrontier, push from a bitmap HybridFrontier, fused
/// FusedDense. Source: Meng, Li, Tan, Sun, "A Pattern Based Algorithmic Autotuner for Graph Processing on
/// GPUs", PPoPP 2019; GSWITCH, src/abstraction/selector.cuh (trigger_fusion, select_idem), executor.cuh (idle
/// levels, the end of fusion), src/model/select_dir_idem.h and select_fmt.h (the trained trees).
struct Gswitch {
    struct Memory {
        bool started = false;
        bool fused = false;
        std::uint8_t idle = 0;     ///< levels in a row of little work
        std::uint32_t levels = 0;  ///< launched so far
        std::uint64_t total_arcs = 0;
        std::uint64_t last_arcs = 0;
    };

    static constexpr std::uint64_t kTotalMost = std::uint64_t{1} << 62;
    static constexpr unsigned kIdleAt = 8;
    static constexpr unsigned kLevelsAt = 32;

    [[nodiscard]] static constexpr PolicyState pack(const Memory& memory) {
        PolicyState state;
        state.words = {flag(memory.started, 0) | flag(memory.fused, 1) | std::uint64_t{memory.idle} << kIdleAt |
                           std::uint64_t{memory.levels} << kLevelsAt,
                       memory.total_arcs, memory.last_arcs};
        return state;
    }

    /// Reads any bits at all.
    [[nodiscard]] static constexpr Memory unpack(const PolicyState& state) {
        Memory memory;
        memory.started = has_flag(state, 0);
        memory.fused = has_flag(state, 1);
        memory.idle = static_cast<std::uint8_t>(state.words[0] >> kIdleAt);
        memory.levels = static_cast<std::uint32_t>(state.words[0] >> kLevelsAt);
        memory.total_arcs = std::min(state.words[1], std::uint64_t{kTotalMost});
        memory.last_arcs = std::min({state.words[2], memory.total_arcs, kArcsMax});
        return memory;
    }

    /// A feature of the trees, without rounding. A denominator of 0 comes with a numerator of 0 and reads as 0.
    struct Ratio {
        Wide numerator = 0;
        Wide denominator = 1;
    };
    [[nodiscard]] static constexpr bool at_most(const Ratio& ratio, std::uint32_t hundredths) {
        constexpr std::uint32_t kHundredths = 100;
        return ratio.numerator * kHundredths <= ratio.denominator * hundredths;
    }

    /// The eight features of select_dir_idem. The source adds 0.1 to every divisor.
    struct Features {
        Ratio vertices{};          ///< inactive / active
        Ratio arcs{};              ///< pull work / push work
        Ratio mean_degrees{};      ///< of the inactive / of the active
        Ratio greatest_degrees{};  ///< likewise
        Ratio active_by_mean{};    ///< push work / mean degree of the active
        Ratio inactive_by_mean{};  ///< pull work / mean degree of the inactive
        Ratio active_by_most{};    ///< push work / greatest degree of the active
        Ratio inactive_by_most{};  ///< pull work / greatest degree of the inactive
    };

    /// The greatest degrees are not among the readings; the means stand in for them.
    /// Requires: a frontier.
    [[nodiscard]] static constexpr Features take_features(const Readings& readings) {
        const Wide active = readings.frontier;
        const Wide inactive = readings.vertices - readings.visited;
        const Wide push = readings.frontier_arcs;
        const Wide pull = inactive == 0 ? 0 : readings.unexplored_arcs;
        Features features;
        features.vertices = {10 * inactive, 10 * active + 1};
        features.arcs = {10 * pull, 10 * push + 1};
        features.mean_degrees = {10 * pull * active, inactive * (10 * push + active)};
        features.active_by_mean = {10 * active * push, 10 * push + active};
        features.inactive_by_mean = {10 * inactive * pull, 10 * pull + inactive};
        features.greatest_degrees = features.mean_degrees;
        features.active_by_most = features.active_by_mean;
        features.inactive_by_most = features.inactive_by_mean;
        return features;
    }

    /// The source's decision tree with its branches of equal leaves drawn together; constants in hundredths.
    [[nodiscard]] static constexpr bool tree_pulls(const Features& it) {
        if (at_most(it.arcs, 112)) {
            return at_most(it.vertices, 3'918'804);
        }
        if (at_most(it.arcs, 226)) {
            return at_most(it.mean_degrees, 83) || at_most(it.vertices, 235);
        }
        if (at_most(it.arcs, 487)) {
            if (at_most(it.active_by_most, 570)) {
                return at_most(it.active_by_mean, at_most(it.inactive_by_mean, 187'953) ? 8227 : 374'941);
            }
            return at_most(it.inactive_by_most, 100) ? at_most(it.mean_degrees, 89) : at_most(it.arcs, 429);
        }
        if (at_most(it.inactive_by_most, 100)) {
            return at_most(it.vertices, at_most(it.mean_degrees, 61) ? 1313 : 12'608);
        }
        if (at_most(it.arcs, 1957)) {
            return at_most(it.greatest_degrees, 2521) ? !at_most(it.inactive_by_mean, 347'737)
                                                      : at_most(it.inactive_by_mean, 165'131);
        }
        return at_most(it.inactive_by_mean, 98'602);
    }

    /// The source fuses until a level takes this many times the mean of the levels before it. A policy sees no
    /// clock; the arcs leaving the frontier stand in for the time.
    [[nodiscard]] static constexpr bool fusing_ends(const GswitchParameters& rule, const Memory& memory) {
        const std::uint64_t before = memory.total_arcs - memory.last_arcs;
        const std::uint32_t levels = memory.levels == 0 ? 0 : memory.levels - 1;
        return before > 0 && Wide{memory.last_arcs} * levels > Wide{before} * rule.unfuse_growth;
    }

    /// Decides whether this launch fuses, and why.
    [[nodiscard]] static constexpr TopologyRule fusion(const GswitchParameters& rule, const Readings& readings,
                                                       Memory& memory) {
        constexpr std::uint32_t kMillion = 1'000'000;
        const std::uint64_t push_before = memory.fused ? 0 : memory.last_arcs;  // not counted while fused
        TopologyRule why = TopologyRule::StillFused;
        memory.fused = memory.fused && !fusing_ends(rule, memory);
        if (memory.fused) {
            return why;
        }
        const Wide remaining = Wide{readings.frontier_arcs} + readings.unexplored_arcs;
        if (remaining * kMillion < Wide{readings.arcs} * rule.fuse_ratio_ppm) {
            memory.fused = true;
            why = TopologyRule::FewArcsLeft;
        }
        if (memory.levels > 0 && readings.frontier_arcs > Wide{push_before} * rule.growth_reset) {
            memory.idle = 0;
        }
        if (memory.idle >= rule.idle_levels) {
            why = memory.fused ? why : TopologyRule::IdleLevels;
            memory.fused = true;
            memory.idle = 0;
        }
        return why;
    }

    /// Decides direction and format of a launch that does not fuse.
    [[nodiscard]] static constexpr TopologyChoice direction(const GswitchParameters& rule,
                                                            const Readings& readings, Memory& memory) {
        using enum DispatchTopology;
        constexpr std::uint32_t kMillion = 1'000'000;
        const bool costly = Wide{readings.frontier_arcs} * rule.push_advantage < readings.unexplored_arcs;
        const bool pulls = !costly && tree_pulls(take_features(readings));
        const std::uint64_t work = pulls ? readings.unexplored_arcs : readings.frontier_arcs;
        if (work < rule.idle_arcs) {
            constexpr std::uint8_t kMost = 255;
            memory.idle = memory.idle == kMost ? kMost : static_cast<std::uint8_t>(memory.idle + 1);
        } else {
            memory.idle = 0;
        }
        if (pulls) {
            return {DenseFrontier, TopologyRule::DirectionTreePulls, TopologyHold::None};
        }
        const bool bitmap = std::uint64_t{readings.frontier} * kMillion >
                            std::uint64_t{readings.vertices} * rule.bitmap_ratio_ppm;
        return bitmap
                   ? TopologyChoice{HybridFrontier, TopologyRule::ActiveRatioAboveBitmap, TopologyHold::None}
                   : TopologyChoice{SparseFrontier, TopologyRule::ActiveRatioWithinQueue, TopologyHold::None};
    }

    [[nodiscard]] static constexpr Chosen choose(const LaunchPolicyParameters& parameters,
                                                 const Observation& observation,
                                                 const reference::EffectiveSignals& signals,
                                                 const PolicyState& state) {
        using enum DispatchTopology;
        if (signals.topology.queue_len == 0) {
            return kEmpty;
        }
        const Readings readings = take_readings(observation);
        if (!readings.known) {
            return {{SparseFrontier, TopologyRule::ReadingsMissing, TopologyHold::None}, {}};
        }
        const GswitchParameters& rule = parameters.field.gswitch;
        Memory memory = unpack(state);
        if (!memory.started || readings.first) {
            memory = {};
            memory.started = true;
        }
        const TopologyRule why = fusion(rule, readings, memory);
        const TopologyChoice choice = memory.fused ? TopologyChoice{FusedDense, why, TopologyHold::None}
                                                   : direction(rule, readings, memory);
        memory.last_arcs = readings.frontier_arcs;
        memory.total_arcs = std::min(memory.total_arcs + memory.last_arcs, std::uint64_t{kTotalMost});
        memory.levels = saturating_add(memory.levels, 1);
        return {choice, pack(memory)};
    }
};

}  // namespace megabed::field
