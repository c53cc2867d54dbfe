#pragma once

#include "policy/capacity.h"
#include "policy/error.h"
#include "policy/launch_parameters.h"
#include "policy/launch_recommendation.h"
#include "policy/launch_request.h"
#include "policy/queue_pressure.h"
#include "policy/sizing.h"
#include "policy/topology.h"
#include "policy/units.h"
#include "policy/worker_shedding.h"

#include <algorithm>
#include <cstdint>
#include <optional>

/// The launch policy of the original runtime, bit for bit and defects included.
/// Every function here is constexpr and also compiles as device code.
namespace megabed::reference {

/// A recommendation and why its topology was chosen.
struct Answer {
    LaunchRecommendation recommendation{};
    TopologyChoice choice{};

    constexpr bool operator==(const Answer&) const = default;
};

/// The request as the original sees it: absence is 0, and missing scale signals are inferred.
struct EffectiveSignals {
    TopologySignals topology{};
    std::uint32_t requested_worker_groups = 0;
    std::uint64_t budget = 0;
    bool hot_opcodes = false;
    bool hot_windows = false;
};

/// Density from queue and vertices, pressure from resident bytes and budget, where a reading is 0 or absent.
/// Source: spec "Order of a recommendation", 2 and 3.
[[nodiscard]] constexpr EffectiveSignals infer_missing_signals(const LaunchPolicyParameters& parameters,
                                                               const LaunchRequest& request) {
    EffectiveSignals signals;
    signals.requested_worker_groups = request.requested_worker_groups.value_or(0);
    signals.budget = request.device_memory_budget.value_or(Bytes(0)).value();
    signals.hot_opcodes = request.hot_opcode_count >= parameters.hot_opcode_threshold;
    signals.hot_windows = request.hot_window_count >= parameters.hot_window_threshold;

    TopologySignals& topology = signals.topology;
    topology.queue_len = request.queue_len;
    topology.nodes = request.graph_node_count.value_or(0);
    topology.edges = request.graph_edge_count.value_or(0);
    topology.hot = signals.hot_opcodes || signals.hot_windows;
    topology.density_bps = request.frontier_density.value_or(BasisPoints(0)).value();
    topology.pressure_bps = request.memory_pressure.value_or(BasisPoints(0)).value();

    if (topology.density_bps == 0 && topology.queue_len != 0 && topology.nodes != 0) {
        const std::uint16_t inferred = ratio_floor(topology.queue_len, topology.nodes).value();
        topology.density_bps = std::max<std::uint16_t>(inferred, 1);
    }
    if (topology.pressure_bps == 0 && signals.budget != 0) {
        topology.pressure_bps = ratio_floor(request.resident_device_bytes.value(), signals.budget).value();
    }
    return signals;
}

namespace detail {

/// Fills the answer in the caller's storage: a function of its own with one return, because a copy through
/// the stack costs twice what the whole decision does.
constexpr Result<Answer> assemble(const LaunchPolicyParameters& parameters, const LaunchRequest& request,
                                  const EffectiveSignals& signals, const TopologyChoice& choice,
                                  const GridPlan& plan, std::uint32_t capacity, QueuePressure pressure,
                                  Bytes peak) {
    Result<Answer> answer(tl::in_place);
    LaunchRecommendation& recommendation = (*answer).recommendation;  // tl's operator-> is not constexpr
    recommendation.geometry.workgroup_size_x = plan.workgroup_size_x;
    recommendation.geometry.slot_count = SlotCount(plan.slot_count);
    recommendation.geometry.dispatch_grid[0] = plan.dispatch_grid_x;
    recommendation.geometry.dispatch_grid[1] = 1;
    recommendation.geometry.dispatch_grid[2] = 1;
    recommendation.worker_groups = plan.worker_groups;
    recommendation.hit_capacity = capacity;
    recommendation.pressure = pressure;
    const bool jit = request.queue_len >= parameters.jit_queue_len_threshold || signals.topology.hot ||
                     choice.topology == DispatchTopology::FusedDense;
    recommendation.execution_mode = jit ? ExecutionMode::Jit : ExecutionMode::Interpreter;
    recommendation.topology = choice.topology;
    recommendation.promote_hot_opcodes = signals.hot_opcodes;
    recommendation.promote_hot_windows = signals.hot_windows;
    recommendation.age_priority_work =
        request.requeue_count > 0 || request.max_priority_age >= parameters.priority_age_threshold;
    recommendation.estimated_peak_device_bytes = peak;
    if (signals.budget != 0) {
        recommendation.device_memory_budget = Bytes(signals.budget);
    }
    (*answer).choice = choice;
    return answer;
}

}  // namespace detail

/// Everything that follows from a topology: groups, grid, capacity, peak, pressure class and route.
/// Policies that choose the topology by a rule of their own share it.
/// Errors: ZeroAdapterLimit, CapacityOverflow, OutOfMemory, ThresholdOutOfRange.
/// Source: spec "Order of a recommendation", 6 to 11.
[[nodiscard]] constexpr Result<Answer> complete(const LaunchPolicyParameters& parameters,
                                                const LaunchRequest& request, const EffectiveSignals& signals,
                                                const TopologyChoice& choice) {
    const TopologySignals& readings = signals.topology;
    const auto groups = shed_worker_groups(parameters, choice.topology, signals.requested_worker_groups,
                                           readings.density_bps, readings.pressure_bps, readings.nodes);
    if (!groups) {
        return Failure(groups.error());
    }
    const auto plan =
        calculate_optimal_grid(parameters.sizing, {readings.queue_len, *groups},
                               {request.max_workgroup_size_x, request.max_compute_workgroups_per_dimension,
                                request.max_compute_invocations_per_workgroup});
    if (!plan) {
        return Failure(plan.error());
    }
    const std::uint64_t lanes = std::uint64_t{(*plan).dispatch_grid_x} * (*plan).workgroup_size_x;
    const auto pressure = classify_pressure(parameters, readings.queue_len, lanes, request.requeue_count);
    // A grid has at most as many lanes as slots, so that 64 bits hold them times the waves: no error is
    // possible here (proved: properties/proof).
    const auto capacity =
        hit_capacity_for(parameters, request.requested_hit_capacity.value_or(0), readings.queue_len,
                         request.expected_hits_per_item, readings.pressure_bps);
    if (!capacity) {
        return Failure(capacity.error());
    }
    const auto peak = peak_device_bytes(parameters, request.resident_device_bytes, *capacity, signals.budget);
    if (!peak) {
        return Failure(peak.error());
    }

    return detail::assemble(parameters, request, signals, choice, *plan, *capacity, *pressure, *peak);
}

/// Recommends one launch.
/// `previous` is the topology of the last successful answer; without it there is no hysteresis.
/// Errors: as `complete`, and ThresholdOutOfRange from the hysteresis bounds.
/// Source: spec "Order of a recommendation".
[[nodiscard]] constexpr Result<Answer> recommend(const LaunchPolicyParameters& parameters,
                                                 const LaunchRequest& request,
                                                 std::optional<DispatchTopology> previous = std::nullopt) {
    const EffectiveSignals signals = infer_missing_signals(parameters, request);
    const TopologyChoice raw = raw_topology(parameters, signals.topology);
    const auto choice = stabilised_topology(parameters, signals.topology, raw, previous);
    if (!choice) {
        return Failure(choice.error());
    }
    return complete(parameters, request, signals, *choice);
}

}  // namespace megabed::reference
