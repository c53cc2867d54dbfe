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

constexpr std::uint32_t kAllAnswers = class_mask(kAnsweredEmpty, kAnsweredSparse, kAnsweredHybrid,
                                                 kAnsweredDense, kAnsweredFused, kAnsweredMemory);
constexpr std::uint32_t kSizes = kEveryStart | kAllAnswers | class_mask(kRefused, kOwnClasses, kOwnClasses + 1);

constexpr std::array kLaws{
    Law{.id = "O1",
        .sentence = "total: every input gives a value or a typed error, the same each time",
        .draw = draw_o1,
        .check = check_o1,
        .must_reach =
            kEveryStart | class_mask(kRefused, kOwnClasses, kOwnClasses + 1, kOwnClasses + 2, kOwnClasses + 3),
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
        .must_reach = kEveryStart | class_mask(kOwnClasses, kOwnClasses + 1),
        .own_classes = kLaneClasses},
};

}  // namespace

std::span<const Law> size_laws() { return kLaws; }

}  // namespace megabed
