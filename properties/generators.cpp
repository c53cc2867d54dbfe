#include "properties/generators.h"

#include <algorithm>
#include <limits>

namespace megabed::gen {
namespace {

/// A number near one of `edges`.
template <class Integer>
rc::Gen<Integer> near(std::vector<Integer> edges) {
    return rc::gen::exec([edges = std::move(edges)]() -> Integer {
        const Integer edge = *rc::gen::elementOf(edges);
        const int offset = *rc::gen::inRange(-1, 2);
        if (offset < 0) {
            return edge == 0 ? Integer{0} : static_cast<Integer>(edge - 1);
        }
        constexpr Integer kMax = std::numeric_limits<Integer>::max();
        return offset == 0 || edge == kMax ? edge : static_cast<Integer>(edge + 1);
    });
}

/// Any magnitude: the number of bits is drawn first.
template <class Integer>
rc::Gen<Integer> of_any_magnitude() {
    return rc::gen::exec([]() -> Integer {
        constexpr int kBits = std::numeric_limits<Integer>::digits;
        const int bits = *rc::gen::inRange(0, kBits + 1);
        const auto word = *rc::gen::resize(100, rc::gen::arbitrary<std::uint64_t>());
        const std::uint64_t mask = bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
        return static_cast<Integer>(word & mask);
    });
}

std::optional<std::uint32_t> maybe_count() {
    return *rc::gen::inRange(0, 3) == 0 ? std::nullopt : std::optional(*count());
}

std::optional<BasisPoints> maybe_bps() {
    return *rc::gen::inRange(0, 4) == 0 ? std::nullopt : std::optional(BasisPoints(*basis_points()));
}

}  // namespace

rc::Gen<std::uint32_t> count() {
    return rc::gen::oneOf(near<std::uint32_t>({0, 1, 4, 8, 32, 128, 256, 1024, 4096, 65'536, 100'000, 1U << 31,
                                               std::numeric_limits<std::uint32_t>::max()}),
                          of_any_magnitude<std::uint32_t>());
}

rc::Gen<std::uint64_t> wide_count() {
    return rc::gen::oneOf(near<std::uint64_t>({0, 1, 262'144, 1ULL << 32, 1ULL << 40, 1ULL << 63,
                                               std::numeric_limits<std::uint64_t>::max()}),
                          of_any_magnitude<std::uint64_t>());
}

rc::Gen<std::uint16_t> basis_points() {
    return rc::gen::oneOf(near<std::uint16_t>({0, 250, 500, 750, 3750, 4000, 4250, 8250, 8500, 10'000, 65'535}),
                          rc::gen::inRange<std::uint16_t>(0, 10'001), of_any_magnitude<std::uint16_t>());
}

/// No hysteresis, a narrow, the standard or a wide one; all leave room for thresholds.
rc::Gen<std::uint16_t> hysteresis() {
    constexpr std::uint16_t kEnd = kHysteresisMaxBps + 1;
    return rc::gen::oneOf(rc::gen::just<std::uint16_t>(0), rc::gen::inRange<std::uint16_t>(1, 250),
                          rc::gen::just<std::uint16_t>(250), rc::gen::inRange<std::uint16_t>(251, kEnd));
}

rc::Gen<LaunchPolicyParameters> any_parameters() {
    return rc::gen::exec([] {
        LaunchPolicyParameters parameters;
        parameters.min_hit_capacity = *count();
        parameters.hit_capacity_multiplier = *count();
        parameters.saturated_waves = *count();
        parameters.hot_opcode_threshold = *count();
        parameters.hot_window_threshold = *count();
        parameters.jit_queue_len_threshold = *count();
        parameters.priority_age_threshold = *count();
        parameters.sparse_frontier_threshold = BasisPoints(*basis_points());
        parameters.dense_frontier_threshold = BasisPoints(*basis_points());
        parameters.memory_pressure_threshold = BasisPoints(*basis_points());
        parameters.hysteresis = BasisPoints(*rc::gen::inRange(0, 2) == 0 ? *hysteresis() : *basis_points());
        parameters.fusion_edge_threshold = *count();
        parameters.scratch_bytes_per_hit = *count();
        return parameters;
    });
}

rc::Gen<LaunchPolicyParameters> valid_parameters() {
    return rc::gen::exec([] {
        LaunchPolicyParameters parameters;
        if (*rc::gen::inRange(0, 2) == 0) {
            return parameters;
        }
        const std::uint32_t width = *hysteresis();
        const auto in = [](std::uint32_t least, std::uint32_t end) {
            return BasisPoints(static_cast<std::uint16_t>(*rc::gen::inRange(least, end)));
        };
        parameters.hysteresis = BasisPoints(static_cast<std::uint16_t>(width));
        parameters.sparse_frontier_threshold = in(width + 1, kWholeBps - 3 * width - 1);
        parameters.dense_frontier_threshold =
            in(parameters.sparse_frontier_threshold.value() + 2 * width + 1, kWholeBps - width);
        parameters.memory_pressure_threshold = in(width + 1, kWholeBps + 1);
        parameters.min_hit_capacity = *count();
        parameters.hit_capacity_multiplier = std::max(*count(), 1U);
        parameters.saturated_waves = std::max(*count(), 1U);
        parameters.hot_opcode_threshold = *count();
        parameters.hot_window_threshold = *count();
        parameters.jit_queue_len_threshold = *count();
        parameters.priority_age_threshold = *count();
        parameters.fusion_edge_threshold = *count();
        parameters.scratch_bytes_per_hit = *count();
        return parameters;
    });
}

rc::Gen<LaunchRequest> any_request() {
    return rc::gen::exec([] {
        LaunchRequest request;
        request.queue_len = *count();
        request.requested_worker_groups = maybe_count();
        request.max_workgroup_size_x = *count();
        request.max_compute_workgroups_per_dimension = *count();
        request.max_compute_invocations_per_workgroup = *count();
        request.requested_hit_capacity = maybe_count();
        request.expected_hits_per_item = *count();
        request.hot_opcode_count = *count();
        request.hot_window_count = *count();
        request.requeue_count = *rc::gen::inRange(0, 2) == 0 ? 0 : *wide_count();
        request.max_priority_age = *count();
        request.graph_node_count = maybe_count();
        request.graph_edge_count = maybe_count();
        request.frontier_density = maybe_bps();
        request.memory_pressure = maybe_bps();
        request.resident_device_bytes = Bytes(*wide_count());
        if (*rc::gen::inRange(0, 3) != 0) {
            request.device_memory_budget = Bytes(*wide_count());
        }
        return request;
    });
}

rc::Gen<LaunchRequest> plausible_request() {
    return rc::gen::exec([] {
        LaunchRequest request = *any_request();
        request.queue_len = *rc::gen::inRange(1U, 1U << 20);
        request.max_workgroup_size_x = *rc::gen::elementOf(std::vector<std::uint32_t>{32, 64, 256, 1024});
        request.max_compute_workgroups_per_dimension = 65'535;
        request.max_compute_invocations_per_workgroup = 1024;
        request.expected_hits_per_item = *rc::gen::inRange(0U, 16U);
        request.graph_node_count = *rc::gen::inRange(0U, 1U << 22);
        request.graph_edge_count = *rc::gen::elementOf(std::vector<std::uint32_t>{0, 65'535, 65'536, 1U << 24});
        request.hot_opcode_count = *rc::gen::inRange(0U, 12U);
        request.hot_window_count = *rc::gen::inRange(0U, 8U);
        request.resident_device_bytes = Bytes(*rc::gen::inRange<std::uint64_t>(0, 1ULL << 34));
        request.device_memory_budget = std::nullopt;
        if (*rc::gen::inRange(0, 3) == 0) {
            request.device_memory_budget = Bytes(*rc::gen::inRange<std::uint64_t>(1, 1ULL << 36));
        }
        return request;
    });
}

rc::Gen<std::optional<DispatchTopology>> previous_topology() {
    return rc::gen::exec([]() -> std::optional<DispatchTopology> {
        const int index = *rc::gen::inRange(-1, 6);
        return index < 0 ? std::nullopt : std::optional(static_cast<DispatchTopology>(index));
    });
}

}  // namespace megabed::gen
