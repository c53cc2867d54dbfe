#pragma once

#include "policy/launch_parameters.h"
#include "policy/launch_request.h"
#include "properties/choices.h"

#include <cstdint>

/// Generators that aim at what comparisons look at: thresholds and band edges -1, +0 and +1, integer extremes,
/// sizes around warps, limits and budgets, readings that were not taken.
namespace megabed::aim {

/// Numbers near a threshold: on it, one beside it, at the ends of its counter band, 0, 1 or anything.
[[nodiscard]] std::uint32_t near_threshold(Choices& choices, std::uint32_t threshold);
/// Counts of any kind: small ones, powers of two -1, +0 and +1, extremes, any magnitude.
[[nodiscard]] std::uint32_t count(Choices& choices);

/// A density that may stand anywhere, most often near a threshold or an end of its band.
[[nodiscard]] BasisPoints density(Choices& choices, const LaunchPolicyParameters& parameters);
/// A pressure, likewise.
[[nodiscard]] BasisPoints pressure(Choices& choices, const LaunchPolicyParameters& parameters);

/// Parameters that law O6 accepts: the standard ones half of the time, else custom ones.
[[nodiscard]] LaunchPolicyParameters valid_parameters(Choices& choices);
/// Any parameters, most often with thresholds at the edge of what O6 accepts.
[[nodiscard]] LaunchPolicyParameters any_parameters(Choices& choices);

/// A request that a real adapter and a queue with work make, with signals near the parameters' thresholds.
[[nodiscard]] LaunchRequest plausible_request(Choices& choices, const LaunchPolicyParameters& parameters);
/// Any request of the types' full width.
[[nodiscard]] LaunchRequest wild_request(Choices& choices, const LaunchPolicyParameters& parameters);
/// Mostly plausible, sometimes wild.
[[nodiscard]] LaunchRequest any_request(Choices& choices, const LaunchPolicyParameters& parameters);

/// Sets a budget around what the request needs: its resident bytes and the scratch of its tight or full hit
/// capacity, -1, +0 or +1 byte, or in between.
void aim_budget(Choices& choices, const LaunchPolicyParameters& parameters, LaunchRequest& request);

}  // namespace megabed::aim
