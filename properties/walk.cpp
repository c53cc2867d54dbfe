#include "properties/walk.h"

#include "properties/case_aims.h"

#include <algorithm>
#include <array>
#include <utility>

namespace megabed {

Walk::Walk(const Policy& policy, const LawCase& input) : policy_(policy) {
    for (const LaunchRequest& request : input.prelude) {
        take(request);
    }
}

Result<Decision> Walk::take(const LaunchRequest& request) {
    Result<Decision> decision = look(request);
    if (decision) {
        state_ = decision->next;
        const DispatchTopology topology = decision->recommendation.topology;
        if (topology != DispatchTopology::Empty && topology != DispatchTopology::MemoryConstrained) {
            settled_ = topology;
        }
    }
    return decision;
}

std::uint32_t parameter_classes(const LaunchPolicyParameters& parameters) {
    const LaunchPolicyParameters standard;
    const BasisPoints width = parameters.hysteresis;
    return class_mask(parameters == standard ? kStandardParameters : kCustomParameters,
                      width == BasisPoints(0)        ? kNoHysteresis
                      : width < standard.hysteresis  ? kNarrowHysteresis
                      : width == standard.hysteresis ? kStandardHysteresis
                                                     : kWideHysteresis);
}

std::uint32_t start_classes(const LawCase& input) {
    return parameter_classes(input.parameters) |
           class_mask(input.prelude.empty() ? kBlankStart : kCarriedState);
}

std::uint32_t answer_class(const Result<Decision>& decision) {
    return decision ? class_mask(kAnsweredEmpty + static_cast<std::uint32_t>(decision->recommendation.topology))
                    : class_mask(kRefused);
}

bool differ_only_in(const LaunchRequest& left, const LaunchRequest& right, std::uint32_t signals) {
    LaunchRequest aligned = right;
    const auto align = [&](StepSignal signal, auto LaunchRequest::*field) {
        if ((signals & signal) != 0) {
            aligned.*field = left.*field;
        }
    };
    align(kDensity, &LaunchRequest::frontier_density);
    align(kPressure, &LaunchRequest::memory_pressure);
    align(kHotOpcodes, &LaunchRequest::hot_opcode_count);
    align(kHotWindows, &LaunchRequest::hot_window_count);
    align(kEdges, &LaunchRequest::graph_edge_count);
    align(kQueue, &LaunchRequest::queue_len);
    align(kRequeues, &LaunchRequest::requeue_count);
    align(kNodes, &LaunchRequest::graph_node_count);
    return left == aligned;
}

bool steps_differ_only_in(const LawCase& input, std::uint32_t signals) {
    return std::all_of(input.steps.begin(), input.steps.end(), [&](const LaunchRequest& step) {
        return differ_only_in(input.steps.front(), step, signals);
    });
}

int density_cell(const LaunchPolicyParameters& parameters, BasisPoints density) {
    const int reading = density.value();
    const int sparse = parameters.sparse_frontier_threshold.value();
    const int dense = parameters.dense_frontier_threshold.value();
    const int width = parameters.hysteresis.value();
    const std::array<int, 4> starts{sparse - width, sparse + width + 1, dense - width, dense + width + 1};
    return static_cast<int>(
        std::count_if(starts.begin(), starts.end(), [&](int start) { return reading >= start; }));
}

std::uint32_t counter_band_low(std::uint32_t threshold) {
    constexpr std::uint32_t kShare = 16;
    return threshold - std::max(1U, threshold / kShare);
}

Judgement outside_domain() { return {CaseOutcome::OutsideDomain, 0, {}}; }

Judgement breaks(std::uint32_t classes, std::string why) {
    return {CaseOutcome::Breaks, classes, std::move(why)};
}

void redraw_signals(Choices& choices, const LaunchPolicyParameters& parameters, LaunchRequest& request) {
    request.frontier_density = aim::density(choices, parameters);
    request.memory_pressure = aim::pressure(choices, parameters);
    request.hot_opcode_count = aim::near_threshold(choices, parameters.hot_opcode_threshold);
    request.hot_window_count = aim::near_threshold(choices, parameters.hot_window_threshold);
    request.graph_edge_count = aim::near_threshold(choices, parameters.fusion_edge_threshold);
}

void draw_start(Choices& choices, LawCase& input, LaunchRequest& request) {
    input.parameters = aim::valid_parameters(choices);
    input.prelude.clear();
    input.steps.clear();
    request = aim::any_request(choices, input.parameters);
    if (choices.one_in(2)) {
        return;
    }
    for (std::uint64_t length = choices.between(1, 3); length > 0; --length) {
        LaunchRequest before = request;
        switch (choices.below(8)) {
        case 0:
            before = aim::any_request(choices, input.parameters);
            break;
        case 1:
            before.memory_pressure = BasisPoints(kWholeBps);
            break;
        case 2:  // A fused launch, as far as the request can tell.
            before.frontier_density = BasisPoints(kWholeBps);
            before.memory_pressure = BasisPoints(1);
            before.hot_opcode_count = input.parameters.hot_opcode_threshold;
            before.graph_edge_count = input.parameters.fusion_edge_threshold;
            before.graph_node_count = std::max(before.graph_node_count.value_or(1), 1U);
            before.queue_len = std::max(before.queue_len, 1U);
            break;
        default:
            redraw_signals(choices, input.parameters, before);
            before.memory_pressure = choices.one_in(2) ? BasisPoints(1) : before.memory_pressure;
            break;
        }
        input.prelude.push_back(before);
    }
}

bool has_limits(const LaunchRequest& request) {
    return request.max_workgroup_size_x != 0 && request.max_compute_workgroups_per_dimension != 0 &&
           request.max_compute_invocations_per_workgroup != 0;
}

void draw_any_step(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    input.steps.push_back(request);
}

}  // namespace megabed
