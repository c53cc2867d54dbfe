#pragma once

#include "policy/launch_parameters.h"
#include "policy/policy.h"
#include "policy/policy_parts.h"
#include "sim/input_error.h"

#include <functional>
#include <memory>
#include <string>

namespace megabed {

/// A policy by name: how it is made for given parameters, and what parts it has.
struct PolicySource {
    std::string name;
    std::function<std::unique_ptr<Policy>(const LaunchPolicyParameters&)> make;
    PolicyParts parts{};
    bool plugin = false;  ///< from a shared library: decides on the host, in one thread
};

/// The shipped policy of that name, or the plug-in of that path (`load_plugin`: the process forks).
/// Errors: no such policy, with the nearest name and all there are; those of the plug-in.
[[nodiscard]] Loaded<PolicySource> find_policy_source(const std::string& name);

}  // namespace megabed
