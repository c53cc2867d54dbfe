#pragma once

#include "policy/launch_parameters.h"
#include "policy/launch_recommendation.h"
#include "policy/launch_request.h"
#include "scenarios/request_toml.h"

#include <rapidcheck.h>
#include <cstdint>
#include <optional>
#include <vector>

namespace megabed::gen {

/// Numbers that aim at what comparisons look at: 0, 1, powers of two and thresholds, each -1, +0 and +1, the
/// largest value, and otherwise a number of any magnitude.
[[nodiscard]] rc::Gen<std::uint32_t> count();
/// As `count`, over 64 bits.
[[nodiscard]] rc::Gen<std::uint64_t> wide_count();
/// Basis points around the standard thresholds, the ends of their bands, 0, 10000 and beyond.
[[nodiscard]] rc::Gen<std::uint16_t> basis_points();

/// Any parameters at all, valid or not.
[[nodiscard]] rc::Gen<LaunchPolicyParameters> any_parameters();
/// Parameters that law O6 accepts; often the standard ones.
[[nodiscard]] rc::Gen<LaunchPolicyParameters> valid_parameters();

/// Any request at all; adapter limits of 0 are rare.
[[nodiscard]] rc::Gen<LaunchRequest> any_request();
/// A request that a real adapter and a queue with work make: limits above 0, sizes that do not overflow.
[[nodiscard]] rc::Gen<LaunchRequest> plausible_request();

[[nodiscard]] rc::Gen<std::optional<DispatchTopology>> previous_topology();

using megabed::base_request;

}  // namespace megabed::gen
