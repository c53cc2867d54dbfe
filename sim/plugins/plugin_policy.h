#pragma once

#include "policy/launch_parameters.h"
#include "policy/policy.h"
#include "sim/input_error.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace megabed {

/// Whether a policy's name is the path of a shared library.
[[nodiscard]] bool is_plugin_path(std::string_view name);

/// Loads a policy from a shared library; see policy/plugin_abi.h.
/// The calling process forks here, once: the child returns and goes on with the library loaded, the parent
/// stays behind to watch it and ends with the child's exit status. If the library crashes the child or does not
/// answer within the deadline, the parent says so, names the request, and exits with status 2; an answer that
/// cannot be one ends the child in the same way. The policy must be used from one thread. Requires: no other
/// thread runs yet. Errors: no such file, not a library, no symbol megabed_policy, another version of the
/// interface.
[[nodiscard]] Loaded<std::function<std::unique_ptr<Policy>(const LaunchPolicyParameters&)>> load_plugin(
    const std::filesystem::path& path);

}  // namespace megabed
