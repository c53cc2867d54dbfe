#pragma once

#include "policy/error.h"
#include "policy/launch_parameters.h"
#include "policy/policy.h"
#include "policy/reference_policy.h"
#include "policy/topology.h"

#include <algorithm>
#include <cstdint>
#include <limits>

/// What the field's switching rules have in common: they choose the topology, from readings of a traversal and
/// a memory of their own, and the reference's rules fill in the rest. Every function here and in the rules is
/// constexpr, in integers, and allocates nothing.
namespace megabed::field {

__extension__ using Wide = unsigned __int128;

/// Constants of this folder are passed on as copies: std::min and the like take references, and device code has
/// no address of a host constant.
///
/// Arcs above this read as this, so that no product of a rule leaves 128 bits.
inline constexpr std::uint64_t kArcsMax = std::uint64_t{1} << 48;

/// A traversal as the rules see it.
struct Readings {
    bool known = false;     ///< a graph with arcs was named; without one the rules push
    bool measured = false;  ///< telemetry, not an inference from queue length and mean degree
    bool first = false;     ///< telemetry says that this is the first level
    std::uint32_t frontier = 0;
    std::uint32_t vertices = 0;
    std::uint64_t arcs = 0;
    std::uint64_t frontier_arcs = 0;
    std::uint64_t unexplored_arcs = 0;  ///< of vertices not visited; the frontier is visited
    std::uint32_t visited = 0;
    std::uint32_t unvisited_with_arcs = 0;
};

/// Without telemetry (services, synthetic frontiers, listed requests) the frontier is taken to have the mean
/// degree, and everything outside it not to have been visited.
[[nodiscard]] constexpr Readings take_readings(const Observation& observation) {
    const LaunchRequest& request = observation.request;
    Readings readings;
    readings.vertices = request.graph_node_count.value_or(0);
    readings.arcs = request.graph_edge_count.value_or(0);
    readings.known = readings.vertices != 0 && readings.arcs != 0;
    readings.frontier = std::min(request.queue_len, readings.vertices);
    if (!readings.known) {
        return readings;
    }
    if (observation.traversal) {
        const TraversalTelemetry& traversal = *observation.traversal;
        readings.measured = true;
        readings.first = traversal.previous_frontier == 0;
        readings.frontier_arcs = std::min(traversal.frontier_arcs, std::uint64_t{kArcsMax});
        readings.unexplored_arcs = std::min(traversal.unexplored_arcs, std::uint64_t{kArcsMax});
        readings.visited = std::min(traversal.visited_vertices, readings.vertices);
        readings.unvisited_with_arcs =
            traversal.unvisited_with_arcs.value_or(readings.vertices - readings.visited);
        return readings;
    }
    readings.frontier_arcs = readings.frontier * readings.arcs / readings.vertices;
    readings.unexplored_arcs = readings.arcs - readings.frontier_arcs;
    readings.visited = readings.frontier;
    readings.unvisited_with_arcs = readings.vertices - readings.visited;
    return readings;
}

/// A topology and what the rule carries to the next launch.
struct Chosen {
    TopologyChoice choice{};
    PolicyState next{};
};

inline constexpr Chosen kEmpty{{DispatchTopology::Empty, TopologyRule::QueueEmpty, TopologyHold::None}, {}};

/// A flag in the first word of a state. A rule that has not decided yet has no flag set.
[[nodiscard]] constexpr bool has_flag(const PolicyState& state, unsigned position) {
    return (state.words[0] >> position & 1U) != 0;
}
[[nodiscard]] constexpr std::uint64_t flag(bool set, unsigned position) {
    return std::uint64_t{set} << position;
}

/// The lower half of a word of any bits.
[[nodiscard]] constexpr std::uint32_t low_half(std::uint64_t word) { return static_cast<std::uint32_t>(word); }

/// The reference's rules fill in what follows from a chosen topology. Errors: those of `reference::complete`.
[[nodiscard]] constexpr Result<Decision> complete(const LaunchPolicyParameters& parameters,
                                                  const LaunchRequest& request,
                                                  const reference::EffectiveSignals& signals,
                                                  const Chosen& chosen) {
    const auto answer = reference::complete(parameters, request, signals, chosen.choice);
    if (!answer) {
        return Failure(answer.error());
    }
    Result<Decision> decision(tl::in_place);
    (*decision).recommendation = (*answer).recommendation;
    (*decision).next = chosen.next;
    (*decision).rule = chosen.choice.rule;
    (*decision).hold = chosen.choice.hold;
    return decision;
}

/// Decides one launch by `Rule::choose`, which sees the parameters, the observation, the inferred signals and
/// the state. Errors: those of `reference::complete`.
template <class Rule>
[[nodiscard]] constexpr Result<Decision> recommend(const LaunchPolicyParameters& parameters,
                                                   const Observation& observation, const PolicyState& state) {
    const auto signals = reference::infer_missing_signals(parameters, observation.request);
    return complete(parameters, observation.request, signals,
                    Rule::choose(parameters, observation, signals, state));
}

}  // namespace megabed::field
