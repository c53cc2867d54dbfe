#pragma once

#include "policy/field_rule.h"

#include <cstdint>

namespace megabed::field {

/// The direction rule of cuGraph's breadth-first search.
/// Push is HybridFrontier, as its push primitive bins vertices by degree and splits the large ones; pull is
/// DenseFrontier.
/// Source: cuGraph, cpp/src/traversal/bfs_impl.cuh (pull requests 4527 and 4751), which cites Beamer et al., SC
/// 2012. The source tests after a level, for the next one; so the first level always pushes.
struct Cugraph {
    struct Memory {
        bool started = false;
        bool pulling = false;
        std::uint32_t previous_frontier = 0;
    };

    [[nodiscard]] static constexpr PolicyState pack(const Memory& memory) {
        PolicyState state;
        state.words = {flag(memory.started, 0) | flag(memory.pulling, 1), memory.previous_frontier, 0};
        return state;
    }

    /// Reads any bits at all.
    [[nodiscard]] static constexpr Memory unpack(const PolicyState& state) {
        return {has_flag(state, 0), has_flag(state, 1), low_half(state.words[1])};
    }

    /// Whether m_f x (m / n) / divisor > m_u, without rounding.
    [[nodiscard]] static constexpr bool arcs_call_for_pull(const CugraphParameters& rule,
                                                           const Readings& readings) {
        constexpr std::uint32_t kHundredths = 100;
        const Wide weighed = Wide{readings.frontier_arcs} * readings.arcs * kHundredths;
        return weighed > Wide{readings.unexplored_arcs} * readings.vertices * rule.alpha_divisor_hundredths;
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
            return {{HybridFrontier, TopologyRule::ReadingsMissing, TopologyHold::None}, {}};
        }
        const CugraphParameters& rule = parameters.field.cugraph;
        Memory memory = unpack(state);
        const std::uint32_t previous = memory.previous_frontier;
        memory.previous_frontier = readings.frontier;
        if (!memory.started || readings.first) {
            memory.started = true;
            memory.pulling = false;
            return {{HybridFrontier, TopologyRule::FirstLevel, TopologyHold::None}, pack(memory)};
        }
        const bool shrank = readings.frontier < previous;
        if (memory.pulling) {
            const bool few = std::uint64_t{readings.frontier} * rule.beta < readings.unvisited_with_arcs;
            memory.pulling = !(few && shrank);
            const TopologyRule why =
                memory.pulling ? TopologyRule::FrontierGrewOrLarge : TopologyRule::FrontierShrank;
            return {{memory.pulling ? DenseFrontier : HybridFrontier, why, TopologyHold::None}, pack(memory)};
        }
        const bool many = arcs_call_for_pull(rule, readings);
        memory.pulling = many && !shrank;
        const TopologyRule why = !many    ? TopologyRule::FrontierArcsBelowUnexplored
                                 : shrank ? TopologyRule::FrontierShrank
                                          : TopologyRule::FrontierArcsExceedUnexplored;
        return {{memory.pulling ? DenseFrontier : HybridFrontier, why, TopologyHold::None}, pack(memory)};
    }
};

}  // namespace megabed::field
