#include "scenarios/request_fields.h"

#include <array>
#include <limits>
#include <type_traits>

namespace megabed {
namespace {

template <class Value>
constexpr std::uint64_t number_of(const Value& value) {
    if constexpr (std::is_integral_v<Value>) {
        return value;
    } else {
        return value.value();
    }
}

template <class Value>
struct Inner {
    using type = Value;
    static constexpr bool kOptional = false;
};
template <class Value>
struct Inner<std::optional<Value>> {
    using type = Value;
    static constexpr bool kOptional = true;
};

template <class Value>
constexpr Value value_of(std::uint64_t number) {
    if constexpr (std::is_integral_v<Value>) {
        return static_cast<Value>(number);
    } else {
        return Value(static_cast<typename Value::representation>(number));
    }
}

template <class Value>
constexpr std::uint64_t most_of() {
    if constexpr (std::is_integral_v<Value>) {
        return std::numeric_limits<Value>::max();
    } else {
        return Value::max().value();
    }
}

template <auto Field>
constexpr RequestField request_field(std::string_view name) {
    using Stored = std::remove_cvref_t<decltype(std::declval<LaunchRequest&>().*Field)>;
    using Value = typename Inner<Stored>::type;
    RequestField field;
    field.name = name;
    field.optional = Inner<Stored>::kOptional;
    field.most = most_of<Value>();
    field.get = [](const LaunchRequest& request) -> std::optional<std::uint64_t> {
        if constexpr (Inner<Stored>::kOptional) {
            return request.*Field ? std::optional(number_of(*(request.*Field))) : std::nullopt;
        } else {
            return number_of(request.*Field);
        }
    };
    field.set = [](LaunchRequest& request, std::optional<std::uint64_t> value) {
        if constexpr (Inner<Stored>::kOptional) {
            request.*Field = value ? Stored(value_of<Value>(*value)) : std::nullopt;
        } else {
            request.*Field = value_of<Value>(value.value_or(0));
        }
    };
    return field;
}

template <auto Field>
constexpr ParameterField parameter_field(std::string_view name) {
    using Value = std::remove_cvref_t<decltype(std::declval<LaunchPolicyParameters&>().*Field)>;
    return {name, most_of<Value>(),
            [](const LaunchPolicyParameters& parameters) { return number_of(parameters.*Field); },
            [](LaunchPolicyParameters& parameters, std::uint64_t value) {
                parameters.*Field = value_of<Value>(value);
            }};
}

constexpr std::array kRequestFields{
    request_field<&LaunchRequest::queue_len>("queue_len"),
    request_field<&LaunchRequest::requested_worker_groups>("requested_worker_groups"),
    request_field<&LaunchRequest::max_workgroup_size_x>("max_workgroup_size_x"),
    request_field<&LaunchRequest::max_compute_workgroups_per_dimension>("max_compute_workgroups_per_dimension"),
    request_field<&LaunchRequest::max_compute_invocations_per_workgroup>(
        "max_compute_invocations_per_workgroup"),
    request_field<&LaunchRequest::requested_hit_capacity>("requested_hit_capacity"),
    request_field<&LaunchRequest::expected_hits_per_item>("expected_hits_per_item"),
    request_field<&LaunchRequest::hot_opcode_count>("hot_opcode_count"),
    request_field<&LaunchRequest::hot_window_count>("hot_window_count"),
    request_field<&LaunchRequest::requeue_count>("requeue_count"),
    request_field<&LaunchRequest::max_priority_age>("max_priority_age"),
    request_field<&LaunchRequest::graph_node_count>("graph_node_count"),
    request_field<&LaunchRequest::graph_edge_count>("graph_edge_count"),
    request_field<&LaunchRequest::frontier_density>("frontier_density_bps"),
    request_field<&LaunchRequest::memory_pressure>("memory_pressure_bps"),
    request_field<&LaunchRequest::resident_device_bytes>("resident_device_bytes"),
    request_field<&LaunchRequest::device_memory_budget>("device_memory_budget_bytes"),
};

constexpr std::array kParameterFields{
    parameter_field<&LaunchPolicyParameters::min_hit_capacity>("min_hit_capacity"),
    parameter_field<&LaunchPolicyParameters::hit_capacity_multiplier>("hit_capacity_multiplier"),
    parameter_field<&LaunchPolicyParameters::saturated_waves>("saturated_waves"),
    parameter_field<&LaunchPolicyParameters::hot_opcode_threshold>("hot_opcode_threshold"),
    parameter_field<&LaunchPolicyParameters::hot_window_threshold>("hot_window_threshold"),
    parameter_field<&LaunchPolicyParameters::jit_queue_len_threshold>("jit_queue_len_threshold"),
    parameter_field<&LaunchPolicyParameters::priority_age_threshold>("priority_age_threshold"),
    parameter_field<&LaunchPolicyParameters::sparse_frontier_threshold>("sparse_frontier_threshold_bps"),
    parameter_field<&LaunchPolicyParameters::dense_frontier_threshold>("dense_frontier_threshold_bps"),
    parameter_field<&LaunchPolicyParameters::memory_pressure_threshold>("memory_pressure_threshold_bps"),
    parameter_field<&LaunchPolicyParameters::hysteresis>("hysteresis_bps"),
    parameter_field<&LaunchPolicyParameters::fusion_edge_threshold>("fusion_edge_threshold"),
    parameter_field<&LaunchPolicyParameters::scratch_bytes_per_hit>("scratch_bytes_per_hit"),
};

}  // namespace

std::span<const RequestField> request_fields() { return kRequestFields; }
std::span<const ParameterField> parameter_fields() { return kParameterFields; }

}  // namespace megabed
