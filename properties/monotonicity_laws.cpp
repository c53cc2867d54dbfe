#include "properties/case_aims.h"
#include "properties/law_families.h"
#include "properties/walk.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <vector>

namespace megabed {
namespace {

constexpr std::array kPressureClasses{LawClass{"both answered", true},
                                      LawClass{"one memory-constrained", true}};

std::uint16_t pressure_of(const LaunchRequest& request) { return request.memory_pressure->value(); }

bool pressures_read(const LawCase& input) {
    return !input.steps.empty() && std::all_of(input.steps.begin(), input.steps.end(),
                                               [](const LaunchRequest& step) { return step.memory_pressure; });
}

std::uint64_t lanes_of(const LaunchRecommendation& answer) {
    return std::uint64_t{answer.geometry.dispatch_grid[0]} * answer.geometry.workgroup_size_x;
}

/// Two to four requests that differ in pressure, ascending.
void draw_rising_pressures(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    if (choices.one_in(2)) {
        aim::aim_budget(choices, input.parameters, request);
    }
    for (std::uint64_t length = choices.between(2, 4); length > 0; --length) {
        request.memory_pressure = aim::pressure(choices, input.parameters);
        input.steps.push_back(request);
    }
    std::sort(input.steps.begin(), input.steps.end(),
              [](const LaunchRequest& left, const LaunchRequest& right) {
                  return pressure_of(left) < pressure_of(right);
              });
}

/// Answers to every step from the state the prelude leads to.
std::vector<Result<Decision>> answers_from_one_state(Walk& walk, const LawCase& input, std::uint32_t& classes) {
    std::vector<Result<Decision>> answers;
    answers.reserve(input.steps.size());
    bool any_memory = false;
    bool any_other = false;
    for (const LaunchRequest& step : input.steps) {
        answers.push_back(walk.look(step));
        classes |= answer_class(answers.back());
        if (answers.back()) {
            const bool memory = answers.back()->recommendation.topology == DispatchTopology::MemoryConstrained;
            any_memory |= memory;
            any_other |= !memory;
        }
    }
    const auto answered =
        std::count_if(answers.begin(), answers.end(), [](const auto& answer) { return answer.has_value(); });
    classes |= answered > 1 ? class_mask(kOwnClasses) : 0;
    classes |= any_memory && any_other ? class_mask(kOwnClasses + 1) : 0;
    return answers;
}

/// What law M1a compares, and its first growth from `before` to `after`.
std::optional<std::string> launch_growth(const LaunchRecommendation& before, const LaunchRecommendation& after,
                                         std::uint16_t low, std::uint16_t high) {
    const auto grew = [&](const char* what, std::uint64_t from, std::uint64_t to) {
        return fmt::format("pressure {} -> {}: {} grows from {} to {}", low, high, what, from, to);
    };
    if (after.worker_groups > before.worker_groups) {
        return grew("worker_groups", before.worker_groups, after.worker_groups);
    }
    if (after.geometry.dispatch_grid[0] > before.geometry.dispatch_grid[0]) {
        return grew("dispatch_grid.x", before.geometry.dispatch_grid[0], after.geometry.dispatch_grid[0]);
    }
    if (lanes_of(after) > lanes_of(before)) {
        return grew("lanes", lanes_of(before), lanes_of(after));
    }
    return std::nullopt;
}

Judgement check_m1a(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (!pressures_read(input) || !steps_differ_only_in(input, kPressure)) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    Walk walk(policy, input);
    const auto answers = answers_from_one_state(walk, input, classes);
    for (std::size_t a = 0; a < answers.size(); ++a) {
        for (std::size_t b = 0; b < answers.size(); ++b) {
            const std::uint16_t low = pressure_of(input.steps[a]);
            const std::uint16_t high = pressure_of(input.steps[b]);
            if (a != b && low <= high && answers[a] && answers[b]) {
                if (auto growth =
                        launch_growth(answers[a]->recommendation, answers[b]->recommendation, low, high)) {
                    return breaks(classes, *std::move(growth));
                }
            }
        }
    }
    const bool rising = std::is_sorted(input.steps.begin(), input.steps.end(),
                                       [](const LaunchRequest& left, const LaunchRequest& right) {
                                           return pressure_of(left) < pressure_of(right);
                                       });
    if (!rising) {
        return {CaseOutcome::Holds, classes, {}};
    }
    std::optional<LaunchRecommendation> before;
    std::uint16_t low = 0;
    for (const LaunchRequest& step : input.steps) {
        const auto decision = walk.take(step);
        if (!decision) {
            continue;
        }
        if (before) {
            if (auto growth = launch_growth(*before, decision->recommendation, low, pressure_of(step))) {
                return breaks(classes, "along a rising trajectory, " + *growth);
            }
        }
        before = decision->recommendation;
        low = pressure_of(step);
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- M1b: the first step is answered MemoryConstrained; the second is it at low pressure and density 10000 ---

void draw_m1b(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    const std::uint32_t threshold = input.parameters.memory_pressure_threshold.value();
    const std::uint32_t held_from = threshold - input.parameters.hysteresis.value();
    request.queue_len = std::max(request.queue_len, 1U);
    request.memory_pressure = BasisPoints(static_cast<std::uint16_t>(
        choices.one_in(4) ? choices.between(held_from, threshold) : choices.between(threshold, kWholeBps)));
    input.steps.push_back(request);
    request.memory_pressure = BasisPoints(static_cast<std::uint16_t>(held_from - 1));
    request.frontier_density = BasisPoints(kWholeBps);
    input.steps.push_back(request);
}

Judgement check_m1b(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    const int held_from =
        input.parameters.memory_pressure_threshold.value() - input.parameters.hysteresis.value();
    if (input.steps.size() != 2 || held_from < 2 || input.steps[0].queue_len == 0 ||
        !steps_differ_only_in(input, kPressure | kDensity) ||
        input.steps[1].memory_pressure.value_or(BasisPoints::max()).value() >= held_from ||
        input.steps[1].frontier_density.value_or(BasisPoints(0)).value() != kWholeBps) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    Walk walk(policy, input);
    const auto constrained = walk.look(input.steps[0]);
    const auto relieved = walk.look(input.steps[1]);
    classes |= answer_class(constrained) | answer_class(relieved);
    if (!constrained || !relieved ||
        constrained->recommendation.topology != DispatchTopology::MemoryConstrained) {
        return {CaseOutcome::Holds, classes, {}};
    }
    classes |= class_mask(kOwnClasses, kOwnClasses + 1);
    const std::uint64_t unpressed = relieved->recommendation.worker_groups;
    const std::uint64_t most = std::max<std::uint64_t>(1, unpressed * 3 / 4);
    if (constrained->recommendation.worker_groups > most) {
        return breaks(classes, fmt::format("memory-constrained keeps {} of {} groups; at most {}",
                                           constrained->recommendation.worker_groups, unpressed, most));
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- M2a, M2b, M2c ---

Judgement check_m2a(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (!pressures_read(input) || !steps_differ_only_in(input, kPressure)) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    Walk walk(policy, input);
    const auto answers = answers_from_one_state(walk, input, classes);
    for (std::size_t a = 0; a < answers.size(); ++a) {
        for (std::size_t b = 0; b < answers.size(); ++b) {
            const std::uint16_t low = pressure_of(input.steps[a]);
            const std::uint16_t high = pressure_of(input.steps[b]);
            if (a == b || low > high || !answers[a] || !answers[b]) {
                continue;
            }
            const LaunchRecommendation& before = answers[a]->recommendation;
            const LaunchRecommendation& after = answers[b]->recommendation;
            if (after.hit_capacity > before.hit_capacity) {
                return breaks(classes, fmt::format("pressure {} -> {}: hit_capacity grows from {} to {}", low,
                                                   high, before.hit_capacity, after.hit_capacity));
            }
            if (after.estimated_peak_device_bytes > before.estimated_peak_device_bytes) {
                return breaks(classes, fmt::format("pressure {} -> {}: the peak grows from {} to {} bytes", low,
                                                   high, before.estimated_peak_device_bytes.value(),
                                                   after.estimated_peak_device_bytes.value()));
            }
        }
    }
    return {CaseOutcome::Holds, classes, {}};
}

Judgement check_m2b(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (!pressures_read(input) || !steps_differ_only_in(input, kPressure)) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    Walk walk(policy, input);
    const auto answers = answers_from_one_state(walk, input, classes);
    for (std::size_t a = 0; a < answers.size(); ++a) {
        for (std::size_t b = 0; b < answers.size(); ++b) {
            const std::uint16_t low = pressure_of(input.steps[a]);
            const std::uint16_t high = pressure_of(input.steps[b]);
            if (low <= high && !answers[a] && answers[b]) {
                return breaks(classes, fmt::format("answered at pressure {}, refused at {}: {}", high, low,
                                                   to_string(answers[a].error())));
            }
        }
    }
    return {CaseOutcome::Holds, classes, {}};
}

void draw_m2c(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    const std::uint32_t threshold = input.parameters.memory_pressure_threshold.value();
    const std::uint32_t held_from = threshold - input.parameters.hysteresis.value();
    request.requested_hit_capacity.reset();
    request.queue_len = std::max(request.queue_len, 1U);
    request.memory_pressure = BasisPoints(static_cast<std::uint16_t>(
        choices.one_in(2) ? choices.between(held_from, threshold) : choices.between(threshold, kWholeBps)));
    input.steps.push_back(request);
}

Judgement check_m2c(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() != 1 || input.steps[0].requested_hit_capacity) {
        return outside_domain();
    }
    const LaunchRequest& request = input.steps[0];
    std::uint32_t classes = start_classes(input);
    Walk walk(policy, input);
    const auto decision = walk.look(request);
    classes |= answer_class(decision);
    if (!decision || decision->recommendation.topology != DispatchTopology::MemoryConstrained) {
        return {CaseOutcome::Holds, classes, {}};
    }
    const bool held =
        request.memory_pressure && *request.memory_pressure < input.parameters.memory_pressure_threshold;
    classes |= class_mask(kOwnClasses) | (held ? class_mask(kOwnClasses + 1) : 0);
    const std::uint64_t hits = std::uint64_t{request.queue_len} * std::max(request.expected_hits_per_item, 1U);
    const std::uint64_t exact = std::max<std::uint64_t>(hits, input.parameters.min_hit_capacity);
    if (decision->recommendation.hit_capacity != exact) {
        return breaks(classes, fmt::format("a memory-constrained launch of {} hits gets {} entries, not {}",
                                           hits, decision->recommendation.hit_capacity, exact));
    }
    return {CaseOutcome::Holds, classes, {}};
}

constexpr std::array kConstrainedClasses{LawClass{"memory-constrained", true},
                                         LawClass{"held below the threshold", true}};
constexpr std::array kShedClasses{LawClass{"both answered", true}, LawClass{"memory-constrained", true}};

// --- M3a, M3b ---

constexpr std::array kQueueClasses{LawClass{"both answered", true}, LawClass{"inferred density"}};

void draw_m3a(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    if (choices.one_in(2)) {
        request.frontier_density.reset();
    }
    if (choices.one_in(2)) {
        request.device_memory_budget.reset();
    }
    for (int step = 0; step < 2; ++step) {
        input.steps.push_back(request);
        const std::uint64_t more = choices.one_in(2) ? choices.between(1, 3) : choices.of_any_magnitude(16);
        request.queue_len = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(request.queue_len + more, std::numeric_limits<std::uint32_t>::max()));
    }
}

Judgement check_m3a(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() != 2 || !steps_differ_only_in(input, kQueue) ||
        input.steps[0].queue_len > input.steps[1].queue_len) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    classes |= input.steps[0].frontier_density ? 0 : class_mask(kOwnClasses + 1);
    Walk walk(policy, input);
    const auto shorter = walk.look(input.steps[0]);
    const auto longer = walk.look(input.steps[1]);
    if (!shorter || !longer) {
        return {CaseOutcome::Holds, classes, {}};
    }
    classes |= class_mask(kOwnClasses);
    const QueuePressure before = shorter->recommendation.pressure;
    const QueuePressure after = longer->recommendation.pressure;
    if (after < before) {
        return breaks(classes, fmt::format("queue {} -> {}: {} -> {}", input.steps[0].queue_len,
                                           input.steps[1].queue_len, to_string(before), to_string(after)));
    }
    return {CaseOutcome::Holds, classes, {}};
}

/// The first step has k requeues; the second none and k more queued items.
void draw_m3b(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    if (choices.one_in(2)) {
        request.frontier_density.reset();
    }
    if (choices.one_in(2)) {
        request.device_memory_budget.reset();
    }
    const std::uint64_t room = std::numeric_limits<std::uint32_t>::max() - request.queue_len;
    request.requeue_count =
        std::min(choices.one_in(2) ? choices.between(1, 3) : choices.of_any_magnitude(16), room);
    input.steps.push_back(request);
    request.queue_len += static_cast<std::uint32_t>(request.requeue_count);
    request.requeue_count = 0;
    input.steps.push_back(request);
}

Judgement check_m3b(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() != 2 || !steps_differ_only_in(input, kQueue | kRequeues) ||
        input.steps[1].requeue_count != 0 ||
        input.steps[0].requeue_count > std::numeric_limits<std::uint32_t>::max() ||
        input.steps[0].queue_len + input.steps[0].requeue_count != input.steps[1].queue_len) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    classes |= input.steps[0].frontier_density ? 0 : class_mask(kOwnClasses + 1);
    Walk walk(policy, input);
    const auto requeued = walk.look(input.steps[0]);
    const auto queued = walk.look(input.steps[1]);
    if (!requeued || !queued) {
        return {CaseOutcome::Holds, classes, {}};
    }
    classes |= class_mask(kOwnClasses);
    const QueuePressure with = requeued->recommendation.pressure;
    const QueuePressure more = queued->recommendation.pressure;
    if (with > more) {
        return breaks(classes, fmt::format("queue {} with {} requeues is {}; a queue of {} is {}",
                                           input.steps[0].queue_len, input.steps[0].requeue_count,
                                           to_string(with), input.steps[1].queue_len, to_string(more)));
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- M4 ---

void draw_m4(Choices& choices, LawCase& input) {
    draw_rising_pressures(choices, input);
    std::reverse(input.steps.begin(), input.steps.end());
}

Judgement check_m4(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    const auto falls = [](const LaunchRequest& left, const LaunchRequest& right) {
        return pressure_of(left) > pressure_of(right);
    };
    if (!pressures_read(input) || !steps_differ_only_in(input, kPressure) ||
        !std::is_sorted(input.steps.begin(), input.steps.end(), falls)) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    Walk walk(policy, input);
    std::optional<std::uint32_t> before;
    std::uint16_t high = 0;
    bool any_memory = false;
    for (const LaunchRequest& step : input.steps) {
        const auto decision = walk.take(step);
        classes |= answer_class(decision);
        if (!decision) {
            continue;
        }
        const bool memory = decision->recommendation.topology == DispatchTopology::MemoryConstrained;
        classes |= before ? class_mask(kOwnClasses) : 0;
        classes |= any_memory && !memory ? class_mask(kOwnClasses + 1) : 0;
        any_memory |= memory;
        const std::uint32_t groups = decision->recommendation.worker_groups;
        if (before && groups < *before) {
            return breaks(classes, fmt::format("pressure falls {} -> {}: worker_groups fall from {} to {}",
                                               high, pressure_of(step), *before, groups));
        }
        before = groups;
        high = pressure_of(step);
    }
    return {CaseOutcome::Holds, classes, {}};
}

constexpr std::uint32_t kPressureMust =
    kEveryStart |
    class_mask(kAnsweredSparse, kAnsweredHybrid, kAnsweredDense, kAnsweredMemory, kOwnClasses, kOwnClasses + 1);

constexpr std::array kLaws{
    Law{.id = "M1a",
        .sentence = "pressure a <= b, both answered: groups, grid and lanes do not grow; also along rising "
                    "trajectories",
        .draw = draw_rising_pressures,
        .check = check_m1a,
        .must_reach = kPressureMust,
        .own_classes = kPressureClasses},
    Law{.id = "M1b",
        .sentence =
            "memory-constrained keeps at most max(1, 3/4) of the groups at low pressure and density 10000",
        .draw = draw_m1b,
        .check = check_m1b,
        .must_reach = kEveryStart | class_mask(kAnsweredMemory, kOwnClasses),
        .premise = class_mask(kOwnClasses),
        .own_classes = kShedClasses},
    Law{.id = "M2a",
        .sentence = "pressure a <= b, both answered: hit capacity and peak do not grow",
        .draw = draw_rising_pressures,
        .check = check_m2a,
        .must_reach = kPressureMust,
        .own_classes = kPressureClasses},
    Law{.id = "M2b",
        .sentence = "answered at pressure b implies answered at every a <= b",
        .draw = draw_rising_pressures,
        .check = check_m2b,
        .must_reach = kPressureMust | class_mask(kRefused),
        .own_classes = kPressureClasses},
    Law{.id = "M2c",
        .sentence =
            "memory-constrained, held or not: a derived hit capacity is exactly max(queue x hits, minimum)",
        .draw = draw_m2c,
        .check = check_m2c,
        .must_reach = kEveryStart | class_mask(kAnsweredMemory, kOwnClasses, kOwnClasses + 1),
        .premise = class_mask(kOwnClasses),
        .own_classes = kConstrainedClasses},
    Law{.id = "M3a",
        .sentence = "a longer queue never lowers the pressure class, inferred density included",
        .draw = draw_m3a,
        .check = check_m3a,
        .must_reach = kEveryStart | class_mask(kOwnClasses, kOwnClasses + 1),
        .own_classes = kQueueClasses},
    Law{.id = "M3b",
        .sentence = "k requeues count at most as k more queued items",
        .draw = draw_m3b,
        .check = check_m3b,
        .must_reach = kEveryStart | class_mask(kOwnClasses, kOwnClasses + 1),
        .own_classes = kQueueClasses},
    Law{.id = "M4",
        .sentence = "along falling pressure the groups never fall",
        .draw = draw_m4,
        .check = check_m4,
        .must_reach = kPressureMust,
        .own_classes = kPressureClasses},
};

}  // namespace

std::span<const Law> monotonicity_laws() { return kLaws; }

}  // namespace megabed
