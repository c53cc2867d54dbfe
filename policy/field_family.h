#pragma once

#include "policy/launch_parameters.h"
#include "policy/policy.h"

#include <memory>

namespace megabed {

/// The switching rules of the field as policies; FIELD_RULES.md describes each.

[[nodiscard]] std::unique_ptr<Policy> make_gap_policy(const LaunchPolicyParameters& parameters);
[[nodiscard]] std::unique_ptr<Policy> make_cugraph_policy(const LaunchPolicyParameters& parameters);
[[nodiscard]] std::unique_ptr<Policy> make_gunrock_policy(const LaunchPolicyParameters& parameters);
[[nodiscard]] std::unique_ptr<Policy> make_gswitch_policy(const LaunchPolicyParameters& parameters);
[[nodiscard]] std::unique_ptr<Policy> make_vyre_driver_policy(const LaunchPolicyParameters& parameters);

/// Learns which topology is cheapest at which density from the launches it is told of.
[[nodiscard]] std::unique_ptr<Policy> make_bandit_policy(const LaunchPolicyParameters& parameters);

}  // namespace megabed
