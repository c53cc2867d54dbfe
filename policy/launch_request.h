#pragma once

#include "policy/units.h"

#include <cstdint>
#include <optional>

namespace megabed {

/// What a policy may read before it decides one launch.
/// An empty optional is a reading that was not taken. The reference policy alone treats 0 in an optional
/// field as absent too.
struct LaunchRequest {
    std::uint32_t queue_len = 0;  ///< published unfinished items, or frontier vertices
    std::optional<std::uint32_t> requested_worker_groups{};
    std::uint32_t max_workgroup_size_x = 0;                   ///< adapter limit, lanes
    std::uint32_t max_compute_workgroups_per_dimension = 0;   ///< adapter limit, groups
    std::uint32_t max_compute_invocations_per_workgroup = 0;  ///< adapter limit, lanes
    std::optional<std::uint32_t> requested_hit_capacity{};
    std::uint32_t expected_hits_per_item = 1;
    std::uint32_t hot_opcode_count = 0;
    std::uint32_t hot_window_count = 0;
    std::uint64_t requeue_count = 0;     ///< slots requeued since the last recommendation
    std::uint32_t max_priority_age = 0;  ///< ticks, since the last recommendation
    std::optional<std::uint32_t> graph_node_count{};
    std::optional<std::uint32_t> graph_edge_count{};  ///< stored (directed) arcs
    std::optional<BasisPoints> frontier_density{};    ///< of the vertices
    std::optional<BasisPoints> memory_pressure{};     ///< resident bytes of the budget
    Bytes resident_device_bytes{};
    std::optional<Bytes> device_memory_budget{};  ///< absent: unbounded

    constexpr bool operator==(const LaunchRequest&) const = default;

    /// A request without telemetry, whose adapter limits are what it asks for.
    [[nodiscard]] static constexpr LaunchRequest direct(std::uint32_t queue_len,
                                                        std::uint32_t requested_worker_groups,
                                                        std::uint32_t max_workgroup_size_x) {
        LaunchRequest request;
        request.queue_len = queue_len;
        request.requested_worker_groups = requested_worker_groups;
        request.max_workgroup_size_x = max_workgroup_size_x;
        request.max_compute_workgroups_per_dimension = requested_worker_groups;
        request.max_compute_invocations_per_workgroup = max_workgroup_size_x;
        return request;
    }
};

}  // namespace megabed
