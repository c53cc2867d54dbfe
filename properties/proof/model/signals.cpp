#include "properties/proof/model/signals.h"

#include <string_view>

namespace megabed::proof {
namespace {

z3::expr of(z3::context& context, int value) { return context.int_val(value); }

template <class Value>
Optional optional_from(const Input& input, const std::string& name, unsigned bits,
                       const std::optional<Value>& value, std::uint64_t number) {
    return {input(name + " read", 1, value ? 1 : 0) == 1, input(name, bits, number)};
}

Optional count_from(const Input& input, const std::string& name, const std::optional<std::uint32_t>& value) {
    return optional_from(input, name, 32, value, value.value_or(0));
}

Optional bps_from(const Input& input, const std::string& name, const std::optional<BasisPoints>& value) {
    return optional_from(input, name, 16, value, value.value_or(BasisPoints(0)).value());
}

Choice choice_of(z3::context& context, DispatchTopology topology, TopologyRule rule) {
    return {of(context, code_of(topology)), of(context, code_of(rule)),
            of(context, code_of(TopologyHold::None))};
}

}  // namespace

Input symbols_in(Ledger& ledger) {
    return [&ledger](const std::string& name, unsigned bits, std::uint64_t /*value*/) {
        return ledger.symbol(name, bits);
    };
}

Input numerals_in(Ledger& ledger) {
    return [&ledger](const std::string& /*name*/, unsigned /*bits*/, std::uint64_t value) {
        return ledger.number(value);
    };
}

Parameters parameters_from(const Input& input, const LaunchPolicyParameters& values) {
    return {.sparse = input("sparse_frontier_threshold", 16, values.sparse_frontier_threshold.value()),
            .dense = input("dense_frontier_threshold", 16, values.dense_frontier_threshold.value()),
            .memory = input("memory_pressure_threshold", 16, values.memory_pressure_threshold.value()),
            .hysteresis = input("hysteresis", 16, values.hysteresis.value()),
            .min_hit_capacity = input("min_hit_capacity", 32, values.min_hit_capacity),
            .multiplier = input("hit_capacity_multiplier", 32, values.hit_capacity_multiplier),
            .waves = input("saturated_waves", 32, values.saturated_waves),
            .hot_opcodes = input("hot_opcode_threshold", 32, values.hot_opcode_threshold),
            .hot_windows = input("hot_window_threshold", 32, values.hot_window_threshold),
            .jit_queue = input("jit_queue_len_threshold", 32, values.jit_queue_len_threshold),
            .priority_age = input("priority_age_threshold", 32, values.priority_age_threshold),
            .fusion_edges = input("fusion_edge_threshold", 32, values.fusion_edge_threshold),
            .scratch = input("scratch_bytes_per_hit", 32, values.scratch_bytes_per_hit),
            .occupancy_divisor = input("occupancy_divisor", 32, values.sizing.occupancy_divisor),
            .dispatch_max = input("dispatch_workgroups_max", 32, values.sizing.dispatch_workgroups_max),
            .powerful_invocations = input("powerful_invocations", 32, values.sizing.powerful_invocations),
            .powerful_groups = input("powerful_groups_min", 32, values.sizing.powerful_groups_min)};
}

z3::expr valid(const Parameters& parameters) {
    const z3::expr& width = parameters.hysteresis;
    constexpr int kWhole = kWholeBps;
    return parameters.sparse > width && parameters.sparse + width < parameters.dense - width &&
           parameters.dense + width < kWhole && parameters.memory > width && parameters.memory <= kWhole &&
           parameters.multiplier >= 1 && parameters.waves >= 1;
}

Request request_from(const Input& input, const LaunchRequest& values) {
    const std::uint64_t budget = values.device_memory_budget.value_or(Bytes(0)).value();
    return {.queue = input("queue_len", 32, values.queue_len),
            .max_lanes = input("max_workgroup_size_x", 32, values.max_workgroup_size_x),
            .max_groups =
                input("max_compute_workgroups_per_dimension", 32, values.max_compute_workgroups_per_dimension),
            .max_invocations = input("max_compute_invocations_per_workgroup", 32,
                                     values.max_compute_invocations_per_workgroup),
            .expected_hits = input("expected_hits_per_item", 32, values.expected_hits_per_item),
            .hot_opcodes = input("hot_opcode_count", 32, values.hot_opcode_count),
            .hot_windows = input("hot_window_count", 32, values.hot_window_count),
            .requeues = input("requeue_count", 64, values.requeue_count),
            .priority_age = input("max_priority_age", 32, values.max_priority_age),
            .resident = input("resident_device_bytes", 64, values.resident_device_bytes.value()),
            .groups = count_from(input, "requested_worker_groups", values.requested_worker_groups),
            .hit_capacity = count_from(input, "requested_hit_capacity", values.requested_hit_capacity),
            .nodes = count_from(input, "graph_node_count", values.graph_node_count),
            .edges = count_from(input, "graph_edge_count", values.graph_edge_count),
            .density = bps_from(input, "frontier_density", values.frontier_density),
            .pressure = bps_from(input, "memory_pressure", values.memory_pressure),
            .budget = optional_from(input, "device_memory_budget", 64, values.device_memory_budget, budget)};
}

Failing failing_if(const z3::expr& failed, ErrorCode code, ErrorField field, const z3::expr& actual,
                   const z3::expr& limit) {
    z3::context& context = failed.ctx();
    return {failed, of(context, code_of(code)), of(context, code_of(field)), actual, limit};
}

Failing never_failing(z3::context& context) {
    return failing_if(context.bool_val(false), ErrorCode{}, ErrorField{}, of(context, 0), of(context, 0));
}

Failing first_of(const Failing& earlier, const Failing& later) {
    const z3::expr& first = earlier.failed;
    return {first || later.failed, z3::ite(first, earlier.code, later.code),
            z3::ite(first, earlier.field, later.field), z3::ite(first, earlier.actual, later.actual),
            z3::ite(first, earlier.limit, later.limit)};
}

Failing zero_limit(const Request& request) {
    z3::context& context = request.queue.ctx();
    const auto zero = [&](const z3::expr& limit, ErrorField field) {
        return failing_if(limit == 0, ErrorCode::ZeroAdapterLimit, field, of(context, 0), of(context, 1));
    };
    return first_of(zero(request.max_lanes, ErrorField::MaxWorkgroupSizeX),
                    first_of(zero(request.max_groups, ErrorField::MaxComputeWorkgroupsPerDimension),
                             zero(request.max_invocations, ErrorField::MaxComputeInvocationsPerWorkgroup)));
}

z3::expr ratio_floor(Ledger& ledger, const std::string& what, const z3::expr& part, const z3::expr& whole) {
    constexpr int kWhole = kWholeBps;
    const z3::expr scaled = part * kWhole;
    const z3::expr share = scaled / whole;
    const z3::expr narrow = part <= ledger.number(Bytes::max().value() / kWholeBps);
    {
        const Ledger::Path path(ledger, part < whole && narrow);
        ledger.fits(what + ": part x 10000 in the narrow branch", scaled, 64);
        ledger.fits(what + ": the narrow quotient", share, 16);
    }
    {
        const Ledger::Path path(ledger, part < whole && !narrow);
        ledger.fits(what + ": part x 10000 in the wide branch", scaled, 128);
        ledger.fits(what + ": the wide quotient", share, 16);
    }
    return z3::ite(part >= whole, of(part.ctx(), kWhole), share);
}

z3::expr default_groups(Ledger& ledger, const Parameters& parameters, const Request& request) {
    const z3::expr one = ledger.number(1);
    const z3::expr share = ledger.quotient(request.max_groups, most(parameters.occupancy_divisor, one));
    const z3::expr by_occupancy = least(most(share, one), most(parameters.dispatch_max, one));
    z3::expr groups = z3::ite(request.max_invocations >= parameters.powerful_invocations,
                              most(by_occupancy, parameters.powerful_groups), by_occupancy);
    ledger.fits("default groups: the share of the largest grid", share, 32);
    ledger.fits("default groups", groups, 32);
    ledger.holds("default groups are at least 1", groups >= 1);
    return groups;
}

Choice choose(const z3::expr& condition, const Choice& yes, const Choice& no) {
    return {z3::ite(condition, yes.topology, no.topology), z3::ite(condition, yes.rule, no.rule),
            z3::ite(condition, yes.hold, no.hold)};
}

Choice raw_topology(const Parameters& parameters, const Signals& signals) {
    using enum DispatchTopology;
    using enum TopologyRule;
    z3::context& context = signals.queue.ctx();
    const z3::expr large = signals.nodes > 0 && signals.edges >= parameters.fusion_edges;
    const Choice dense = choose(large && signals.hot, choice_of(context, FusedDense, DenseLargeAndHot),
                                choice_of(context, DenseFrontier, DensityAtOrAboveDense));
    const Choice above_sparse =
        choose(signals.density < parameters.dense, choice_of(context, HybridFrontier, DensityBetween), dense);
    const Choice frontier = choose(signals.density <= parameters.sparse,
                                   choice_of(context, SparseFrontier, DensityAtOrBelowSparse), above_sparse);
    const Choice queued = choose(signals.pressure >= parameters.memory,
                                 choice_of(context, MemoryConstrained, PressureAtThreshold), frontier);
    return choose(signals.queue == 0, choice_of(context, Empty, QueueEmpty), queued);
}

namespace {

/// One arm of the hysteresis: when it is taken, whether it holds, and when its bound is out of range.
struct Arm {
    z3::expr taken;
    z3::expr stays;
    Failing failing;
    DispatchTopology held;
    TopologyHold why;
};

class Hysteresis {
public:
    Hysteresis(Ledger& ledger, const z3::expr& applies, const z3::expr& width)
        : ledger_(ledger), applies_(applies), width_(width) {}

    /// Holds while reading <= threshold + hysteresis.
    Arm up_to(const z3::expr& when, const z3::expr& threshold, ErrorField field, const z3::expr& reading,
              DispatchTopology held, TopologyHold why) {
        const z3::expr bound = threshold + width_;
        const z3::expr range_end = ledger_.number(BasisPoints::max().value());
        const z3::expr out = bound > range_end;
        const Ledger::Path path(ledger_, applies_ && when);
        ledger_.fits(name(why) + ": threshold + hysteresis, before it is checked,", bound, 32);
        ledger_.holds(name(why) + ": for valid parameters its bound is in range", !out);
        const Ledger::Path checked(ledger_, !out);
        ledger_.fits(name(why) + ": threshold + hysteresis, once checked,", bound, 16);
        return {when, reading <= bound,
                failing_if(when && out, ErrorCode::ThresholdOutOfRange, field, threshold, range_end), held,
                why};
    }

    /// Holds while reading >= threshold - hysteresis.
    Arm from(const z3::expr& when, const z3::expr& threshold, ErrorField field, const z3::expr& reading,
             DispatchTopology held, TopologyHold why) {
        const z3::expr bound = threshold - width_;
        const z3::expr out = threshold < width_;
        const Ledger::Path path(ledger_, applies_ && when);
        ledger_.holds(name(why) + ": for valid parameters its bound is in range", !out);
        const Ledger::Path checked(ledger_, !out);
        ledger_.fits(name(why) + ": threshold - hysteresis, once checked,", bound, 16);
        return {when, reading >= bound,
                failing_if(when && out, ErrorCode::ThresholdOutOfRange, field, threshold, ledger_.number(0)),
                held, why};
    }

private:
    static std::string name(TopologyHold why) { return "hold " + std::string(to_string(why)); }

    Ledger& ledger_;
    z3::expr applies_;
    z3::expr width_;
};

}  // namespace

Stabilised stabilised_topology(Ledger& ledger, const Parameters& parameters, const Signals& signals,
                               const z3::expr& previous) {
    using enum DispatchTopology;
    using enum TopologyHold;
    const Choice raw = raw_topology(parameters, signals);
    const auto was = [&](DispatchTopology topology) { return previous == code_of(topology); };
    const auto is = [&](DispatchTopology topology) { return raw.topology == code_of(topology); };
    const z3::expr applies = !is(Empty) && !is(MemoryConstrained) && previous != kNoTopology;
    const z3::expr fusable = signals.edges >= parameters.fusion_edges && signals.hot;
    Hysteresis hysteresis(ledger, applies, parameters.hysteresis);
    std::vector<Arm> arms;
    arms.push_back(hysteresis.from(was(MemoryConstrained), parameters.memory,
                                   ErrorField::MemoryPressureThreshold, signals.pressure, MemoryConstrained,
                                   MemoryNotYetRelieved));
    arms.push_back(hysteresis.up_to(was(SparseFrontier) && !is(SparseFrontier), parameters.sparse,
                                    ErrorField::SparseFrontierThreshold, signals.density, SparseFrontier,
                                    SparseAboveThreshold));
    arms.push_back(hysteresis.from(was(HybridFrontier) && is(SparseFrontier), parameters.sparse,
                                   ErrorField::SparseFrontierThreshold, signals.density, HybridFrontier,
                                   HybridBelowSparse));
    arms.push_back(hysteresis.up_to(was(HybridFrontier) && (is(DenseFrontier) || is(FusedDense)),
                                    parameters.dense, ErrorField::DenseFrontierThreshold, signals.density,
                                    HybridFrontier, HybridAboveDense));
    arms.push_back(hysteresis.from(was(DenseFrontier) && is(HybridFrontier), parameters.dense,
                                   ErrorField::DenseFrontierThreshold, signals.density, DenseFrontier,
                                   DenseBelowThreshold));
    arms.push_back(hysteresis.from(was(FusedDense) && is(HybridFrontier), parameters.dense,
                                   ErrorField::DenseFrontierThreshold, signals.density, FusedDense,
                                   FusedBelowThreshold));
    arms.back().stays = arms.back().stays && fusable;

    Stabilised result{raw, never_failing(ledger.context())};
    for (const Arm& arm : arms) {
        const Choice held{ledger.context().int_val(code_of(arm.held)), raw.rule,
                          ledger.context().int_val(code_of(arm.why))};
        result.choice = choose(applies && arm.taken && arm.stays, held, result.choice);
        result.failing = first_of(result.failing, arm.failing);
    }
    result.failing.failed = applies && result.failing.failed;
    return result;
}

}  // namespace megabed::proof
