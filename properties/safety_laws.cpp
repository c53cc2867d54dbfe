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
    return 250 < sparse && sparse + 250 < dense - 250 && dense + 250 < 10'000 && 250 < pressure &&
           pressure <= 10'000 && parameters.hit_capacity_multiplier >= 1 && parameters.saturated_waves >= 1;
}

namespace {

__extension__ using Wide = unsigned __int128;
constexpr std::uint32_t kStarts =
    class_mask(kStandardParameters, kCustomParameters, kBlankStart, kCarriedState);

bool has_limits(const LaunchRequest& request) {
    return request.max_workgroup_size_x != 0 && request.max_compute_workgroups_per_dimension != 0 &&
           request.max_compute_invocations_per_workgroup != 0;
}

void draw_any_step(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    input.steps.push_back(request);
}

// --- O1 ---

constexpr std::array kTotalClasses{LawClass{"refused parameters"}, LawClass{"zero adapter limit"},
                                   LawClass{"overflow", true}, LawClass{"out of memory", true}};

void draw_o1(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    input.parameters = aim::any_parameters(choices);
    if (choices.one_in(2)) {
        request = aim::wild_request(choices, input.parameters);
    }
    if (choices.one_in(32)) {
        request.max_workgroup_size_x = 0;
    }
    input.steps.push_back(request);
}

/// What is wrong with a decision that no policy may give, if anything.
std::optional<std::string> nonsense_in(const Decision& decision) {
    const LaunchRecommendation& answer = decision.recommendation;
    if (static_cast<std::size_t>(answer.topology) >= kAllTopologies.size()) {
        return fmt::format("topology {}", static_cast<unsigned>(answer.topology));
    }
    if (static_cast<unsigned>(answer.pressure) > static_cast<unsigned>(QueuePressure::Saturated)) {
        return fmt::format("pressure class {}", static_cast<unsigned>(answer.pressure));
    }
    if (static_cast<unsigned>(answer.execution_mode) > static_cast<unsigned>(ExecutionMode::Jit)) {
        return fmt::format("route {}", static_cast<unsigned>(answer.execution_mode));
    }
    if (answer.geometry.dispatch_grid[1] != 1 || answer.geometry.dispatch_grid[2] != 1) {
        return fmt::format("a grid of {} x {} x {}", answer.geometry.dispatch_grid[0],
                           answer.geometry.dispatch_grid[1], answer.geometry.dispatch_grid[2]);
    }
    return std::nullopt;
}

Judgement check_o1(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() != 1) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    classes |= accepted_by_o6(input.parameters) ? 0 : class_mask(kOwnClasses);
    classes |= has_limits(input.steps[0]) ? 0 : class_mask(kOwnClasses + 1);
    Walk walk(policy, input);
    const auto decision = walk.look(input.steps[0]);
    classes |= answer_class(decision);
    if (!decision) {
        const Error& error = decision.error();
        if (to_string(error).empty() || error.code > ErrorCode::NotSupported) {
            return breaks(classes, "an error without a known code");
        }
        classes |= error.code == ErrorCode::CapacityOverflow ? class_mask(kOwnClasses + 2) : 0;
        classes |= error.code == ErrorCode::OutOfMemory ? class_mask(kOwnClasses + 3) : 0;
    } else if (const auto nonsense = nonsense_in(*decision)) {
        return breaks(classes, "an answer that cannot be: " + *nonsense);
    }
    // A policy is a function: asked again, it says the same.
    const auto again = walk.look(input.steps[0]);
    const bool same =
        decision.has_value() == again.has_value() &&
        (decision ? decision->recommendation == again->recommendation && decision->next == again->next
                  : decision.error() == again.error());
    if (!same) {
        return breaks(classes, "asked twice, it answers differently");
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- O2, O3, O4 ---

constexpr std::array kSizeClasses{LawClass{"answered", true}, LawClass{"queue beyond 2^31"},
                                  LawClass{"derived hit capacity"}};

Judgement check_o2(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() != 1) {
        return outside_domain();
    }
    const LaunchRequest& request = input.steps[0];
    const LaunchPolicyParameters& parameters = input.parameters;
    const std::uint32_t requested = request.requested_hit_capacity.value_or(0);
    std::uint32_t classes = start_classes(input);
    classes |= request.queue_len > 1U << 31 ? class_mask(kOwnClasses + 1) : 0;
    classes |= requested == 0 ? class_mask(kOwnClasses + 2) : 0;
    Walk walk(policy, input);
    const auto decision = walk.look(request);
    classes |= answer_class(decision);
    if (!decision) {
        return {CaseOutcome::Holds, classes, {}};
    }
    classes |= class_mask(kOwnClasses);
    // 128 bits hold every product and sum of the fields here: they stand for unbounded integers.
    const LaunchRecommendation& answer = decision->recommendation;
    const Wide lanes = answer.geometry.workgroup_size_x;
    if (lanes == 0) {
        return breaks(classes, "no lanes in a group");
    }
    const Wide blocks = (std::max<Wide>(request.queue_len, 1) + lanes - 1) / lanes;
    if (blocks * lanes != answer.geometry.slot_count.value()) {
        return breaks(classes, fmt::format("slots are {}, exactly {}", answer.geometry.slot_count.value(),
                                           static_cast<std::uint64_t>(blocks * lanes)));
    }
    const Wide grid =
        std::min({blocks, Wide{answer.worker_groups}, Wide{parameters.sizing.dispatch_workgroups_max}});
    if (grid != answer.geometry.dispatch_grid[0]) {
        return breaks(classes, fmt::format("grid.x is {}, exactly {}", answer.geometry.dispatch_grid[0],
                                           static_cast<std::uint64_t>(grid)));
    }
    const Wide capacity = answer.hit_capacity;
    const Wide hits = Wide{request.queue_len} * std::max(request.expected_hits_per_item, 1U);
    const Wide tight = std::max<Wide>(hits, parameters.min_hit_capacity);
    const Wide full = std::max<Wide>(hits * parameters.hit_capacity_multiplier, parameters.min_hit_capacity);
    const bool right = request.queue_len == 0 ? capacity == 0 || capacity == requested || capacity == full
                       : requested != 0       ? capacity == requested
                                              : capacity >= tight && capacity <= full;
    if (!right) {
        return breaks(classes, fmt::format("hit capacity is {} for a request of {} and {} hits",
                                           answer.hit_capacity, requested, static_cast<std::uint64_t>(hits)));
    }
    const Wide peak = request.resident_device_bytes.value() + capacity * parameters.scratch_bytes_per_hit;
    if (peak != answer.estimated_peak_device_bytes.value()) {
        return breaks(classes, fmt::format("the peak is {} bytes, not the sum of its parts",
                                           answer.estimated_peak_device_bytes.value()));
    }
    return {CaseOutcome::Holds, classes, {}};
}

Judgement check_o3(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() != 1) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    classes |= input.steps[0].queue_len > 1U << 31 ? class_mask(kOwnClasses + 1) : 0;
    Walk walk(policy, input);
    const auto decision = walk.look(input.steps[0]);
    classes |= answer_class(decision);
    if (!decision) {
        return {CaseOutcome::Holds, classes, {}};
    }
    classes |= class_mask(kOwnClasses);
    const LaunchGeometry& geometry = decision->recommendation.geometry;
    const std::uint32_t slots = geometry.slot_count.value();
    if (slots < input.steps[0].queue_len) {
        return breaks(classes, fmt::format("{} slots for a queue of {}", slots, input.steps[0].queue_len));
    }
    if (geometry.workgroup_size_x == 0 || slots % geometry.workgroup_size_x != 0) {
        return breaks(classes,
                      fmt::format("{} slots are no multiple of {} lanes", slots, geometry.workgroup_size_x));
    }
    return {CaseOutcome::Holds, classes, {}};
}

void draw_huge_queue(Choices& choices, LawCase& input) {
    draw_any_step(choices, input);
    LaunchRequest& request = input.steps[0];
    if (choices.one_in(4)) {
        request.queue_len =
            std::numeric_limits<std::uint32_t>::max() - static_cast<std::uint32_t>(choices.below(2048));
        request.requested_hit_capacity = static_cast<std::uint32_t>(choices.between(1, 4096));
        request.device_memory_budget.reset();
    }
    if (choices.one_in(4)) {
        request.requested_hit_capacity.reset();
    }
}

constexpr std::array kLaneClasses{LawClass{"fewer lanes than a warp allowed"},
                                  LawClass{"groups not asked for"}};

Judgement check_o4(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() != 1 || !has_limits(input.steps[0])) {
        return outside_domain();
    }
    const LaunchRequest& request = input.steps[0];
    constexpr std::uint32_t kWarp = 32;
    const std::uint32_t limit =
        std::min(request.max_workgroup_size_x, request.max_compute_invocations_per_workgroup);
    std::uint32_t classes = start_classes(input);
    classes |= limit < kWarp ? class_mask(kOwnClasses) : 0;
    classes |= request.requested_worker_groups ? 0 : class_mask(kOwnClasses + 1);
    Walk walk(policy, input);
    const auto decision = walk.look(request);
    classes |= answer_class(decision);
    if (!decision) {
        return {CaseOutcome::Holds, classes, {}};
    }
    const std::uint32_t lanes = decision->recommendation.geometry.workgroup_size_x;
    if (lanes < 1 || lanes > limit) {
        return breaks(classes, fmt::format("{} lanes a group; the adapter allows 1 to {}", lanes, limit));
    }
    if (limit >= kWarp && lanes % kWarp != 0) {
        return breaks(classes, fmt::format("{} lanes a group are no whole warps", lanes));
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- O5a, O5b, O5c ---

constexpr std::array kBudgetClasses{LawClass{"answered with a budget", true},
                                    LawClass{"within 1 % of the budget", true}};

void draw_with_budget(Choices& choices, LawCase& input) {
    draw_any_step(choices, input);
    aim::aim_budget(choices, input.parameters, input.steps[0]);
}

Judgement check_o5a(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() != 1 || input.steps[0].queue_len == 0 ||
        input.steps[0].device_memory_budget.value_or(Bytes(0)) == Bytes(0)) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    Walk walk(policy, input);
    const auto decision = walk.look(input.steps[0]);
    classes |= answer_class(decision);
    if (!decision) {
        return {CaseOutcome::Holds, classes, {}};
    }
    const std::uint64_t budget = input.steps[0].device_memory_budget->value();
    const std::uint64_t peak = decision->recommendation.estimated_peak_device_bytes.value();
    classes |= class_mask(kOwnClasses) | (peak >= budget - budget / 100 ? class_mask(kOwnClasses + 1) : 0);
    if (peak > budget) {
        return breaks(classes, fmt::format("a peak of {} bytes; the budget is {}", peak, budget));
    }
    return {CaseOutcome::Holds, classes, {}};
}

constexpr std::array kEmptyClasses{LawClass{"budget below the resident bytes"}};

void draw_o5b(Choices& choices, LawCase& input) {
    draw_any_step(choices, input);
    LaunchRequest& request = input.steps[0];
    request.queue_len = 0;
    request.max_workgroup_size_x = std::max(request.max_workgroup_size_x, 1U);
    request.max_compute_workgroups_per_dimension = std::max(request.max_compute_workgroups_per_dimension, 1U);
    request.max_compute_invocations_per_workgroup = std::max(request.max_compute_invocations_per_workgroup, 1U);
    if (choices.one_in(4)) {
        request.device_memory_budget = Bytes(request.resident_device_bytes.value() / 2 + 1);
    }
}

Judgement check_o5b(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() != 1 || input.steps[0].queue_len != 0 || !has_limits(input.steps[0])) {
        return outside_domain();
    }
    const LaunchRequest& request = input.steps[0];
    std::uint32_t classes = start_classes(input);
    classes |= request.device_memory_budget.value_or(Bytes::max()) < request.resident_device_bytes
                   ? class_mask(kOwnClasses)
                   : 0;
    Walk walk(policy, input);
    const auto decision = walk.look(request);
    classes |= answer_class(decision);
    if (!decision) {
        return breaks(classes, "an empty queue is refused: " + to_string(decision.error()));
    }
    if (decision->recommendation.estimated_peak_device_bytes != request.resident_device_bytes) {
        return breaks(classes, fmt::format("an empty queue adds scratch: a peak of {} bytes with {} resident",
                                           decision->recommendation.estimated_peak_device_bytes.value(),
                                           request.resident_device_bytes.value()));
    }
    return {CaseOutcome::Holds, classes, {}};
}

constexpr std::array kInferenceClasses{LawClass{"answered under a budget", true}};

void draw_o5c(Choices& choices, LawCase& input) {
    draw_any_step(choices, input);
    LaunchRequest& request = input.steps[0];
    request.queue_len = std::max(request.queue_len, 1U);
    request.memory_pressure.reset();
    aim::aim_budget(choices, input.parameters, request);
    if (choices.one_in(2)) {
        // A budget in which the full scratch is about the threshold's share.
        const std::uint64_t budget = request.device_memory_budget.value_or(Bytes(1)).value();
        const Wide scaled =
            static_cast<Wide>(budget) * kWholeBps / input.parameters.memory_pressure_threshold.value();
        request.device_memory_budget = Bytes(
            static_cast<std::uint64_t>(std::min<Wide>(scaled, std::numeric_limits<std::uint64_t>::max())));
    }
    for (LaunchRequest& before : input.prelude) {
        before.memory_pressure.reset();
    }
}

Judgement check_o5c(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    const auto unread = [](const LaunchRequest& request) { return !request.memory_pressure; };
    if (input.steps.size() != 1 || !unread(input.steps[0]) ||
        !std::all_of(input.prelude.begin(), input.prelude.end(), unread) ||
        input.steps[0].device_memory_budget.value_or(Bytes(0)) == Bytes(0)) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    Walk walk(policy, input);
    const auto decision = walk.look(input.steps[0]);
    classes |= answer_class(decision);
    if (!decision || decision->recommendation.topology == DispatchTopology::Empty ||
        decision->recommendation.topology == DispatchTopology::MemoryConstrained) {
        return {CaseOutcome::Holds, classes, {}};
    }
    classes |= class_mask(kOwnClasses);
    const Wide peak = decision->recommendation.estimated_peak_device_bytes.value();
    const Wide budget = input.steps[0].device_memory_budget->value();
    const Wide threshold = input.parameters.memory_pressure_threshold.value();
    if (peak * kWholeBps >= threshold * budget) {
        return breaks(classes, fmt::format("{} although its peak is {} of {} bytes, {} bps",
                                           to_string(decision->recommendation.topology),
                                           static_cast<std::uint64_t>(peak), static_cast<std::uint64_t>(budget),
                                           static_cast<std::uint64_t>(peak * kWholeBps / budget)));
    }
    return {CaseOutcome::Holds, classes, {}};
}

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
constexpr std::uint16_t kLeastZeroThreshold = 252;

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
    const LaunchPolicyParameters& parameters = input.parameters;
    if (input.steps.size() != 2 || parameters.sparse_frontier_threshold.value() < kLeastZeroThreshold ||
        parameters.memory_pressure_threshold.value() < kLeastZeroThreshold) {
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
        request.frontier_density =
            BasisPoints(static_cast<std::uint16_t>(choices.between(dense - kHysteresisBps, kWholeBps)));
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

constexpr std::uint32_t kAllAnswers = class_mask(kAnsweredEmpty, kAnsweredSparse, kAnsweredHybrid,
                                                 kAnsweredDense, kAnsweredFused, kAnsweredMemory);
constexpr std::uint32_t kSizes = kStarts | kAllAnswers | class_mask(kRefused, kOwnClasses, kOwnClasses + 1);

constexpr std::array kLaws{
    Law{.id = "O1",
        .sentence = "total: every input gives a value or a typed error, the same each time",
        .draw = draw_o1,
        .check = check_o1,
        .must_reach =
            kStarts | class_mask(kRefused, kOwnClasses, kOwnClasses + 1, kOwnClasses + 2, kOwnClasses + 3),
        .own_classes = kTotalClasses,
        .any_parameters = true},
    Law{.id = "O2",
        .sentence = "slots, grid, hit capacity and peak are exact in unbounded integers, or a typed error",
        .draw = draw_huge_queue,
        .check = check_o2,
        .must_reach = kSizes | class_mask(kOwnClasses + 2),
        .own_classes = kSizeClasses},
    Law{.id = "O3",
        .sentence = "slots are at least the queue and a multiple of the lanes, or a typed error",
        .draw = draw_huge_queue,
        .check = check_o3,
        .must_reach = kSizes,
        .own_classes = kSizeClasses},
    Law{.id = "O4",
        .sentence = "1 <= lanes <= L = min(largest group, largest invocation count); whole warps if L >= 32",
        .draw = draw_any_step,
        .check = check_o4,
        .must_reach = kStarts | class_mask(kOwnClasses, kOwnClasses + 1),
        .own_classes = kLaneClasses},
    Law{.id = "O5a",
        .sentence = "queue > 0 and a budget: peak <= budget",
        .draw = draw_with_budget,
        .check = check_o5a,
        .must_reach = kStarts | class_mask(kRefused, kOwnClasses, kOwnClasses + 1),
        .premise = class_mask(kOwnClasses),
        .own_classes = kBudgetClasses},
    Law{.id = "O5b",
        .sentence = "an empty queue with non-zero limits never fails and adds no scratch",
        .draw = draw_o5b,
        .check = check_o5b,
        .must_reach = kStarts | class_mask(kOwnClasses),
        .own_classes = kEmptyClasses},
    Law{.id = "O5c",
        .sentence =
            "no pressure read now or before, and neither empty nor memory-constrained: peak / budget is "
            "below the pressure threshold",
        .draw = draw_o5c,
        .check = check_o5c,
        .must_reach = kStarts | class_mask(kOwnClasses),
        .premise = class_mask(kOwnClasses),
        .own_classes = kInferenceClasses},
    Law{.id = "O6",
        .sentence = "parameters are accepted if and only if their bands are apart and inside 0..10000 and "
                    "multiplier and "
                    "waves are at least 1, with the "
                    "same error for every request; every topology can be left",
        .draw = draw_o6,
        .check = check_o6,
        .must_reach = kStarts | class_mask(kOwnClasses, kOwnClasses + 1),
        .own_classes = kParameterClasses,
        .any_parameters = true},
    Law{.id = "O7",
        .sentence = "a reading of 0 is answered like a reading of 1 (thresholds of at least 252)",
        .draw = draw_o7,
        .check = check_o7,
        .must_reach = kStarts | class_mask(kOwnClasses, kOwnClasses + 1),
        .own_classes = kZeroClasses},
    Law{.id = "O8",
        .sentence = "Fused only with vertices read, or with none read while Fused was settled",
        .draw = draw_o8,
        .check = check_o8,
        .must_reach = kStarts | class_mask(kAnsweredFused, kOwnClasses, kOwnClasses + 1),
        .premise = class_mask(kAnsweredFused),
        .own_classes = kGraphClasses},
};

}  // namespace

std::span<const Law> safety_laws() { return kLaws; }

}  // namespace megabed
