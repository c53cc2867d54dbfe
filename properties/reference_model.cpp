#include "properties/reference_model.h"

#include <fmt/format.h>
#include <cstdint>
#include <sstream>
#include <string_view>

namespace megabed {
namespace {

/// Largest values of the widths that the specification speaks of.
const Unbounded kCountMax = (Unbounded(1) << 32) - 1;
const Unbounded kBytesMax = (Unbounded(1) << 64) - 1;
const Unbounded kReadingMax = 65'535;
const Unbounded kWhole = 10'000;

const Unbounded& smaller(const Unbounded& left, const Unbounded& right) { return right < left ? right : left; }
const Unbounded& larger(const Unbounded& left, const Unbounded& right) { return left < right ? right : left; }

/// The request as the policy reads it: absence is 0, and what could be inferred is.
struct Readings {
    Unbounded queue;
    Unbounded nodes;
    Unbounded edges;
    Unbounded density;
    Unbounded pressure;
    Unbounded budget;
    Unbounded asked_groups;
    bool hot_opcodes = false;
    bool hot_windows = false;
};

Readings readings_of(const LaunchPolicyParameters& parameters, const LaunchRequest& request) {
    Readings readings;
    readings.queue = request.queue_len;
    readings.nodes = request.graph_node_count.value_or(0);
    readings.edges = request.graph_edge_count.value_or(0);
    readings.density = request.frontier_density.value_or(BasisPoints()).value();
    readings.pressure = request.memory_pressure.value_or(BasisPoints()).value();
    readings.budget = request.device_memory_budget.value_or(Bytes()).value();
    readings.asked_groups = request.requested_worker_groups.value_or(0);
    if (readings.density == 0 && readings.queue != 0 && readings.nodes != 0) {
        const Unbounded share = smaller(readings.queue, readings.nodes) * kWhole / readings.nodes;
        readings.density = smaller(larger(share, 1), kWhole);
    }
    const Unbounded resident = request.resident_device_bytes.value();
    if (readings.pressure == 0 && readings.budget != 0 && resident != 0) {
        const Unbounded share = resident * kWhole / readings.budget;
        readings.pressure = smaller(share, kWhole);
    }
    readings.hot_opcodes = request.hot_opcode_count >= parameters.hot_opcode_threshold;
    readings.hot_windows = request.hot_window_count >= parameters.hot_window_threshold;
    return readings;
}

/// Computes one answer step by step. Each step returns false where the specification says error.
class Decision {
public:
    Decision(const LaunchPolicyParameters& parameters, const LaunchRequest& request)
        : parameters_(parameters), request_(request), readings_(readings_of(parameters, request)) {}

    ModelAnswer answer(std::optional<DispatchTopology> previous) {
        choose_raw_topology();
        if (hold_previous(previous) && shed_groups() && size_grid() && classify_queue() && derive_capacity() &&
            add_up_peak()) {
            set_route_and_flags();
        }
        return answer_;
    }

private:
    bool refuse(ErrorCode code, ErrorField field, const Unbounded& actual, const Unbounded& limit) {
        answer_.error = ModelError{code, field, actual, limit};
        return false;
    }

    void rule(DispatchTopology topology, TopologyRule rule) {
        answer_.topology = topology;
        answer_.rule = rule;
    }

    /// Step 4: the first match wins.
    void choose_raw_topology() {
        const bool at_least_dense = readings_.density >= parameters_.dense_frontier_threshold.value();
        const bool large = readings_.nodes > 0 && readings_.edges >= parameters_.fusion_edge_threshold;
        if (readings_.queue == 0) {
            rule(DispatchTopology::Empty, TopologyRule::QueueEmpty);
        } else if (pressed()) {
            rule(DispatchTopology::MemoryConstrained, TopologyRule::PressureAtThreshold);
        } else if (readings_.density <= parameters_.sparse_frontier_threshold.value()) {
            rule(DispatchTopology::SparseFrontier, TopologyRule::DensityAtOrBelowSparse);
        } else if (at_least_dense && large && hot()) {
            rule(DispatchTopology::FusedDense, TopologyRule::DenseLargeAndHot);
        } else if (at_least_dense) {
            rule(DispatchTopology::DenseFrontier, TopologyRule::DensityAtOrAboveDense);
        } else {
            rule(DispatchTopology::HybridFrontier, TopologyRule::DensityBetween);
        }
    }

    /// Step 5. A bound is formed only in the arm that compares with it.
    bool hold_previous(std::optional<DispatchTopology> previous) {
        using enum DispatchTopology;
        const DispatchTopology raw = answer_.topology;
        if (raw == Empty || raw == MemoryConstrained || !previous) {
            return true;
        }
        if (*previous == MemoryConstrained) {
            return hold_from(parameters_.memory_pressure_threshold, ErrorField::MemoryPressureThreshold,
                             readings_.pressure, true, MemoryConstrained, TopologyHold::MemoryNotYetRelieved);
        }
        const BasisPoints sparse = parameters_.sparse_frontier_threshold;
        const BasisPoints dense = parameters_.dense_frontier_threshold;
        const Unbounded& density = readings_.density;
        if (*previous == SparseFrontier && raw != SparseFrontier) {
            return hold_up_to(sparse, ErrorField::SparseFrontierThreshold, density, SparseFrontier,
                              TopologyHold::SparseAboveThreshold);
        }
        if (*previous == HybridFrontier && raw == SparseFrontier) {
            return hold_from(sparse, ErrorField::SparseFrontierThreshold, density, true, HybridFrontier,
                             TopologyHold::HybridBelowSparse);
        }
        if (*previous == HybridFrontier && (raw == DenseFrontier || raw == FusedDense)) {
            return hold_up_to(dense, ErrorField::DenseFrontierThreshold, density, HybridFrontier,
                              TopologyHold::HybridAboveDense);
        }
        if (*previous == DenseFrontier && raw == HybridFrontier) {
            return hold_from(dense, ErrorField::DenseFrontierThreshold, density, true, DenseFrontier,
                             TopologyHold::DenseBelowThreshold);
        }
        if (*previous == FusedDense && raw == HybridFrontier) {
            const bool still_fusable = readings_.edges >= parameters_.fusion_edge_threshold && hot();
            return hold_from(dense, ErrorField::DenseFrontierThreshold, density, still_fusable, FusedDense,
                             TopologyHold::FusedBelowThreshold);
        }
        return true;
    }

    bool hold_up_to(BasisPoints threshold, ErrorField field, const Unbounded& reading, DispatchTopology held,
                    TopologyHold why) {
        const Unbounded bound = Unbounded(threshold.value()) + parameters_.hysteresis.value();
        if (bound > kReadingMax) {
            return refuse(ErrorCode::ThresholdOutOfRange, field, threshold.value(), kReadingMax);
        }
        hold(reading <= bound, held, why);
        return true;
    }

    bool hold_from(BasisPoints threshold, ErrorField field, const Unbounded& reading, bool also,
                   DispatchTopology held, TopologyHold why) {
        const Unbounded bound = Unbounded(threshold.value()) - parameters_.hysteresis.value();
        if (bound < 0) {
            return refuse(ErrorCode::ThresholdOutOfRange, field, threshold.value(), 0);
        }
        hold(reading >= bound && also, held, why);
        return true;
    }

    void hold(bool stays, DispatchTopology held, TopologyHold why) {
        if (stays) {
            answer_.topology = held;
            answer_.hold = why;
        }
    }

    /// Step 6.
    bool shed_groups() {
        groups_ = readings_.asked_groups;
        if (groups_ <= 1) {
            return true;
        }
        if (answer_.topology == DispatchTopology::MemoryConstrained && readings_.pressure != 0) {
            const Unbounded threshold = parameters_.memory_pressure_threshold.value();
            if (threshold > kWhole) {
                return refuse(ErrorCode::ThresholdOutOfRange, ErrorField::MemoryPressureThreshold, threshold,
                              kWhole);
            }
            const Unbounded span = larger(kWhole - threshold, 1);
            const Unbounded above = larger(readings_.pressure - threshold, 0);
            const Unbounded over = smaller(above, span);
            const Unbounded keep = kWhole - (2500 + over * 2500 / span);
            groups_ = larger(groups_ * keep / kWhole, 1);
        } else if (answer_.topology == DispatchTopology::SparseFrontier && readings_.nodes != 0 &&
                   readings_.density != 0) {
            const Unbounded span = larger(parameters_.sparse_frontier_threshold.value(), 1);
            const Unbounded density = smaller(readings_.density, span);
            const Unbounded floor = smaller(groups_, 32);
            const Unbounded kept = larger(groups_ * density / span, floor);
            groups_ = smaller(kept, groups_);
        }
        return true;
    }

    /// Step 7: adapter limits, then worker groups, lanes a group, padded slots and the grid.
    bool size_grid() {
        if (request_.max_workgroup_size_x == 0) {
            return refuse(ErrorCode::ZeroAdapterLimit, ErrorField::MaxWorkgroupSizeX, 0, 1);
        }
        if (request_.max_compute_workgroups_per_dimension == 0) {
            return refuse(ErrorCode::ZeroAdapterLimit, ErrorField::MaxComputeWorkgroupsPerDimension, 0, 1);
        }
        if (request_.max_compute_invocations_per_workgroup == 0) {
            return refuse(ErrorCode::ZeroAdapterLimit, ErrorField::MaxComputeInvocationsPerWorkgroup, 0, 1);
        }
        const Unbounded wanted = groups_ != 0 ? groups_ : default_groups();
        groups_ = larger(smaller(wanted, request_.max_compute_workgroups_per_dimension), 1);
        const Unbounded lanes = smaller(groups_, request_.max_workgroup_size_x);
        const Unbounded tiles = larger(saturating(larger(readings_.queue, 1) + lanes - 1) / lanes, 1);
        const Unbounded slots = saturating(tiles * lanes);
        const Unbounded filled = larger(saturating(slots + lanes - 1) / lanes, 1);
        answer_.worker_groups = groups_;
        answer_.workgroup_size_x = lanes;
        answer_.slot_count = slots;
        answer_.dispatch_grid_x = smaller(smaller(filled, groups_), parameters_.sizing.dispatch_workgroups_max);
        return true;
    }

    Unbounded default_groups() const {
        const SizingPolicy& sizing = parameters_.sizing;
        const Unbounded divisor = larger(sizing.occupancy_divisor, 1);
        const Unbounded most = larger(sizing.dispatch_workgroups_max, 1);
        const Unbounded share = Unbounded(request_.max_compute_workgroups_per_dimension) / divisor;
        const Unbounded groups = smaller(larger(share, 1), most);
        const bool powerful = request_.max_compute_invocations_per_workgroup >= sizing.powerful_invocations;
        return powerful ? larger(groups, sizing.powerful_groups_min) : groups;
    }

    /// A 32-bit sum or product that stops at the largest value.
    Unbounded saturating(const Unbounded& exact) {
        answer_.saturated = answer_.saturated || exact > kCountMax;
        return smaller(exact, kCountMax);
    }

    /// Step 8.
    bool classify_queue() {
        if (readings_.queue == 0) {
            answer_.pressure = QueuePressure::Empty;
            return true;
        }
        const Unbounded lanes = larger(answer_.dispatch_grid_x * answer_.workgroup_size_x, 1);
        const Unbounded saturated_from = lanes * parameters_.saturated_waves;
        if (saturated_from > kBytesMax) {
            return refuse_too_large(ErrorField::PressureLanes, saturated_from, kBytesMax);
        }
        if (request_.requeue_count > 0 || readings_.queue >= saturated_from) {
            answer_.pressure = QueuePressure::Saturated;
        } else {
            answer_.pressure = readings_.queue >= lanes ? QueuePressure::Balanced : QueuePressure::Light;
        }
        return true;
    }

    /// Step 9. The product is formed left to right, and each partial product must fit 32 bits.
    bool derive_capacity() {
        answer_.hit_capacity = request_.requested_hit_capacity.value_or(0);
        if (answer_.hit_capacity != 0) {
            return true;
        }
        const Unbounded hits = readings_.queue * larger(request_.expected_hits_per_item, 1);
        if (hits > kCountMax) {
            return refuse_too_large(ErrorField::HitCapacity, hits, kCountMax);
        }
        const Unbounded capacity = pressed() ? hits : hits * parameters_.hit_capacity_multiplier;
        if (capacity > kCountMax) {
            return refuse_too_large(ErrorField::HitCapacity, capacity, kCountMax);
        }
        answer_.hit_capacity = larger(capacity, parameters_.min_hit_capacity);
        return true;
    }

    /// Step 10.
    bool add_up_peak() {
        const Unbounded scratch = answer_.hit_capacity * parameters_.scratch_bytes_per_hit;
        const Unbounded peak = request_.resident_device_bytes.value() + scratch;
        if (peak > kBytesMax) {
            return refuse_too_large(ErrorField::PeakDeviceBytes, peak, kBytesMax);
        }
        if (readings_.budget != 0 && peak > readings_.budget) {
            return refuse(ErrorCode::OutOfMemory, ErrorField::PeakDeviceBytes, peak, readings_.budget);
        }
        answer_.peak_device_bytes = peak;
        answer_.device_memory_budget = readings_.budget;
        return true;
    }

    /// An error carries 64 bits: a larger amount is reported as the largest.
    bool refuse_too_large(ErrorField field, const Unbounded& exact, const Unbounded& limit) {
        return refuse(ErrorCode::CapacityOverflow, field, smaller(exact, kBytesMax), limit);
    }

    /// Step 11.
    void set_route_and_flags() {
        const bool jit = request_.queue_len >= parameters_.jit_queue_len_threshold || hot() ||
                         answer_.topology == DispatchTopology::FusedDense;
        answer_.execution_mode = jit ? ExecutionMode::Jit : ExecutionMode::Interpreter;
        answer_.promote_hot_opcodes = readings_.hot_opcodes;
        answer_.promote_hot_windows = readings_.hot_windows;
        answer_.age_priority_work =
            request_.requeue_count > 0 || request_.max_priority_age >= parameters_.priority_age_threshold;
    }

    [[nodiscard]] bool hot() const { return readings_.hot_opcodes || readings_.hot_windows; }
    [[nodiscard]] bool pressed() const {
        return readings_.pressure >= parameters_.memory_pressure_threshold.value();
    }

    const LaunchPolicyParameters& parameters_;
    const LaunchRequest& request_;
    Readings readings_;
    Unbounded groups_;
    ModelAnswer answer_;
};

/// Remembers the first pair of values that differ.
class Comparison {
public:
    template <class Model, class Code>
    void field(std::string_view name, const Model& model, const Code& code) {
        if (line_.empty() && !(model == code)) {
            line_ = fmt::format("{}: model {}, code {}", name, text_of(model), text_of(code));
        }
    }
    [[nodiscard]] const std::string& line() const { return line_; }

private:
    template <class Value>
    static std::string text_of(const Value& value) {
        std::ostringstream text;
        if constexpr (std::is_enum_v<Value>) {
            if constexpr (requires { to_string(value); }) {
                text << to_string(value);
            } else {
                text << static_cast<int>(value);
            }
        } else {
            text << value;
        }
        return text.str();
    }

    std::string line_;
};

std::string text_of(const ModelError& error) {
    return to_string(Error{error.code, error.field, static_cast<std::uint64_t>(error.actual),
                           static_cast<std::uint64_t>(error.limit)});
}

}  // namespace

ModelAnswer reference_model(const LaunchPolicyParameters& parameters, const LaunchRequest& request,
                            std::optional<DispatchTopology> previous) {
    return Decision(parameters, request).answer(previous);
}

std::string difference(const ModelAnswer& model, const Result<reference::Answer>& code) {
    if (model.error && code) {
        return fmt::format("outcome: model error ({}), code ok", text_of(*model.error));
    }
    if (!model.error && !code) {
        return fmt::format("outcome: model ok, code error ({})", to_string(code.error()));
    }
    Comparison comparison;
    if (model.error) {
        comparison.field("error code", model.error->code, code.error().code);
        comparison.field("error field", model.error->field, code.error().field);
        comparison.field("error actual", model.error->actual, code.error().actual);
        comparison.field("error limit", model.error->limit, code.error().limit);
        if (comparison.line().empty()) {
            return {};
        }
        return fmt::format("{}: model says \"{}\", code says \"{}\"", comparison.line(), text_of(*model.error),
                           to_string(code.error()));
    }
    const LaunchRecommendation& got = code->recommendation;
    comparison.field("topology", model.topology, got.topology);
    comparison.field("chosen topology", model.topology, code->choice.topology);
    comparison.field("rule", model.rule, code->choice.rule);
    comparison.field("hold", model.hold, code->choice.hold);
    comparison.field("worker_groups", model.worker_groups, got.worker_groups);
    comparison.field("workgroup_size_x", model.workgroup_size_x, got.geometry.workgroup_size_x);
    comparison.field("slot_count", model.slot_count, got.geometry.slot_count.value());
    comparison.field("dispatch_grid x", model.dispatch_grid_x, got.geometry.dispatch_grid[0]);
    comparison.field("dispatch_grid y", 1U, got.geometry.dispatch_grid[1]);
    comparison.field("dispatch_grid z", 1U, got.geometry.dispatch_grid[2]);
    comparison.field("hit_capacity", model.hit_capacity, got.hit_capacity);
    comparison.field("peak bytes", model.peak_device_bytes, got.estimated_peak_device_bytes.value());
    comparison.field("budget", model.device_memory_budget != 0, got.device_memory_budget.has_value());
    comparison.field("budget", model.device_memory_budget, got.device_memory_budget.value_or(Bytes()).value());
    comparison.field("pressure", model.pressure, got.pressure);
    comparison.field("execution_mode", model.execution_mode, got.execution_mode);
    comparison.field("promote_hot_opcodes", model.promote_hot_opcodes, got.promote_hot_opcodes);
    comparison.field("promote_hot_windows", model.promote_hot_windows, got.promote_hot_windows);
    comparison.field("age_priority_work", model.age_priority_work, got.age_priority_work);
    return comparison.line();
}

}  // namespace megabed
