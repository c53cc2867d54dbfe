#include "properties/case_aims.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace megabed::aim {
namespace {

constexpr std::uint32_t kU32Max = std::numeric_limits<std::uint32_t>::max();

std::uint16_t bps_beside(Choices& choices, std::uint32_t edge) {
    const std::uint64_t beside = edge + choices.below(3);
    return static_cast<std::uint16_t>(std::clamp<std::uint64_t>(beside, 1, 65'536) - 1);
}

std::uint16_t any_bps(Choices& choices) {
    switch (choices.below(8)) {
    case 0:
        return choices.pick<std::uint16_t>({0, 1, 2, 9999, 10'000, 10'001, 65'535});
    case 1:
        return static_cast<std::uint16_t>(choices.of_any_magnitude(16));
    default:
        return static_cast<std::uint16_t>(choices.below(kWholeBps + 1));
    }
}

/// No hysteresis, a narrow, the standard or a wide one.
std::uint64_t hysteresis(Choices& choices) {
    const std::uint64_t standard = LaunchPolicyParameters{}.hysteresis.value();
    switch (choices.below(4)) {
    case 0:
        return 0;
    case 1:
        return choices.one_in(2) ? choices.pick({std::uint64_t{1}, standard - 1})
                                 : choices.between(1, standard - 1);
    case 2:
        return standard;
    default:
        return choices.one_in(2) ? choices.pick({standard + 1, std::uint64_t{kHysteresisMaxBps}})
                                 : choices.between(standard + 1, kHysteresisMaxBps);
    }
}

/// A warp, a power of two or a limit, and its neighbours.
std::uint32_t size_like(Choices& choices) {
    const std::uint32_t edge = choices.pick<std::uint32_t>({1, 2, 31, 32, 64, 100, 128, 256, 512, 1024, 2048});
    return choices.one_in(3) ? edge + static_cast<std::uint32_t>(choices.below(2)) : edge;
}

}  // namespace

std::uint32_t near_threshold(Choices& choices, std::uint32_t threshold) {
    const std::uint32_t depth = std::max(1U, threshold / 16);
    switch (choices.below(8)) {
    case 0:
        return 0;
    case 1:
        return threshold;
    case 2:
        return threshold > 0 ? threshold - 1 : 0;
    case 3:
        return threshold < kU32Max ? threshold + 1 : threshold;
    case 4:
        return threshold > depth ? threshold - depth : 0;
    case 5:
        return threshold > depth + 1 ? threshold - depth - 1 : 0;
    case 6:
        return threshold == 0 ? 1
                              : static_cast<std::uint32_t>(
                                    choices.between(threshold > depth ? threshold - depth : 0, threshold));
    default:
        return static_cast<std::uint32_t>(choices.below(std::uint64_t{threshold} * 2 + 2) & kU32Max);
    }
}

std::uint32_t count(Choices& choices) {
    switch (choices.below(4)) {
    case 0:
        return static_cast<std::uint32_t>(choices.below(40));
    case 1: {
        const std::uint64_t power = std::uint64_t{1} << choices.below(33);
        const std::uint64_t beside = power - 1 + choices.below(3);
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(beside, kU32Max));
    }
    default:
        return static_cast<std::uint32_t>(choices.of_any_magnitude(32));
    }
}

BasisPoints density(Choices& choices, const LaunchPolicyParameters& parameters) {
    const std::uint32_t sparse = parameters.sparse_frontier_threshold.value();
    const std::uint32_t dense = parameters.dense_frontier_threshold.value();
    const std::uint32_t width = parameters.hysteresis.value();
    const auto below_band = [width](std::uint32_t threshold) {
        return threshold > width ? threshold - width : 0;
    };
    switch (choices.below(10)) {
    case 0:
        return BasisPoints(bps_beside(choices, sparse));
    case 1:
        return BasisPoints(bps_beside(choices, below_band(sparse)));
    case 2:
        return BasisPoints(bps_beside(choices, sparse + width));
    case 3:
        return BasisPoints(bps_beside(choices, dense));
    case 4:
        return BasisPoints(bps_beside(choices, below_band(dense)));
    case 5:
        return BasisPoints(bps_beside(choices, dense + width));
    case 6:
        return BasisPoints(static_cast<std::uint16_t>(choices.below(sparse + 1)));
    default:
        return BasisPoints(any_bps(choices));
    }
}

BasisPoints pressure(Choices& choices, const LaunchPolicyParameters& parameters) {
    const std::uint32_t threshold = parameters.memory_pressure_threshold.value();
    const std::uint32_t width = parameters.hysteresis.value();
    switch (choices.below(6)) {
    case 0:
        return BasisPoints(bps_beside(choices, threshold));
    case 1:
        return BasisPoints(bps_beside(choices, threshold > width ? threshold - width : 0));
    case 2:
        return BasisPoints(
            static_cast<std::uint16_t>(choices.between(std::min(threshold, kWholeBps), kWholeBps)));
    default:
        return BasisPoints(any_bps(choices));
    }
}

LaunchPolicyParameters valid_parameters(Choices& choices) {
    LaunchPolicyParameters parameters;
    if (choices.one_in(2)) {
        return parameters;
    }
    const std::uint64_t width = hysteresis(choices);
    const std::uint64_t sparse_most = kWholeBps - 3 * width - 2;
    const auto sparse = choices.one_in(4) ? choices.between(width + 1, std::min(width + 4, sparse_most))
                                          : choices.between(width + 1, sparse_most);
    const auto dense_least = sparse + 2 * width + 1;
    const auto dense = choices.one_in(4) ? dense_least : choices.between(dense_least, kWholeBps - width - 1);
    const auto pressure = choices.one_in(4) ? choices.pick<std::uint64_t>({width + 1, width + 2, 9999, 10'000})
                                            : choices.between(width + 1, 10'000);
    parameters.hysteresis = BasisPoints(static_cast<std::uint16_t>(width));
    parameters.sparse_frontier_threshold = BasisPoints(static_cast<std::uint16_t>(sparse));
    parameters.dense_frontier_threshold = BasisPoints(static_cast<std::uint16_t>(dense));
    parameters.memory_pressure_threshold = BasisPoints(static_cast<std::uint16_t>(pressure));
    parameters.hit_capacity_multiplier =
        choices.one_in(4) ? std::max(count(choices), 1U) : static_cast<std::uint32_t>(choices.between(1, 8));
    parameters.saturated_waves =
        choices.one_in(4) ? std::max(count(choices), 1U) : static_cast<std::uint32_t>(choices.between(1, 16));
    parameters.min_hit_capacity = count(choices);
    parameters.hot_opcode_threshold = static_cast<std::uint32_t>(choices.below(40));
    parameters.hot_window_threshold = static_cast<std::uint32_t>(choices.below(40));
    parameters.jit_queue_len_threshold = count(choices);
    parameters.priority_age_threshold = count(choices);
    parameters.fusion_edge_threshold = count(choices);
    parameters.scratch_bytes_per_hit =
        choices.one_in(4) ? count(choices) : static_cast<std::uint32_t>(choices.below(65));
    return parameters;
}

LaunchPolicyParameters any_parameters(Choices& choices) {
    LaunchPolicyParameters parameters = valid_parameters(choices);
    const auto threshold = [&] {
        return BasisPoints(choices.one_in(2) ? choices.pick<std::uint16_t>(
                                                   {0, 249, 250, 251, 499, 500, 3999, 4000, 5000, 9749, 9750,
                                                    9999, 10'000, 10'001, 65'285, 65'286, 65'535})
                                             : any_bps(choices));
    };
    // Widths that leave a threshold just room enough or just not, and any.
    const auto width = [&] {
        const std::uint32_t sparse = parameters.sparse_frontier_threshold.value();
        const std::uint32_t dense = parameters.dense_frontier_threshold.value();
        const std::uint32_t room = dense > sparse ? (dense - sparse) / 2 : 0;
        return BasisPoints(
            choices.one_in(2)
                ? bps_beside(choices, choices.pick({sparse, room, kWholeBps - std::min(dense, kWholeBps),
                                                    std::uint32_t{kHysteresisMaxBps}}))
                : any_bps(choices));
    };
    switch (choices.below(9)) {
    case 0:
        parameters.sparse_frontier_threshold = threshold();
        break;
    case 1:
        parameters.dense_frontier_threshold = threshold();
        break;
    case 2:
        parameters.memory_pressure_threshold = threshold();
        break;
    case 3:
        parameters.hit_capacity_multiplier = 0;
        break;
    case 4:
        parameters.saturated_waves = 0;
        break;
    case 5:
        parameters.sparse_frontier_threshold = threshold();
        parameters.dense_frontier_threshold = threshold();
        parameters.memory_pressure_threshold = threshold();
        break;
    case 6:
        parameters.hysteresis = width();
        break;
    default:
        break;
    }
    return parameters;
}

LaunchRequest plausible_request(Choices& choices, const LaunchPolicyParameters& parameters) {
    LaunchRequest request;
    switch (choices.below(6)) {
    case 0:
        request.queue_len = near_threshold(choices, parameters.jit_queue_len_threshold);
        break;
    case 1:
        request.queue_len = static_cast<std::uint32_t>(choices.below(4));
        break;
    case 2:
        request.queue_len = size_like(choices);
        break;
    default:
        request.queue_len = static_cast<std::uint32_t>(choices.of_any_magnitude(20)) + 1;
        break;
    }
    if (!choices.one_in(5)) {
        request.requested_worker_groups = size_like(choices);
    }
    request.max_workgroup_size_x = choices.one_in(8) ? size_like(choices) : choices.pick({32U, 256U, 1024U});
    request.max_compute_workgroups_per_dimension =
        choices.one_in(8) ? choices.pick({1U, 47U, 64U, 4096U}) : 65'535U;
    request.max_compute_invocations_per_workgroup =
        choices.one_in(8) ? choices.pick({1U, 16U, 48U, 256U, 4096U}) : 1024U;
    if (choices.one_in(6)) {
        request.requested_hit_capacity = count(choices);
    }
    request.expected_hits_per_item = static_cast<std::uint32_t>(choices.below(6));
    request.hot_opcode_count = near_threshold(choices, parameters.hot_opcode_threshold);
    request.hot_window_count = choices.one_in(2) ? 0 : near_threshold(choices, parameters.hot_window_threshold);
    request.requeue_count = choices.one_in(4) ? choices.of_any_magnitude(20) : 0;
    request.max_priority_age = near_threshold(choices, parameters.priority_age_threshold);
    if (!choices.one_in(6)) {
        request.graph_node_count = choices.one_in(8)
                                       ? static_cast<std::uint32_t>(choices.below(2))
                                       : static_cast<std::uint32_t>(choices.of_any_magnitude(22)) + 2;
    }
    if (!choices.one_in(6)) {
        request.graph_edge_count = near_threshold(choices, parameters.fusion_edge_threshold);
    }
    if (!choices.one_in(6)) {
        request.frontier_density = density(choices, parameters);
    }
    if (!choices.one_in(6)) {
        request.memory_pressure = pressure(choices, parameters);
    }
    request.resident_device_bytes = Bytes(choices.of_any_magnitude(34));
    if (choices.one_in(3)) {
        aim_budget(choices, parameters, request);
    }
    return request;
}

LaunchRequest wild_request(Choices& choices, const LaunchPolicyParameters& parameters) {
    LaunchRequest request = plausible_request(choices, parameters);
    const auto maybe = [&](std::optional<std::uint32_t>& field) {
        if (choices.one_in(3)) {
            field = count(choices);
        }
    };
    if (choices.one_in(2)) {
        request.queue_len = count(choices);
    }
    maybe(request.requested_worker_groups);
    if (choices.one_in(3)) {
        request.max_workgroup_size_x = count(choices);
        request.max_compute_workgroups_per_dimension = count(choices);
        request.max_compute_invocations_per_workgroup = count(choices);
    }
    maybe(request.requested_hit_capacity);
    if (choices.one_in(3)) {
        request.expected_hits_per_item = count(choices);
        request.requeue_count = choices.of_any_magnitude(64);
    }
    maybe(request.graph_node_count);
    maybe(request.graph_edge_count);
    if (choices.one_in(3)) {
        request.resident_device_bytes =
            Bytes(choices.one_in(2) ? choices.of_any_magnitude(64) : ~choices.below(1U << 20));
    }
    if (choices.one_in(3)) {
        request.device_memory_budget = Bytes(choices.of_any_magnitude(64));
    }
    return request;
}

LaunchRequest any_request(Choices& choices, const LaunchPolicyParameters& parameters) {
    return choices.one_in(8) ? wild_request(choices, parameters) : plausible_request(choices, parameters);
}

void aim_budget(Choices& choices, const LaunchPolicyParameters& parameters, LaunchRequest& request) {
    __extension__ using Wide = unsigned __int128;
    const Wide hits = static_cast<Wide>(request.queue_len) * std::max(request.expected_hits_per_item, 1U);
    const Wide tight = std::max<Wide>(hits, parameters.min_hit_capacity);
    const Wide full = std::max<Wide>(hits * parameters.hit_capacity_multiplier, parameters.min_hit_capacity);
    const Wide asked = request.requested_hit_capacity.value_or(0);
    Wide entries = asked != 0 && choices.one_in(2) ? asked : choices.one_in(2) ? tight : full;
    if (choices.one_in(4)) {
        entries = (tight + full) / 2;
    }
    const Wide need = request.resident_device_bytes.value() + entries * parameters.scratch_bytes_per_hit;
    if (need + 1 > std::numeric_limits<std::uint64_t>::max()) {
        return;
    }
    const auto bytes = static_cast<std::uint64_t>(need);
    const std::uint64_t slack = choices.one_in(2) ? choices.below(3) : choices.of_any_magnitude(24) + 1;
    request.device_memory_budget = Bytes(std::max<std::uint64_t>(bytes + slack, 2) - 1);
}

}  // namespace megabed::aim
