#pragma once

#include "policy/launch_parameters.h"
#include "policy/launch_request.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace megabed {

/// One field of a LaunchRequest under the name it has in files.
struct RequestField {
    std::string_view name;
    bool optional = false;   ///< whether it may be absent
    std::uint64_t most = 0;  ///< largest value of its type
    std::optional<std::uint64_t> (*get)(const LaunchRequest& request) = nullptr;
    /// Requires: a value that is at most `most`, and present unless the field is optional.
    void (*set)(LaunchRequest& request, std::optional<std::uint64_t> value) = nullptr;
};

/// All seventeen, in the order of the struct.
[[nodiscard]] std::span<const RequestField> request_fields();

/// One field of LaunchPolicyParameters under the name it has in `[policy]`.
struct ParameterField {
    std::string_view name;
    std::uint64_t most = 0;
    std::uint64_t (*get)(const LaunchPolicyParameters& parameters) = nullptr;
    void (*set)(LaunchPolicyParameters& parameters, std::uint64_t value) = nullptr;
};

/// All but the sizing constants, in the order of the struct.
[[nodiscard]] std::span<const ParameterField> parameter_fields();

}  // namespace megabed
