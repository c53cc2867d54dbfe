#pragma once

#include "policy/policy.h"
#include "policy/units.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace megabed {

class CsrGraph;

/// What is constant of a traversed graph, as telemetry tells it.
struct GraphReadings {
    std::uint32_t vertices = 0;
    std::uint32_t vertices_with_arcs = 0;
    std::uint64_t arcs = 0;
    std::uint32_t expected_hits_per_item = 1;

    constexpr bool operator==(const GraphReadings&) const = default;
};

/// `expected_hits`: absent, the mean degree, rounded up. Requires: the graph has a vertex.
[[nodiscard]] GraphReadings graph_readings(const CsrGraph& graph, std::optional<std::uint32_t> expected_hits);

/// Where a traversal stands before a launch.
struct FrontierReadings {
    std::uint32_t vertices = 0;
    std::uint32_t visited = 0;            ///< by some frontier, this one included
    std::uint32_t previous_vertices = 0;  ///< 0 at the first wave
    bool pull_ran = false;
    std::uint64_t arcs = 0;             ///< leaving the frontier
    std::uint64_t unexplored_arcs = 0;  ///< leaving vertices that no frontier has held
};

/// The fields of an observation that speak of a traversal: the same in every backend, on the device too.
/// Requires: the graph has a vertex.
constexpr void observe_frontier(const GraphReadings& graph, const FrontierReadings& frontier,
                                Observation& observation) {
    constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
    LaunchRequest& request = observation.request;
    request.queue_len = frontier.vertices;
    request.graph_node_count = graph.vertices;
    request.graph_edge_count = static_cast<std::uint32_t>(std::min(graph.arcs, kLargest));
    const BasisPoints density = ratio_floor(frontier.vertices, graph.vertices);
    request.frontier_density = frontier.vertices == 0 ? density : std::max(density, BasisPoints(1));
    request.expected_hits_per_item = graph.expected_hits_per_item;
    observation.traversal = TraversalTelemetry{
        frontier.arcs,     frontier.unexplored_arcs,
        frontier.visited,  frontier.previous_vertices,
        frontier.pull_ran, graph.vertices_with_arcs - std::min(graph.vertices_with_arcs, frontier.visited)};
}

/// Resident bytes, the budget and the pressure that they make.
constexpr void observe_memory(Bytes resident, std::optional<Bytes> budget, LaunchRequest& request) {
    request.resident_device_bytes = resident;
    request.device_memory_budget = budget;
    if (budget) {
        request.memory_pressure = ratio_floor(resident.value(), budget->value());
    }
}

}  // namespace megabed
