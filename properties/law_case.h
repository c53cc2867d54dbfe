#pragma once

#include "policy/launch_parameters.h"
#include "policy/launch_request.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace megabed {

/// Input of a law about a part of a policy (H1 to H3); the law says what each array means.
struct PartInput {
    std::vector<double> values;
    std::vector<double> weights;
    std::vector<std::uint32_t> integers;
    double rate = 0.0;
    std::uint32_t count = 0;
};

/// One input of a law. Any sequence of requests is a possible case; a law answers for those it speaks of.
struct LawCase {
    LaunchPolicyParameters parameters{};
    /// Answered one after another from a blank state: they lead to the state the law starts from.
    std::vector<LaunchRequest> prelude{};
    /// The requests the law speaks of, in the order it gives.
    std::vector<LaunchRequest> steps{};
    PartInput part{};
};

}  // namespace megabed
