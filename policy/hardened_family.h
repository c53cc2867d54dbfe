#pragma once

#include "policy/launch_parameters.h"
#include "policy/policy.h"

#include <memory>

namespace megabed {

/// The policy that obeys every law. Parameters that law O6 refuses make every recommendation the same error,
/// InvalidParameter.
[[nodiscard]] std::unique_ptr<Policy> make_hardened_policy(const LaunchPolicyParameters& parameters);

/// The hardened policy, but by arcs where a traversal tells of them: policy/arc_policy.h.
[[nodiscard]] std::unique_ptr<Policy> make_arc_policy(const LaunchPolicyParameters& parameters);

}  // namespace megabed
