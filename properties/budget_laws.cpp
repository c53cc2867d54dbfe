#include "properties/case_aims.h"
#include "properties/law_families.h"
#include "properties/walk.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace megabed {
namespace {

__extension__ using Wide = unsigned __int128;
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

constexpr std::array kLaws{
    Law{.id = "O5a",
        .sentence = "queue > 0 and a budget: peak <= budget",
        .draw = draw_with_budget,
        .check = check_o5a,
        .must_reach = kEveryStart | class_mask(kRefused, kOwnClasses, kOwnClasses + 1),
        .premise = class_mask(kOwnClasses),
        .own_classes = kBudgetClasses},
    Law{.id = "O5b",
        .sentence = "an empty queue with non-zero limits never fails and adds no scratch",
        .draw = draw_o5b,
        .check = check_o5b,
        .must_reach = kEveryStart | class_mask(kOwnClasses),
        .own_classes = kEmptyClasses},
    Law{.id = "O5c",
        .sentence =
            "no pressure read now or before, and neither empty nor memory-constrained: peak / budget is "
            "below the pressure threshold",
        .draw = draw_o5c,
        .check = check_o5c,
        .must_reach = kEveryStart | class_mask(kOwnClasses),
        .premise = class_mask(kOwnClasses),
        .own_classes = kInferenceClasses},
};

}  // namespace

std::span<const Law> budget_laws() { return kLaws; }

}  // namespace megabed
