#pragma once

#include "policy/launch_parameters.h"
#include "policy/policy.h"
#include "policy/policy_parts.h"

#include <memory>
#include <span>
#include <string_view>

namespace megabed {

/// One shipped policy. A new policy is one source pair and one row of `registered_policies`.
struct PolicyRow {
    std::string_view name;  ///< as in `--policy`
    std::string_view summary;
    std::unique_ptr<Policy> (*make)(const LaunchPolicyParameters& parameters);
    PolicyParts parts{};
};

/// All shipped policies, in the order in which they are listed.
[[nodiscard]] std::span<const PolicyRow> registered_policies();

/// The row of that name, or null if there is none.
[[nodiscard]] const PolicyRow* find_policy(std::string_view name);

/// The policy of that name, or null if there is none.
[[nodiscard]] std::unique_ptr<Policy> make_policy(std::string_view name,
                                                  const LaunchPolicyParameters& parameters);

}  // namespace megabed
