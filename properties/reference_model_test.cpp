#include "properties/reference_model.h"

#include "properties/generators.h"
#include "properties/rapidcheck_property.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <iostream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace megabed {
namespace {

constexpr std::uint32_t kU32Max = std::numeric_limits<std::uint32_t>::max();

const std::vector<std::optional<DispatchTopology>>& all_previous() {
    static const std::vector<std::optional<DispatchTopology>> all_topologies = [] {
        std::vector<std::optional<DispatchTopology>> all{std::nullopt};
        all.insert(all.end(), kAllTopologies.begin(), kAllTopologies.end());
        return all;
    }();
    return all_topologies;
}

std::string class_of(const ModelError& error) {
    switch (error.code) {
    case ErrorCode::ZeroAdapterLimit:
        return "zero adapter limit";
    case ErrorCode::CapacityOverflow:
        return error.field == ErrorField::HitCapacity ? "hit capacity overflow" : "peak overflow";
    case ErrorCode::OutOfMemory:
        return "out of memory";
    case ErrorCode::ThresholdOutOfRange:
        return "threshold out of range";
    default:
        return "unexpected error";
    }
}

void tag(const LaunchPolicyParameters& parameters, const ModelAnswer& model) {
    const int width = parameters.hysteresis.value();
    RC_TAG(std::string(width == 0    ? "no hysteresis"
                       : width < 250 ? "narrow"
                       : width > 250 ? "wide"
                                     : "standard"));
    if (model.error) {
        RC_TAG(class_of(*model.error));
        return;
    }
    RC_TAG(std::string("ok"));
    RC_TAG("topology " + std::string(to_string(model.topology)));
    RC_TAG("hold " + std::string(to_string(model.hold)));
    if (model.saturated) {
        RC_TAG(std::string("saturated"));
    }
}

std::vector<std::string> every_class() {
    std::vector<std::string> classes{"ok",
                                     "zero adapter limit",
                                     "hit capacity overflow",
                                     "peak overflow",
                                     "out of memory",
                                     "threshold out of range",
                                     "saturated",
                                     "no hysteresis",
                                     "narrow",
                                     "standard",
                                     "wide"};
    for (const DispatchTopology topology : kAllTopologies) {
        classes.push_back("topology " + std::string(to_string(topology)));
    }
    for (int hold = 0; hold <= static_cast<int>(TopologyHold::FusedBelowThreshold); ++hold) {
        classes.push_back("hold " + std::string(to_string(static_cast<TopologyHold>(hold))));
    }
    return classes;
}

/// A reading within one of a threshold of these parameters or of an end of its band, kept in 16 bits.
BasisPoints reading_near(const std::vector<BasisPoints>& thresholds, BasisPoints hysteresis) {
    const int threshold = (*rc::gen::elementOf(thresholds)).value();
    const int width = hysteresis.value();
    const int reading =
        threshold + *rc::gen::elementOf(std::vector<int>{-width, 0, width}) + *rc::gen::inRange(-1, 2);
    return BasisPoints(static_cast<std::uint16_t>(std::clamp(reading, 0, 65'535)));
}

LaunchPolicyParameters parameters_of_any_kind() {
    LaunchPolicyParameters parameters =
        *rc::gen::inRange(0, 2) == 0 ? *gen::valid_parameters() : *gen::any_parameters();
    if (*rc::gen::inRange(0, 4) == 0) {
        parameters.sizing = {*gen::count(), *gen::count(), *gen::count(), *gen::count(), *gen::count()};
    }
    return parameters;
}

LaunchRequest request_for(const LaunchPolicyParameters& parameters) {
    LaunchRequest request = *rc::gen::inRange(0, 2) == 0 ? *gen::plausible_request() : *gen::any_request();
    if (*rc::gen::inRange(0, 2) == 0) {
        request.frontier_density = reading_near(
            {parameters.sparse_frontier_threshold, parameters.dense_frontier_threshold}, parameters.hysteresis);
    }
    if (*rc::gen::inRange(0, 2) == 0) {
        request.memory_pressure = reading_near({parameters.memory_pressure_threshold}, parameters.hysteresis);
    }
    if (*rc::gen::inRange(0, 4) == 0) {
        request.graph_edge_count = std::max(parameters.fusion_edge_threshold, 1U) - *rc::gen::inRange(0U, 2U);
        request.hot_opcode_count = std::max(parameters.hot_opcode_threshold, 1U) - *rc::gen::inRange(0U, 2U);
    }
    if (*rc::gen::inRange(0, 4) == 0) {
        request.requested_hit_capacity = *rc::gen::inRange(1U, 1U << 20);
        request.queue_len = kU32Max - *rc::gen::inRange(0U, 1U << 10);
    }
    return request;
}

TEST(ReferenceModel, Agrees_with_the_code_on_every_input) {
    const PropertyVerdict verdict = check_property("reference model", 20'000, every_class(), [] {
        const LaunchPolicyParameters parameters = parameters_of_any_kind();
        const LaunchRequest request = request_for(parameters);
        for (const auto& previous : all_previous()) {
            const ModelAnswer model = reference_model(parameters, request, previous);
            tag(parameters, model);
            const std::string line = difference(model, reference::recommend(parameters, request, previous));
            if (!line.empty()) {
                RC_FAIL((previous ? std::string(to_string(*previous)) : "no topology") + " before; " + line);
            }
        }
    });
    EXPECT_TRUE(verdict.holds) << verdict.report;
    std::cerr << verdict.report << '\n';
}

TEST(ReferenceModel, A_planted_difference_is_told_by_its_field) {
    const LaunchRequest request = gen::base_request();
    const ModelAnswer model = reference_model({}, request, std::nullopt);
    const auto code = reference::recommend({}, request);
    ASSERT_TRUE(code);
    ASSERT_EQ(difference(model, code), "");

    using Plant = void (*)(reference::Answer&);
    const std::pair<const char*, Plant> plants[] = {
        {"topology: model hybrid, code sparse",
         [](auto& answer) { answer.recommendation.topology = DispatchTopology::SparseFrontier; }},
        {"chosen topology: model hybrid, code dense",
         [](auto& answer) { answer.choice.topology = DispatchTopology::DenseFrontier; }},
        {"rule: model density-between, code forced",
         [](auto& answer) { answer.choice.rule = TopologyRule::Forced; }},
        {"hold: model none, code memory-not-yet-relieved",
         [](auto& answer) { answer.choice.hold = TopologyHold::MemoryNotYetRelieved; }},
        {"worker_groups: model 128, code 129", [](auto& answer) { ++answer.recommendation.worker_groups; }},
        {"workgroup_size_x: model 128, code 127",
         [](auto& answer) { --answer.recommendation.geometry.workgroup_size_x; }},
        {"slot_count: model 16384, code 16385",
         [](auto& answer) { answer.recommendation.geometry.slot_count += SlotCount(1); }},
        {"dispatch_grid x: model 128, code 0",
         [](auto& answer) { answer.recommendation.geometry.dispatch_grid[0] = 0; }},
        {"dispatch_grid y: model 1, code 2",
         [](auto& answer) { answer.recommendation.geometry.dispatch_grid[1] = 2; }},
        {"dispatch_grid z: model 1, code 3",
         [](auto& answer) { answer.recommendation.geometry.dispatch_grid[2] = 3; }},
        {"hit_capacity: model 32768, code 32767", [](auto& answer) { --answer.recommendation.hit_capacity; }},
        {"peak bytes: model 524288, code 524289",
         [](auto& answer) { answer.recommendation.estimated_peak_device_bytes += Bytes(1); }},
        {"budget: model 0, code 1",
         [](auto& answer) { answer.recommendation.device_memory_budget = Bytes(0); }},
        {"pressure: model balanced, code light",
         [](auto& answer) { answer.recommendation.pressure = QueuePressure::Light; }},
        {"execution_mode: model jit, code interpreter",
         [](auto& answer) { answer.recommendation.execution_mode = ExecutionMode::Interpreter; }},
        {"promote_hot_opcodes: model 0, code 1",
         [](auto& answer) { answer.recommendation.promote_hot_opcodes = true; }},
        {"promote_hot_windows: model 0, code 1",
         [](auto& answer) { answer.recommendation.promote_hot_windows = true; }},
        {"age_priority_work: model 0, code 1",
         [](auto& answer) { answer.recommendation.age_priority_work = true; }},
    };
    for (const auto& [expected, plant] : plants) {
        Result<reference::Answer> planted = code;
        plant(*planted);
        EXPECT_EQ(difference(model, planted), expected);
    }
}

TEST(ReferenceModel, A_planted_difference_in_an_error_is_told_by_its_field) {
    LaunchRequest request = gen::base_request();
    request.resident_device_bytes = Bytes(1000);
    request.device_memory_budget = Bytes(100'000);
    const ModelAnswer model = reference_model({}, request, std::nullopt);
    const auto code = reference::recommend({}, request);
    ASSERT_FALSE(code);
    ASSERT_EQ(difference(model, code), "");

    const Error right = code.error();
    const std::pair<std::string, Error> plants[] = {
        {"error code", {ErrorCode::CapacityOverflow, right.field, right.actual, right.limit}},
        {"error field", {right.code, ErrorField::HitCapacity, right.actual, right.limit}},
        {"error actual", {right.code, right.field, right.actual + 1, right.limit}},
        {"error limit", {right.code, right.field, right.actual, right.limit - 1}},
    };
    for (const auto& [field, error] : plants) {
        EXPECT_EQ(difference(model, Failure(error)).rfind(field, 0), 0U) << difference(model, Failure(error));
    }
    EXPECT_EQ(difference(model, reference::Answer{}),
              "outcome: model error (estimated_peak_device_bytes is 525288; the budget is 100000), code ok");
    EXPECT_EQ(difference(reference_model({}, gen::base_request(), std::nullopt), code),
              "outcome: model ok, code error (estimated_peak_device_bytes is 525288; the budget is 100000)");
}

TEST(ReferenceModel, Saturation_is_visible_where_exact_slots_leave_32_bits) {
    LaunchRequest request = gen::base_request();
    request.queue_len = kU32Max;
    request.requested_hit_capacity = 1;
    const ModelAnswer model = reference_model({}, request, std::nullopt);
    EXPECT_TRUE(model.saturated);
    EXPECT_EQ(model.slot_count, 4'294'967'168U);
    request.queue_len = 4'294'967'168U;
    EXPECT_FALSE(reference_model({}, request, std::nullopt).error);
}

}  // namespace
}  // namespace megabed
