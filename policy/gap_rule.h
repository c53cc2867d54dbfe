#pragma once

#include "policy/field_rule.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace megabed::field {

/// The direction rule of the GAP benchmark suite's breadth-first search.
/// Push is SparseFrontier, a vertex a lane as in the source; pull is DenseFrontier.
/// Source: Beamer, Asanovic, Patterson, "Direction-Optimizing Breadth-First Search", SC 2012; the order of the
/// tests and what is counted are those of DOBFS in gapbs, src/bfs.cc.
struct Gap {
    /// `unchecked_arcs` starts at all arcs and loses the frontier's at every push, never at a pull; with graphs
    /// stranger than the source allows for it may become negative, as there.
    struct Memory {
        bool started = false;
        bool pulling = false;
        std::int64_t unchecked_arcs = 0;
        std::uint32_t awake = 0;  ///< frontier of the last pull
    };

    static constexpr std::int64_t kUncheckedMost = std::int64_t{1} << 61;

    [[nodiscard]] static constexpr PolicyState pack(const Memory& memory) {
        PolicyState state;
        state.words = {flag(memory.started, 0) | flag(memory.pulling, 1),
                       std::bit_cast<std::uint64_t>(memory.unchecked_arcs), memory.awake};
        return state;
    }

    /// Reads any bits at all.
    [[nodiscard]] static constexpr Memory unpack(const PolicyState& state) {
        const auto unchecked = std::bit_cast<std::int64_t>(state.words[1]);
        return {has_flag(state, 0), has_flag(state, 1),
                std::clamp(unchecked, -kUncheckedMost, std::int64_t{kUncheckedMost}), low_half(state.words[2])};
    }

    /// Requires: alpha and beta not 0.
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
        const GapParameters& rule = parameters.field.gap;
        Memory memory = unpack(state);
        const auto all = static_cast<std::int64_t>(readings.frontier_arcs + readings.unexplored_arcs);
        if (!memory.started || readings.first) {
            memory = {true, false, all, 0};
        } else if (!readings.measured) {
            memory.unchecked_arcs = all;  // nothing tells which arcs earlier launches took
        }

        auto scout = static_cast<std::int64_t>(readings.frontier_arcs);
        if (memory.pulling) {
            const bool grew = readings.frontier >= memory.awake;
            if (grew || readings.frontier > readings.vertices / rule.beta) {
                memory.awake = readings.frontier;
                return {{DenseFrontier, TopologyRule::FrontierGrewOrLarge, TopologyHold::None}, pack(memory)};
            }
            scout = 1;  // the source does not count after a pull
        }
        const bool left = memory.pulling;
        memory.pulling = scout > memory.unchecked_arcs / rule.alpha;
        if (memory.pulling) {
            memory.awake = readings.frontier;
            return {{DenseFrontier, TopologyRule::FrontierArcsExceedUnexplored, TopologyHold::None},
                    pack(memory)};
        }
        memory.unchecked_arcs -= scout;
        const TopologyRule why =
            left ? TopologyRule::FrontierShrank : TopologyRule::FrontierArcsBelowUnexplored;
        return {{SparseFrontier, why, TopologyHold::None}, pack(memory)};
    }
};

}  // namespace megabed::field
