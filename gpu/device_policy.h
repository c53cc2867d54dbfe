#pragma once

#include "policy/launch_parameters.h"
#include "policy/launch_request.h"
#include "policy/reference_policy.h"
#include "sim/input_error.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace megabed {

/// One question to the reference policy.
struct PolicyCase {
    LaunchPolicyParameters parameters{};
    LaunchRequest request{};
    std::optional<DispatchTopology> previous{};
};

/// Whether this build and this machine can run code on a CUDA device.
/// Errors: Unavailable, saying whether the build or the machine lacks something.
[[nodiscard]] Loaded<std::string> cuda_device_name();

/// Answers of the reference policy compiled as device code, one thread a case, in the order of the cases.
/// Errors: as `cuda_device_name`; a CUDA failure, with its text.
[[nodiscard]] Loaded<std::vector<Result<reference::Answer>>> recommend_on_device(
    std::span<const PolicyCase> cases);

}  // namespace megabed
