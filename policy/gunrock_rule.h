#pragma once

#include "policy/field_rule.h"

#include <cstdint>

namespace megabed::field {

/// The direction rule of Gunrock 1.x's breadth-first search.
/// Push is HybridFrontier, as its load-balanced advance splits large vertices; pull is DenseFrontier.
/// Source: Wang et al., "Gunrock: GPU Graph Analytics", ACM TOPC 4(1), 2017, and Gather in Gunrock 1.x,
/// gunrock/app/bfs/bfs_enactor.cuh (parameters do-a and do-b). The source computes in 32-bit floating point;
/// here both sides are exact.
struct Gunrock {
    struct Memory {
        bool started = false;
        bool pulling = false;
        bool pull_ran = false;
    };

    [[nodiscard]] static constexpr PolicyState pack(const Memory& memory) {
        PolicyState state;
        state.words = {flag(memory.started, 0) | flag(memory.pulling, 1) | flag(memory.pull_ran, 2), 0, 0};
        return state;
    }

    /// Reads any bits at all.
    [[nodiscard]] static constexpr Memory unpack(const PolicyState& state) {
        return {has_flag(state, 0), has_flag(state, 1), has_flag(state, 2)};
    }

    /// Whether |F| m / n > (n - visited) n / visited x share, without rounding; never with nothing visited.
    [[nodiscard]] static constexpr bool forward_exceeds(const Readings& readings, std::uint32_t share_ppm) {
        constexpr std::uint32_t kMillion = 1'000'000;
        const Wide forward = Wide{readings.frontier} * readings.arcs * readings.visited * kMillion;
        const std::uint32_t unvisited = readings.vertices - readings.visited;
        return forward > Wide{unvisited} * readings.vertices * readings.vertices * share_ppm;
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
        const GunrockParameters& rule = parameters.field.gunrock;
        Memory memory = unpack(state);
        if (!memory.started || readings.first) {
            return {{HybridFrontier, TopologyRule::FirstLevel, TopologyHold::None}, pack({true, false, false})};
        }
        memory.pull_ran = memory.pull_ran || memory.pulling;
        if (!memory.pulling && memory.pull_ran) {
            return {{HybridFrontier, TopologyRule::PullRanBefore, TopologyHold::None}, pack(memory)};
        }
        memory.pulling = forward_exceeds(readings, memory.pulling ? rule.do_b_ppm : rule.do_a_ppm);
        const TopologyRule why = memory.pulling ? TopologyRule::ForwardVisitsExceedBackward
                                                : TopologyRule::ForwardVisitsBelowBackward;
        return {{memory.pulling ? DenseFrontier : HybridFrontier, why, TopologyHold::None}, pack(memory)};
    }
};

}  // namespace megabed::field
