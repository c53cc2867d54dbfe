#pragma once

#include "policy/launch_request.h"
#include "scenarios/section_reader.h"
#include "scenarios/toml.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

/// What a request of a file holds where the file says nothing: queue 16384, 128 groups, 256 lanes, 100000
/// nodes, 250000 edges, density 2000 bps, pressure 1000 bps, everything else absent.
[[nodiscard]] constexpr LaunchRequest base_request() {
    LaunchRequest request;
    request.queue_len = 16'384;
    request.requested_worker_groups = 128;
    request.max_workgroup_size_x = 256;
    request.max_compute_workgroups_per_dimension = 65'535;
    request.max_compute_invocations_per_workgroup = 1024;
    request.graph_node_count = 100'000;
    request.graph_edge_count = 250'000;
    request.frontier_density = BasisPoints(2000);
    request.memory_pressure = BasisPoints(1000);
    return request;
}

/// Reads a list of requests: the keys of `table` hold for all of them, those of each table in its array `list`
/// for one. A value is an integer, text of digits where it leaves 63 bits, or "absent".
/// Errors: go to `errors` with file, line, key, value and what is allowed.
[[nodiscard]] std::vector<LaunchRequest> read_requests(const toml::table& table, std::string_view source,
                                                       std::string_view section, FirstError& errors);

/// The body of such a table, naming only what differs from the base request.
[[nodiscard]] std::string requests_as_toml(std::span<const LaunchRequest> requests);

}  // namespace megabed
