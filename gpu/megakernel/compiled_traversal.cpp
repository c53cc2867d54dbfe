#include "gpu/megakernel/compiled_traversal.h"

#include <fmt/format.h>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace megabed::gpu {
namespace {

/// Statements that give the fields of one object their values; a field that the compiled code does not know is
/// a compile error there, one that is missing here makes the kernel refuse the run.
class Assignments {
public:
    explicit Assignments(std::string_view object) : object_(object) {}

    Assignments& put(std::string_view field, std::uint64_t value) {
        return line(field, fmt::format("{}ULL", value));
    }
    Assignments& put(std::string_view field, std::uint32_t value) {
        return line(field, fmt::format("{}U", value));
    }
    Assignments& put(std::string_view field, BasisPoints value) {
        return line(field, fmt::format("BasisPoints({})", value.value()));
    }
    Assignments& put(std::string_view field, Bytes value) {
        return line(field, fmt::format("Bytes({}ULL)", value.value()));
    }
    template <class Value>
    Assignments& put(std::string_view field, const std::optional<Value>& value) {
        return value ? put(field, *value) : *this;
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    Assignments& line(std::string_view field, const std::string& value) {
        fmt::format_to(std::back_inserter(text_), "    {}.{} = {};\n", object_, field, value);
        return *this;
    }

    std::string object_;
    std::string text_;
};

std::string parameters_text(const LaunchPolicyParameters& parameters) {
    Assignments text("inputs.parameters");
    text.put("sizing.default_worker_groups", parameters.sizing.default_worker_groups)
        .put("sizing.occupancy_divisor", parameters.sizing.occupancy_divisor)
        .put("sizing.dispatch_workgroups_max", parameters.sizing.dispatch_workgroups_max)
        .put("sizing.powerful_invocations", parameters.sizing.powerful_invocations)
        .put("sizing.powerful_groups_min", parameters.sizing.powerful_groups_min)
        .put("min_hit_capacity", parameters.min_hit_capacity)
        .put("hit_capacity_multiplier", parameters.hit_capacity_multiplier)
        .put("saturated_waves", parameters.saturated_waves)
        .put("hot_opcode_threshold", parameters.hot_opcode_threshold)
        .put("hot_window_threshold", parameters.hot_window_threshold)
        .put("jit_queue_len_threshold", parameters.jit_queue_len_threshold)
        .put("priority_age_threshold", parameters.priority_age_threshold)
        .put("sparse_frontier_threshold", parameters.sparse_frontier_threshold)
        .put("dense_frontier_threshold", parameters.dense_frontier_threshold)
        .put("memory_pressure_threshold", parameters.memory_pressure_threshold)
        .put("hysteresis", parameters.hysteresis)
        .put("fusion_edge_threshold", parameters.fusion_edge_threshold)
        .put("scratch_bytes_per_hit", parameters.scratch_bytes_per_hit);
    return text.text();
}

std::string rules_text(const FieldRuleParameters& rules) {
    Assignments text("inputs.parameters.field");
    text.put("gap.alpha", rules.gap.alpha)
        .put("gap.beta", rules.gap.beta)
        .put("cugraph.alpha_divisor_hundredths", rules.cugraph.alpha_divisor_hundredths)
        .put("cugraph.beta", rules.cugraph.beta)
        .put("gunrock.do_a_ppm", rules.gunrock.do_a_ppm)
        .put("gunrock.do_b_ppm", rules.gunrock.do_b_ppm)
        .put("gswitch.bitmap_ratio_ppm", rules.gswitch.bitmap_ratio_ppm)
        .put("gswitch.fuse_ratio_ppm", rules.gswitch.fuse_ratio_ppm)
        .put("gswitch.idle_levels", rules.gswitch.idle_levels)
        .put("gswitch.idle_arcs", rules.gswitch.idle_arcs)
        .put("gswitch.growth_reset", rules.gswitch.growth_reset)
        .put("gswitch.push_advantage", rules.gswitch.push_advantage)
        .put("gswitch.unfuse_growth", rules.gswitch.unfuse_growth)
        .put("vyre_driver.warp_sparse_ppm", rules.vyre_driver.warp_sparse_ppm)
        .put("vyre_driver.sparse_ppm", rules.vyre_driver.sparse_ppm)
        .put("vyre_driver.dense_ppm", rules.vyre_driver.dense_ppm)
        .put("vyre_driver.block_dense_ppm", rules.vyre_driver.block_dense_ppm)
        .put("vyre_driver.density_hysteresis_ppm", rules.vyre_driver.density_hysteresis_ppm)
        .put("vyre_driver.memory_red_zone_bps", rules.vyre_driver.memory_red_zone_bps)
        .put("vyre_driver.memory_hysteresis_bps", rules.vyre_driver.memory_hysteresis_bps)
        .put("vyre_driver.fusion_memory_margin_bps", rules.vyre_driver.fusion_memory_margin_bps)
        .put("vyre_driver.fusion_output_bytes", rules.vyre_driver.fusion_output_bytes)
        .put("vyre_driver.warp_sparse_degree_bps", rules.vyre_driver.warp_sparse_degree_bps)
        .put("vyre_driver.dense_degree_bps", rules.vyre_driver.dense_degree_bps)
        .put("bandit.seed", rules.bandit.seed)
        .put("bandit.exploration_ppm", rules.bandit.exploration_ppm)
        .put("bandit.horizon", rules.bandit.horizon)
        .put("bandit.window", rules.bandit.window)
        .put("arcs.push_weight_hundredths", rules.arcs.push_weight_hundredths)
        .put("arcs.work_per_lane", rules.arcs.work_per_lane);
    return text.text();
}

std::string request_text(const LaunchRequest& request) {
    Assignments text("inputs.request");
    text.put("queue_len", request.queue_len)
        .put("requested_worker_groups", request.requested_worker_groups)
        .put("max_workgroup_size_x", request.max_workgroup_size_x)
        .put("max_compute_workgroups_per_dimension", request.max_compute_workgroups_per_dimension)
        .put("max_compute_invocations_per_workgroup", request.max_compute_invocations_per_workgroup)
        .put("requested_hit_capacity", request.requested_hit_capacity)
        .put("expected_hits_per_item", request.expected_hits_per_item)
        .put("hot_opcode_count", request.hot_opcode_count)
        .put("hot_window_count", request.hot_window_count)
        .put("requeue_count", request.requeue_count)
        .put("max_priority_age", request.max_priority_age)
        .put("graph_node_count", request.graph_node_count)
        .put("graph_edge_count", request.graph_edge_count)
        .put("frontier_density", request.frontier_density)
        .put("memory_pressure", request.memory_pressure)
        .put("resident_device_bytes", request.resident_device_bytes)
        .put("device_memory_budget", request.device_memory_budget);
    return text.text();
}

std::string readings_text(const GraphReadings& readings) {
    Assignments text("inputs.readings");
    text.put("vertices", readings.vertices)
        .put("vertices_with_arcs", readings.vertices_with_arcs)
        .put("arcs", readings.arcs)
        .put("expected_hits_per_item", readings.expected_hits_per_item);
    return text.text();
}

}  // namespace

JitRequest compiled_traversal(const RunArguments& run) {
    JitRequest request;
    request.program = "traversal";
    request.source = fmt::format(
        "#include \"gpu/megakernel/megakernel.cuh\"\n\n"
        "namespace megabed::gpu {{\n\n"
        "constexpr DecisionInputs run_inputs() {{\n    DecisionInputs inputs;\n{}{}{}{}    return inputs;\n}}\n"
        "struct RunInputs {{\n    static constexpr DecisionInputs value = run_inputs();\n}};\n\n"
        "}}  // namespace megabed::gpu\n",
        parameters_text(run.inputs.parameters), rules_text(run.inputs.parameters.field),
        request_text(run.inputs.request), readings_text(run.inputs.readings));
    request.entry = fmt::format(
        "megabed::gpu::megakernel<static_cast<megabed::TraversalKind>({}), "
        "megabed::gpu::ConstantPolicy<static_cast<megabed::CompiledPolicy>({}), megabed::gpu::RunInputs>>",
        static_cast<unsigned>(run.settings.kind), static_cast<unsigned>(run.policy));
    return request;
}

}  // namespace megabed::gpu
