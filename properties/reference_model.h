#pragma once

#include "policy/error.h"
#include "policy/launch_parameters.h"
#include "policy/launch_recommendation.h"
#include "policy/launch_request.h"
#include "policy/reference_policy.h"
#include "policy/topology.h"

#include <boost/multiprecision/cpp_int.hpp>
#include <optional>
#include <string>

namespace megabed {

using Unbounded = boost::multiprecision::cpp_int;

/// A typed error in unbounded integers. Units as in `Error`.
struct ModelError {
    ErrorCode code{};
    ErrorField field{};
    Unbounded actual{};
    Unbounded limit{};
};

/// What the specification answers. With an error, nothing else is meaningful except `saturated`.
struct ModelAnswer {
    std::optional<ModelError> error{};
    Unbounded workgroup_size_x{};
    Unbounded slot_count{};
    Unbounded dispatch_grid_x{};  ///< y and z are 1
    Unbounded worker_groups{};
    Unbounded hit_capacity{};
    Unbounded peak_device_bytes{};
    Unbounded device_memory_budget{};  ///< 0: unbounded
    QueuePressure pressure{};
    ExecutionMode execution_mode{};
    DispatchTopology topology{};
    TopologyRule rule{};
    TopologyHold hold{};
    bool promote_hot_opcodes = false;
    bool promote_hot_windows = false;
    bool age_priority_work = false;
    bool saturated = false;  ///< an operation that the specification calls saturating did saturate
};

/// The reference policy written a second time: naively, over unbounded integers, and sharing no arithmetic with
/// policy/. Wherever the specification saturates, clamps, or calls a size too large, that is a step of its own
/// here. Source: spec "Order of a recommendation" and "Sizing".
[[nodiscard]] ModelAnswer reference_model(const LaunchPolicyParameters& parameters,
                                          const LaunchRequest& request,
                                          std::optional<DispatchTopology> previous);

/// Empty where model and code agree in every field, else one line: the first field that differs and both
/// values.
[[nodiscard]] std::string difference(const ModelAnswer& model, const Result<reference::Answer>& code);

}  // namespace megabed
