#pragma once

#include "policy/launch_parameters.h"
#include "policy/launch_recommendation.h"
#include "policy/policy.h"

#include <memory>

namespace megabed {

/// The reference policy: raw topology, then hysteresis against the last successful launch.
[[nodiscard]] std::unique_ptr<Policy> make_reference_policy(const LaunchPolicyParameters& parameters);

/// The reference without memory: every launch is decided as if it were the first.
[[nodiscard]] std::unique_ptr<Policy> make_stateless_policy(const LaunchPolicyParameters& parameters);

/// One topology for every launch with work; the reference's rules fill in the rest.
template <DispatchTopology Topology>
[[nodiscard]] std::unique_ptr<Policy> make_fixed_policy(const LaunchPolicyParameters& parameters);

}  // namespace megabed
