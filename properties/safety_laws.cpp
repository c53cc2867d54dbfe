#include "properties/case_aims.h"
#include "properties/law_families.h"
#include "properties/walk.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace megabed {

bool accepted_by_o6(const LaunchPolicyParameters& parameters) {
    const int sparse = parameters.sparse_frontier_threshold.value();
    const int dense = parameters.dense_frontier_threshold.value();
    const int pressure = parameters.memory_pressure_threshold.value();
    const int width = parameters.hysteresis.value();
    return width < sparse && sparse + width < dense - width && dense + width < 10'000 && width < pressure &&
           pressure <= 10'000 && parameters.hit_capacity_multiplier >= 1 && parameters.saturated_waves >= 1;
}

namespace {

// --- O6 ---

constexpr std::array kParameterClasses{LawClass{"accepted parameters"}, LawClass{"refused parameters"}};

void draw_o6(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    input.parameters = aim::any_parameters(choices);
    request = aim::plausible_request(choices, input.parameters);
    input.steps.push_back(request);
    redraw_signals(choices, input.parameters, request);
    input.steps.push_back(request);
}

bool is_parameter_error(const Error& error) {
    return error.code == ErrorCode::InvalidParameter || error.code == ErrorCode::ThresholdOutOfRange;
}

/// A request at each extreme of density and pressure; one of them must lead out of any topology.
std::optional<std::string> stuck_topology(Walk& walk, const LaunchRequest& request) {
    LaunchRequest at = request;
    at.queue_len = std::max(request.queue_len, 1U);
    at.memory_pressure = request.memory_pressure.value_or(BasisPoints(1));
    at.frontier_density = request.frontier_density.value_or(BasisPoints(1));
    const auto here = walk.take(at);
    if (!here) {
        return std::nullopt;
    }
    const DispatchTopology topology = here->recommendation.topology;
    bool answered = false;
    for (const std::uint32_t density : {0U, 1U, kWholeBps / 2, kWholeBps}) {
        for (const std::uint32_t pressure : {0U, 1U, kWholeBps}) {
            at.frontier_density = BasisPoints(static_cast<std::uint16_t>(density));
            at.memory_pressure = BasisPoints(static_cast<std::uint16_t>(pressure));
            const bool inside = topology == DispatchTopology::MemoryConstrained || pressure != kWholeBps;
            const auto there = walk.look(at);
            if (inside && there) {
                answered = true;
                if (there->recommendation.topology != topology) {
                    return std::nullopt;
                }
            }
        }
    }
    return answered ? std::optional(fmt::format("no density or pressure leads out of {}", to_string(topology)))
                    : std::nullopt;
}

Judgement check_o6(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.empty()) {
        return outside_domain();
    }
    const bool accepted = accepted_by_o6(input.parameters);
    const std::uint32_t classes = start_classes(input) | class_mask(accepted ? kOwnClasses : kOwnClasses + 1);
    Walk walk(policy, input);
    std::optional<Error> first;
    for (const LaunchRequest& step : input.steps) {
        const auto decision = walk.look(step);
        if (accepted && !decision && is_parameter_error(decision.error())) {
            return breaks(classes, "valid parameters are refused: " + to_string(decision.error()));
        }
        if (!accepted && decision) {
            return breaks(classes, "invalid parameters are accepted");
        }
        if (!accepted && (!is_parameter_error(decision.error()) || (first && *first != decision.error()))) {
            return breaks(classes, "invalid parameters do not give the same error for every request");
        }
        if (!accepted) {
            first = decision.error();
        }
    }
    if (accepted) {
        if (auto stuck = stuck_topology(walk, input.steps[0])) {
            return breaks(classes, *std::move(stuck));
        }
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- O7 ---

constexpr std::array kZeroClasses{LawClass{"density 0 and 1"}, LawClass{"pressure 0 and 1"}};

/// Whether readings of 0 and 1 stand on the same side of all that a policy may compare them with: neither the
/// end of a band nor an eighth of the sparse threshold, in which a policy may shed, comes between them.
bool zero_and_one_are_alike(const LaunchPolicyParameters& parameters) {
    constexpr int kShares = 8;
    const int width = parameters.hysteresis.value();
    const int sparse = parameters.sparse_frontier_threshold.value();
    return sparse >= width + 2 && sparse >= kShares &&
           parameters.memory_pressure_threshold.value() >= width + 2;
}

void draw_o7(Choices& choices, LawCase& input) {
    draw_any_step(choices, input);
    LaunchRequest& request = input.steps[0];
    if (choices.one_in(2)) {
        aim::aim_budget(choices, input.parameters, request);
    }
    LaunchRequest other = request;
    if (choices.one_in(2)) {
        request.frontier_density = BasisPoints(0);
        other.frontier_density = BasisPoints(1);
    } else {
        request.memory_pressure = BasisPoints(0);
        other.memory_pressure = BasisPoints(1);
    }
    input.steps.push_back(other);
}

Judgement check_o7(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() != 2 || !zero_and_one_are_alike(input.parameters)) {
        return outside_domain();
    }
    const LaunchRequest& zero = input.steps[0];
    const LaunchRequest& one = input.steps[1];
    const bool density = differ_only_in(zero, one, kDensity) && zero.frontier_density == BasisPoints(0) &&
                         one.frontier_density == BasisPoints(1);
    const bool pressure = differ_only_in(zero, one, kPressure) && zero.memory_pressure == BasisPoints(0) &&
                          one.memory_pressure == BasisPoints(1);
    if (!density && !pressure) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input) | class_mask(density ? kOwnClasses : kOwnClasses + 1);
    Walk walk(policy, input);
    const auto at_zero = walk.look(zero);
    const auto at_one = walk.look(one);
    classes |= answer_class(at_zero) | answer_class(at_one);
    const char* const what = density ? "density" : "pressure";
    if (at_zero.has_value() != at_one.has_value()) {
        return breaks(classes, fmt::format("{} 0 is {}, 1 is {}", what, at_zero ? "answered" : "refused",
                                           at_one ? "answered" : "refused"));
    }
    if (!at_zero && at_zero.error() != at_one.error()) {
        return breaks(classes, fmt::format("{} 0 and 1 are refused for different reasons", what));
    }
    if (at_zero && !(at_zero->recommendation == at_one->recommendation)) {
        return breaks(
            classes, fmt::format("{} 0 gives {}, 1 gives {}", what, to_string(at_zero->recommendation.topology),
                                 to_string(at_one->recommendation.topology)));
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- O8 ---

constexpr std::array kGraphClasses{LawClass{"no graph read"}, LawClass{"a graph of no vertices"}};

void draw_o8(Choices& choices, LawCase& input) {
    draw_any_step(choices, input);
    LaunchRequest& request = input.steps[0];
    if (choices.one_in(2)) {
        const std::uint32_t dense = input.parameters.dense_frontier_threshold.value();
        request.frontier_density = BasisPoints(static_cast<std::uint16_t>(
            choices.between(dense - input.parameters.hysteresis.value(), kWholeBps)));
        request.memory_pressure = BasisPoints(1);
        request.hot_opcode_count = input.parameters.hot_opcode_threshold;
        request.graph_edge_count = input.parameters.fusion_edge_threshold;
    }
    switch (choices.below(4)) {
    case 0:
        request.graph_node_count.reset();
        break;
    case 1:
        request.graph_node_count = 0;
        break;
    default:
        break;
    }
}

Judgement check_o8(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() != 1) {
        return outside_domain();
    }
    const auto& nodes = input.steps[0].graph_node_count;
    std::uint32_t classes = start_classes(input);
    classes |= !nodes ? class_mask(kOwnClasses) : 0;
    classes |= nodes == 0U ? class_mask(kOwnClasses + 1) : 0;
    Walk walk(policy, input);
    const auto settled = walk.settled();
    const auto decision = walk.look(input.steps[0]);
    classes |= answer_class(decision);
    if (!decision || decision->recommendation.topology != DispatchTopology::FusedDense) {
        return {CaseOutcome::Holds, classes, {}};
    }
    if (nodes == 0U) {
        return breaks(classes, "Fused on a graph of no vertices");
    }
    if (!nodes && settled != DispatchTopology::FusedDense) {
        return breaks(classes, "Fused without a graph, and not settled before");
    }
    return {CaseOutcome::Holds, classes, {}};
}

constexpr std::array kLaws{
    Law{.id = "O6",
        .sentence = "parameters are accepted if and only if their bands are apart and inside 0..10000 and "
                    "multiplier and "
                    "waves are at least 1, with the "
                    "same error for every request; every topology can be left",
        .draw = draw_o6,
        .check = check_o6,
        .must_reach = kEveryStart | class_mask(kOwnClasses, kOwnClasses + 1),
        .own_classes = kParameterClasses,
        .any_parameters = true},
    Law{.id = "O7",
        .sentence = "a reading of 0 is answered like a reading of 1 (thresholds of at least the hysteresis + "
                    "2, the sparse one "
                    "of at least 8)",
        .draw = draw_o7,
        .check = check_o7,
        .must_reach = kEveryStart | class_mask(kOwnClasses, kOwnClasses + 1),
        .own_classes = kZeroClasses},
    Law{.id = "O8",
        .sentence = "Fused only with vertices read, or with none read while Fused was settled",
        .draw = draw_o8,
        .check = check_o8,
        .must_reach = kEveryStart | class_mask(kAnsweredFused, kOwnClasses, kOwnClasses + 1),
        .premise = class_mask(kAnsweredFused),
        .own_classes = kGraphClasses},
};

}  // namespace

std::span<const Law> safety_laws() { return kLaws; }

}  // namespace megabed
