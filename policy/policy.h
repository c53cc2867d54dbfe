#pragma once

#include "policy/error.h"
#include "policy/launch_recommendation.h"
#include "policy/launch_request.h"
#include "policy/topology.h"
#include "policy/units.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

namespace megabed {

/// What the field's direction-switching rules read beyond a LaunchRequest. The reference ignores it.
struct TraversalTelemetry {
    std::uint64_t frontier_arcs = 0;    ///< arcs leaving the frontier
    std::uint64_t unexplored_arcs = 0;  ///< arcs leaving vertices not yet visited
    std::uint32_t visited_vertices = 0;
    std::uint32_t previous_frontier = 0;                 ///< vertices; 0 at the first wave
    bool pull_ran = false;                               ///< a dense wave ran earlier in this traversal
    std::optional<std::uint32_t> unvisited_with_arcs{};  ///< vertices not yet visited that have arcs

    constexpr bool operator==(const TraversalTelemetry&) const = default;
};

/// Everything a policy may look at. It never sees a graph or a clock.
struct Observation {
    LaunchRequest request{};
    std::optional<TraversalTelemetry> traversal{};
};

/// A policy's memory between launches: one small value that the caller keeps.
struct PolicyState {
    std::array<std::uint64_t, 3> words{};     ///< for policies that remember more than a topology
    std::uint8_t previous_topology_code = 0;  ///< 0: none, else topology + 1

    constexpr bool operator==(const PolicyState&) const = default;

    [[nodiscard]] constexpr std::optional<DispatchTopology> previous_topology() const {
        if (previous_topology_code == 0) {
            return std::nullopt;
        }
        return static_cast<DispatchTopology>(previous_topology_code - 1);
    }
    constexpr void remember(DispatchTopology topology) {
        previous_topology_code = static_cast<std::uint8_t>(static_cast<std::uint8_t>(topology) + 1);
    }
};
static_assert(std::is_trivially_copyable_v<PolicyState> && sizeof(PolicyState) == 32);

/// One launch decided: what to do, what to remember, and why.
struct Decision {
    LaunchRecommendation recommendation{};
    PolicyState next{};
    TopologyRule rule{};
    TopologyHold hold{};
};

/// What a learning policy is told after a launch.
struct LaunchFeedback {
    const Observation& observation;
    const Decision& decision;
    SimTime duration{};                    ///< of the launch, with the relaunch that its decision brought about
    std::optional<std::uint64_t> items{};  ///< queue items or frontier vertices that it finished
};

/// A launch policy. `recommend` is pure: equal arguments give equal answers, and an error leaves the caller's
/// state as it was. Only a learning policy overrides `observe`.
class Policy {
public:
    Policy() = default;
    Policy(const Policy&) = delete;
    Policy& operator=(const Policy&) = delete;
    virtual ~Policy() = default;

    [[nodiscard]] virtual Result<Decision> recommend(const Observation& observation,
                                                     const PolicyState& state) const = 0;
    virtual void observe(const LaunchFeedback& /*feedback*/) {}

    /// What a learning policy has learned, for a checkpoint; empty if it does not learn.
    [[nodiscard]] virtual std::vector<std::uint64_t> learned() const { return {}; }
    /// Takes back what `learned` gave, of the same policy; anything else changes nothing.
    virtual void restore(std::span<const std::uint64_t> /*learned*/) {}
};

}  // namespace megabed
