#include "properties/case_aims.h"
#include "properties/law_families.h"
#include "properties/walk.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace megabed {
namespace {

/// Follows the steps and counts the changes of topology and of route between answers.
struct Trajectory {
    std::uint32_t classes = 0;
    std::size_t topology_changes = 0;
    std::size_t route_changes = 0;
    bool left_fused = false;
    bool left_jit = false;
};

Trajectory follow(const Policy& policy, const LawCase& input) {
    Trajectory trajectory;
    trajectory.classes = start_classes(input);
    Walk walk(policy, input);
    std::optional<DispatchTopology> topology;
    std::optional<ExecutionMode> route;
    for (const LaunchRequest& step : input.steps) {
        const auto decision = walk.take(step);
        trajectory.classes |= answer_class(decision);
        if (!decision) {
            continue;
        }
        const LaunchRecommendation& answer = decision->recommendation;
        if (topology && *topology != answer.topology) {
            ++trajectory.topology_changes;
            trajectory.left_fused |= *topology == DispatchTopology::FusedDense;
        }
        if (route && *route != answer.execution_mode) {
            ++trajectory.route_changes;
            trajectory.left_jit |= *route == ExecutionMode::Jit;
        }
        topology = answer.topology;
        route = answer.execution_mode;
    }
    return trajectory;
}

/// The band around a frontier threshold in which all densities stand, if there is one.
enum class Band : std::uint8_t { None, Sparse, Dense };

Band common_band(const LawCase& input) {
    const int width = input.parameters.hysteresis.value();
    const auto all_in = [&](BasisPoints threshold) {
        return std::all_of(input.steps.begin(), input.steps.end(), [&](const LaunchRequest& step) {
            return step.frontier_density &&
                   std::abs(step.frontier_density->value() - int{threshold.value()}) <= width;
        });
    };
    if (all_in(input.parameters.sparse_frontier_threshold)) {
        return Band::Sparse;
    }
    return all_in(input.parameters.dense_frontier_threshold) ? Band::Dense : Band::None;
}

/// A reading inside [low, high], at an end every other time.
BasisPoints reading_between(Choices& choices, std::uint32_t low, std::uint32_t high) {
    const std::uint64_t reading =
        choices.one_in(2) ? (choices.one_in(2) ? low : high) : choices.between(low, high);
    return BasisPoints(static_cast<std::uint16_t>(reading));
}

// --- S1 ---

constexpr std::array kBandClasses{LawClass{"sparse band"}, LawClass{"dense band"},
                                  LawClass{"one change", true}};

void draw_s1(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    if (choices.one_in(2)) {
        request.memory_pressure = BasisPoints(1);
    }
    const std::uint32_t centre = choices.one_in(2) ? input.parameters.sparse_frontier_threshold.value()
                                                   : input.parameters.dense_frontier_threshold.value();
    const std::uint32_t width = input.parameters.hysteresis.value();
    for (std::uint64_t length = choices.between(2, 8); length > 0; --length) {
        request.frontier_density = reading_between(choices, centre - width, centre + width);
        input.steps.push_back(request);
    }
}

Judgement check_s1(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.empty() || !steps_differ_only_in(input, kDensity)) {
        return outside_domain();
    }
    const Band band = common_band(input);
    if (band == Band::None) {
        return outside_domain();
    }
    const Trajectory trajectory = follow(policy, input);
    const std::uint32_t classes = trajectory.classes |
                                  class_mask(band == Band::Sparse ? kOwnClasses : kOwnClasses + 1) |
                                  (trajectory.topology_changes == 1 ? class_mask(kOwnClasses + 2) : 0);
    if (trajectory.topology_changes > 1) {
        return breaks(classes, fmt::format("the topology changes {} times inside one density band",
                                           trajectory.topology_changes));
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- S2 ---

constexpr std::array kPressureBandClasses{LawClass{"one change", true}};

void draw_s2(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    const std::uint32_t threshold = input.parameters.memory_pressure_threshold.value();
    const std::uint32_t width = input.parameters.hysteresis.value();
    for (std::uint64_t length = choices.between(2, 8); length > 0; --length) {
        request.memory_pressure = reading_between(choices, threshold - width, threshold);
        input.steps.push_back(request);
    }
}

Judgement check_s2(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    const int threshold = input.parameters.memory_pressure_threshold.value();
    const bool in_band = std::all_of(input.steps.begin(), input.steps.end(), [&](const LaunchRequest& step) {
        return step.memory_pressure && step.memory_pressure->value() <= threshold &&
               step.memory_pressure->value() >= threshold - input.parameters.hysteresis.value();
    });
    if (input.steps.empty() || !in_band || !steps_differ_only_in(input, kPressure)) {
        return outside_domain();
    }
    const Trajectory trajectory = follow(policy, input);
    const std::uint32_t classes =
        trajectory.classes | (trajectory.topology_changes == 1 ? class_mask(kOwnClasses) : 0);
    if (trajectory.topology_changes > 1) {
        return breaks(classes, fmt::format("the topology changes {} times inside the pressure band",
                                           trajectory.topology_changes));
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- S3 and S6 ---

/// Whether one counter stays in its band over all steps, or never changes.
template <class Read>
bool steady_or_in_band(const LawCase& input, std::uint32_t threshold, Read read) {
    const auto first = read(input.steps.front());
    const bool steady = std::all_of(input.steps.begin(), input.steps.end(),
                                    [&](const LaunchRequest& step) { return read(step) == first; });
    return steady || (threshold >= 2 &&
                      std::all_of(input.steps.begin(), input.steps.end(), [&](const LaunchRequest& step) {
                          const std::optional<std::uint32_t> count = read(step);
                          return count && *count <= threshold && *count >= counter_band_low(threshold);
                      }));
}

bool counters_jitter_in_their_bands(const LawCase& input) {
    const LaunchPolicyParameters& parameters = input.parameters;
    using Count = std::optional<std::uint32_t>;
    return steady_or_in_band(input, parameters.hot_opcode_threshold,
                             [](const LaunchRequest& step) { return Count(step.hot_opcode_count); }) &&
           steady_or_in_band(input, parameters.hot_window_threshold,
                             [](const LaunchRequest& step) { return Count(step.hot_window_count); }) &&
           steady_or_in_band(input, parameters.fusion_edge_threshold,
                             [](const LaunchRequest& step) { return step.graph_edge_count; });
}

std::uint32_t in_counter_band(Choices& choices, std::uint32_t threshold) {
    return threshold < 2 ? threshold
                         : static_cast<std::uint32_t>(choices.between(counter_band_low(threshold), threshold));
}

void draw_jitter(Choices& choices, LawCase& input, bool queue_too) {
    LaunchRequest request;
    draw_start(choices, input, request);
    const LaunchPolicyParameters& parameters = input.parameters;
    if (!choices.one_in(4)) {
        request.memory_pressure = BasisPoints(1);
        const std::uint32_t dense = parameters.dense_frontier_threshold.value();
        request.frontier_density = reading_between(choices, dense - parameters.hysteresis.value(),
                                                   choices.one_in(2) ? dense : kWholeBps);
        request.graph_node_count = 100'000;
        request.graph_edge_count = parameters.fusion_edge_threshold;
    }
    const bool opcodes = !choices.one_in(4);
    const bool windows = choices.one_in(2);
    const bool edges = choices.one_in(2);
    for (std::uint64_t length = choices.between(2, 6); length > 0; --length) {
        if (opcodes) {
            request.hot_opcode_count = in_counter_band(choices, parameters.hot_opcode_threshold);
        }
        if (windows) {
            request.hot_window_count = in_counter_band(choices, parameters.hot_window_threshold);
        }
        if (edges) {
            request.graph_edge_count = in_counter_band(choices, parameters.fusion_edge_threshold);
        }
        if (queue_too && parameters.jit_queue_len_threshold >= 2) {
            request.queue_len = in_counter_band(choices, parameters.jit_queue_len_threshold);
        }
        input.steps.push_back(request);
    }
}

void draw_s3(Choices& choices, LawCase& input) { draw_jitter(choices, input, false); }
void draw_s6(Choices& choices, LawCase& input) { draw_jitter(choices, input, true); }

constexpr std::array kJitterClasses{LawClass{"one change", true}};

Judgement check_s3(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.empty() || !steps_differ_only_in(input, kHotOpcodes | kHotWindows | kEdges) ||
        !counters_jitter_in_their_bands(input)) {
        return outside_domain();
    }
    const Trajectory trajectory = follow(policy, input);
    const std::uint32_t classes =
        trajectory.classes | (trajectory.topology_changes == 1 ? class_mask(kOwnClasses) : 0);
    if (trajectory.left_fused) {
        return breaks(classes, "a jitter of the counters inside their bands leaves Fused");
    }
    if (trajectory.topology_changes > 1) {
        return breaks(classes,
                      fmt::format("the topology changes {} times while counters jitter inside their bands",
                                  trajectory.topology_changes));
    }
    return {CaseOutcome::Holds, classes, {}};
}

Judgement check_s6(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    const bool shaped =
        !input.steps.empty() && steps_differ_only_in(input, kHotOpcodes | kHotWindows | kEdges | kQueue) &&
        counters_jitter_in_their_bands(input) &&
        steady_or_in_band(input, input.parameters.jit_queue_len_threshold,
                          [](const LaunchRequest& step) { return std::optional(step.queue_len); });
    const bool working = std::all_of(input.steps.begin(), input.steps.end(),
                                     [](const LaunchRequest& step) { return step.queue_len > 0; });
    if (!shaped || !working) {
        return outside_domain();
    }
    const Trajectory trajectory = follow(policy, input);
    const std::uint32_t classes =
        trajectory.classes | (trajectory.route_changes == 1 ? class_mask(kOwnClasses) : 0);
    if (trajectory.left_jit) {
        return breaks(classes, "a jitter of the counters inside their bands leaves the compiled route");
    }
    if (trajectory.route_changes > 1) {
        return breaks(classes, fmt::format("the route changes {} times", trajectory.route_changes));
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- S4 ---

constexpr std::array kDisturbanceClasses{LawClass{"empty queue"},     LawClass{"pressure spike"},
                                         LawClass{"density missing"}, LawClass{"pressure missing"},
                                         LawClass{"graph missing"},   LawClass{"a held topology", true}};

void draw_s4(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    const LaunchPolicyParameters& parameters = input.parameters;
    request.queue_len = std::max(request.queue_len, 1U);
    request.frontier_density = aim::density(choices, parameters);
    request.memory_pressure = choices.one_in(2) ? BasisPoints(1) : aim::pressure(choices, parameters);
    request.graph_node_count = request.graph_node_count.value_or(1);
    input.steps.push_back(request);
    const std::uint16_t threshold = parameters.memory_pressure_threshold.value();
    const int relieved_below = threshold - parameters.hysteresis.value();
    for (std::uint64_t length = choices.between(1, 3); length > 0; --length) {
        LaunchRequest disturbance = request;
        switch (choices.below(5)) {
        case 0:
            disturbance = aim::any_request(choices, parameters);
            disturbance.queue_len = 0;
            break;
        case 1:
            if (request.memory_pressure->value() < relieved_below) {
                disturbance.memory_pressure = reading_between(choices, threshold, kWholeBps);
            }
            break;
        case 2:
            disturbance.frontier_density.reset();
            break;
        case 3:
            disturbance.memory_pressure.reset();
            break;
        default:
            disturbance.graph_node_count.reset();
            disturbance.graph_edge_count.reset();
            break;
        }
        input.steps.push_back(disturbance);
    }
    const int cell = density_cell(parameters, *request.frontier_density);
    for (int attempt = 0; attempt < 4; ++attempt) {
        const BasisPoints reading = aim::density(choices, parameters);
        if (density_cell(parameters, reading) == cell) {
            request.frontier_density = reading;
            break;
        }
    }
    input.steps.push_back(request);
}

/// The class of a disturbance between r and r', or none if the law does not allow it.
std::optional<std::uint32_t> disturbance_class(const LaunchPolicyParameters& parameters, const LaunchRequest& r,
                                               const LaunchRequest& step) {
    if (step.queue_len == 0) {
        return kOwnClasses;
    }
    const int threshold = parameters.memory_pressure_threshold.value();
    if (differ_only_in(r, step, kPressure)) {
        if (!step.memory_pressure) {
            return kOwnClasses + 3;
        }
        if (step.memory_pressure->value() >= threshold &&
            r.memory_pressure->value() < threshold - parameters.hysteresis.value()) {
            return kOwnClasses + 1;
        }
    }
    if (differ_only_in(r, step, kDensity) && !step.frontier_density) {
        return kOwnClasses + 2;
    }
    if (differ_only_in(r, step, kNodes | kEdges) && !step.graph_node_count && !step.graph_edge_count) {
        return kOwnClasses + 4;
    }
    return std::nullopt;
}

Judgement check_s4(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    if (input.steps.size() < 2) {
        return outside_domain();
    }
    const LaunchRequest& r = input.steps.front();
    const LaunchRequest& last = input.steps.back();
    if (r.queue_len == 0 || !r.frontier_density || !r.memory_pressure || !last.frontier_density ||
        !differ_only_in(r, last, kDensity) ||
        density_cell(input.parameters, *r.frontier_density) !=
            density_cell(input.parameters, *last.frontier_density)) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    Walk walk(policy, input);
    const auto first = walk.take(r);
    if (!first) {
        return outside_domain();
    }
    const auto undisturbed = walk.look(last);
    bool remembers_empty = false;
    for (std::size_t at = 1; at + 1 < input.steps.size(); ++at) {
        const LaunchRequest& step = input.steps[at];
        const auto kind = disturbance_class(input.parameters, r, step);
        if (!kind) {
            return outside_domain();
        }
        classes |= class_mask(*kind);
        const PolicyState before = walk.state();
        walk.take(step);
        remembers_empty |= step.queue_len == 0 && !(walk.state() == before);
    }
    const auto disturbed = walk.look(last);
    if (undisturbed) {
        classes |= answer_class(undisturbed);
        classes |= undisturbed->hold != TopologyHold::None ? class_mask(kOwnClasses + 5) : 0;
        if (!disturbed) {
            return breaks(classes, "the last request is refused after the disturbance and answered without it");
        }
        const DispatchTopology without = undisturbed->recommendation.topology;
        const DispatchTopology with = disturbed->recommendation.topology;
        if (with != without) {
            return breaks(classes, fmt::format("the last request gets {} after the disturbance, {} without it",
                                               to_string(with), to_string(without)));
        }
    }
    if (remembers_empty) {
        return breaks(classes, "an empty queue changes the state");
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- S5 ---

constexpr std::array kWanderClasses{LawClass{"density wanders"}, LawClass{"pressure wanders"},
                                    LawClass{"four plans or more", true}};

void draw_s5(Choices& choices, LawCase& input) {
    LaunchRequest request;
    draw_start(choices, input, request);
    const LaunchPolicyParameters& parameters = input.parameters;
    request.frontier_density = aim::density(choices, parameters);
    request.memory_pressure = choices.one_in(2) ? BasisPoints(1) : aim::pressure(choices, parameters);
    const std::uint64_t what = choices.below(4);
    const std::uint32_t threshold = parameters.memory_pressure_threshold.value();
    const std::uint32_t held_from = threshold - parameters.hysteresis.value();
    for (std::uint64_t length = choices.between(4, 20); length > 0; --length) {
        if (what != 1) {
            request.frontier_density =
                what == 0 ? BasisPoints(static_cast<std::uint16_t>(
                                choices.between(1, parameters.sparse_frontier_threshold.value())))
                          : BasisPoints(static_cast<std::uint16_t>(choices.below(kWholeBps + 1)));
        }
        if (what != 0) {
            request.memory_pressure =
                choices.one_in(2)
                    ? BasisPoints(static_cast<std::uint16_t>(choices.between(held_from, kWholeBps)))
                    : BasisPoints(static_cast<std::uint16_t>(choices.below(kWholeBps + 1)));
        }
        input.steps.push_back(request);
    }
}

Judgement check_s5(const Policy& policy, const PolicyParts& /*parts*/, const LawCase& input) {
    constexpr std::size_t kPlansMax = 8;
    const bool read = std::all_of(input.steps.begin(), input.steps.end(), [](const LaunchRequest& step) {
        return step.frontier_density && step.memory_pressure && step.frontier_density->value() <= kWholeBps &&
               step.memory_pressure->value() <= kWholeBps;
    });
    if (input.steps.empty() || !read || !steps_differ_only_in(input, kDensity | kPressure)) {
        return outside_domain();
    }
    std::uint32_t classes = start_classes(input);
    if (!steps_differ_only_in(input, kPressure)) {
        classes |= class_mask(kOwnClasses);
    }
    if (!steps_differ_only_in(input, kDensity)) {
        classes |= class_mask(kOwnClasses + 1);
    }
    using Plan = std::tuple<std::uint32_t, std::uint32_t, SlotCount, std::uint32_t, ExecutionMode>;
    std::array<std::vector<Plan>, kAllTopologies.size()> plans;
    Walk walk(policy, input);
    for (const LaunchRequest& step : input.steps) {
        const auto decision = walk.take(step);
        classes |= answer_class(decision);
        if (!decision) {
            continue;
        }
        const LaunchRecommendation& answer = decision->recommendation;
        const Plan plan{answer.worker_groups, answer.geometry.workgroup_size_x, answer.geometry.slot_count,
                        answer.geometry.dispatch_grid[0], answer.execution_mode};
        auto& known = plans[static_cast<std::size_t>(answer.topology)];
        if (std::find(known.begin(), known.end(), plan) == known.end()) {
            known.push_back(plan);
        }
        if (known.size() >= 4) {
            classes |= class_mask(kOwnClasses + 2);
        }
        if (known.size() > kPlansMax) {
            return breaks(classes,
                          fmt::format("{} distinct plans for {}", known.size(), to_string(answer.topology)));
        }
    }
    return {CaseOutcome::Holds, classes, {}};
}

constexpr std::array kLaws{
    Law{.id = "S1",
        .sentence = "any density readings inside one band: at most one topology change",
        .draw = draw_s1,
        .check = check_s1,
        .must_reach = kEveryStart | class_mask(kAnsweredSparse, kAnsweredHybrid, kAnsweredDense, kAnsweredFused,
                                               kAnsweredMemory, kOwnClasses, kOwnClasses + 1),
        .own_classes = kBandClasses},
    Law{.id = "S2",
        .sentence = "any pressure readings inside the pressure band: at most one topology change",
        .draw = draw_s2,
        .check = check_s2,
        .must_reach = kEveryStart | class_mask(kAnsweredSparse, kAnsweredHybrid, kAnsweredDense,
                                               kAnsweredMemory, kOwnClasses),
        .own_classes = kPressureBandClasses},
    Law{.id = "S3",
        .sentence =
            "hot opcodes, hot windows and edges, each in its counter band: at most one topology change, "
            "never leaving Fused",
        .draw = draw_s3,
        .check = check_s3,
        .must_reach = kEveryStart |
                      class_mask(kAnsweredDense, kAnsweredFused, kAnsweredMemory, kAnsweredHybrid, kOwnClasses),
        .own_classes = kJitterClasses},
    Law{.id = "S4",
        .sentence =
            "after empty queues, pressure spikes or missing readings, a density inside the same band or "
            "gap gets the topology it would have got; an empty or rejected request leaves the state",
        .draw = draw_s4,
        .check = check_s4,
        .must_reach = kEveryStart | class_mask(kAnsweredSparse, kAnsweredHybrid, kAnsweredDense, kAnsweredFused,
                                               kAnsweredMemory, kOwnClasses, kOwnClasses + 1, kOwnClasses + 2,
                                               kOwnClasses + 3, kOwnClasses + 4, kOwnClasses + 5),
        .own_classes = kDisturbanceClasses},
    Law{.id = "S5",
        .sentence =
            "density and pressure in any order over 0..10000, the queue fixed: at most 8 distinct plans "
            "(groups, lanes, slots, grid, route) per topology",
        .draw = draw_s5,
        .check = check_s5,
        .must_reach = kEveryStart | class_mask(kAnsweredSparse, kAnsweredHybrid, kAnsweredDense,
                                               kAnsweredMemory, kOwnClasses, kOwnClasses + 1, kOwnClasses + 2),
        .own_classes = kWanderClasses},
    Law{.id = "S6",
        .sentence = "under S3's jitter, with the queue in the JIT threshold's counter band: at most one route "
                    "change, never leaving Jit",
        .draw = draw_s6,
        .check = check_s6,
        .must_reach = kEveryStart | class_mask(kAnsweredDense, kAnsweredFused, kAnsweredMemory, kOwnClasses),
        .own_classes = kJitterClasses},
};

}  // namespace

std::span<const Law> stability_laws() { return kLaws; }

}  // namespace megabed
