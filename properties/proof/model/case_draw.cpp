#include "properties/proof/model/case_draw.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

namespace megabed::proof {
namespace {

constexpr std::uint32_t kCountMax = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kReadingMax = std::numeric_limits<std::uint16_t>::max();

BasisPoints bps(std::uint64_t value) { return BasisPoints(static_cast<std::uint16_t>(value)); }

}  // namespace

std::uint64_t CaseDraw::magnitude(unsigned bits) {
    const auto kept = static_cast<unsigned>(below(bits + 1));
    return kept == 0 ? 0 : engine_() >> (64 - kept);
}

std::uint32_t CaseDraw::near(std::uint32_t value) {
    const std::uint64_t shift = below(3);
    if (shift == 0) {
        return value == 0 ? 0 : value - 1;
    }
    return shift == 1 || value == kCountMax ? value : value + 1;
}

std::uint32_t CaseDraw::count() {
    constexpr std::array<std::uint32_t, 10> kEdges{0, 1, 8, 32, 256, 1024, 4096, 65'536, 1U << 31U, kCountMax};
    return below(2) == 0 ? near(kEdges[below(kEdges.size())]) : static_cast<std::uint32_t>(magnitude(32));
}

std::optional<std::uint32_t> CaseDraw::maybe_count(std::uint32_t threshold) {
    switch (below(4)) {
    case 0:
        return std::nullopt;
    case 1:
        return near(threshold);
    default:
        return count();
    }
}

LaunchPolicyParameters CaseDraw::any_parameters() {
    LaunchPolicyParameters parameters = valid_parameters();
    parameters.sparse_frontier_threshold = bps(magnitude(16));
    parameters.dense_frontier_threshold = bps(magnitude(16));
    parameters.memory_pressure_threshold = bps(below(2) == 0 ? magnitude(16) : 8500);
    if (below(2) == 0) {
        parameters.hysteresis = bps(magnitude(16));
    }
    parameters.hit_capacity_multiplier = count();
    parameters.saturated_waves = count();
    parameters.sizing = {count(), count(), count(), count(), count()};
    return parameters;
}

LaunchPolicyParameters CaseDraw::valid_parameters() {
    LaunchPolicyParameters parameters;
    if (below(3) == 0) {
        return parameters;
    }
    constexpr std::uint64_t kWidthMax = kHysteresisMaxBps;
    const std::uint64_t widths[] = {0, below(250), 250, 251 + below(kWidthMax - 250), kWidthMax};
    const std::uint64_t width = widths[below(std::size(widths))];
    const std::uint64_t sparse = width + 1 + below(kWholeBps - 4 * width - 2);
    const std::uint64_t least_dense = sparse + 2 * width + 1;
    const std::uint64_t dense = least_dense + below(kWholeBps - width - least_dense);
    parameters.hysteresis = bps(width);
    parameters.sparse_frontier_threshold = bps(sparse);
    parameters.dense_frontier_threshold = bps(dense);
    parameters.memory_pressure_threshold = bps(width + 1 + below(kWholeBps - width));
    parameters.min_hit_capacity = count();
    parameters.hit_capacity_multiplier = std::max(count(), 1U);
    parameters.saturated_waves = std::max(count(), 1U);
    parameters.hot_opcode_threshold = count();
    parameters.hot_window_threshold = count();
    parameters.jit_queue_len_threshold = count();
    parameters.priority_age_threshold = count();
    parameters.fusion_edge_threshold = count();
    parameters.scratch_bytes_per_hit = count();
    return parameters;
}

BasisPoints CaseDraw::reading_near(BasisPoints threshold, BasisPoints hysteresis) {
    if (below(8) == 0) {
        return bps(below(2) == 0 ? kReadingMax : 0);
    }
    if (below(4) == 0) {
        return bps(below(kWholeBps + 1));
    }
    const std::uint64_t width = hysteresis.value();
    const std::uint64_t low = threshold.value() - std::min<std::uint64_t>(threshold.value(), width + 1);
    const std::uint64_t reading = below(4) == 0
                                      ? threshold.value() - std::min<std::uint64_t>(threshold.value(), 1)
                                      : low + below(2 * width + 3);
    return bps(std::min<std::uint64_t>(reading, kReadingMax));
}

BasisPoints CaseDraw::density(const LaunchPolicyParameters& parameters) {
    return reading_near(
        below(2) == 0 ? parameters.sparse_frontier_threshold : parameters.dense_frontier_threshold,
        parameters.hysteresis);
}

BasisPoints CaseDraw::pressure(const LaunchPolicyParameters& parameters) {
    return below(2) == 0 ? BasisPoints(1)
                         : reading_near(parameters.memory_pressure_threshold, parameters.hysteresis);
}

LaunchRequest CaseDraw::request(const LaunchPolicyParameters& parameters) {
    LaunchRequest request;
    const bool small = below(2) == 0;
    request.queue_len = small ? static_cast<std::uint32_t>(magnitude(18)) : count();
    if (below(4) == 0) {
        request.queue_len = near(parameters.jit_queue_len_threshold);
    }
    request.requested_worker_groups = maybe_count(128);
    request.max_workgroup_size_x = small ? 32U << below(6) : count();
    request.max_compute_workgroups_per_dimension = small ? 65'535 : count();
    request.max_compute_invocations_per_workgroup = small ? 1024 : count();
    request.requested_hit_capacity = maybe_count(4096);
    request.expected_hits_per_item = small ? static_cast<std::uint32_t>(below(8)) : count();
    request.hot_opcode_count = below(2) == 0 ? near(parameters.hot_opcode_threshold) : count();
    request.hot_window_count = below(2) == 0 ? near(parameters.hot_window_threshold) : count();
    request.requeue_count = below(3) == 0 ? magnitude(64) : 0;
    request.max_priority_age = below(2) == 0 ? near(parameters.priority_age_threshold) : count();
    request.graph_node_count = maybe_count(request.queue_len);
    request.graph_edge_count = maybe_count(parameters.fusion_edge_threshold);
    if (below(4) != 0) {
        request.frontier_density = density(parameters);
    }
    if (below(4) != 0) {
        request.memory_pressure = pressure(parameters);
    }
    request.resident_device_bytes = Bytes(magnitude(small ? 34 : 64));
    if (below(2) == 0) {
        request.device_memory_budget = Bytes(below(2) == 0 ? magnitude(64) : 1ULL << (32U + below(32)));
    }
    return request;
}

}  // namespace megabed::proof
