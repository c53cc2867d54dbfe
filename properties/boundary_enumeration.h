#pragma once

#include "properties/law_case.h"
#include "properties/policy_law.h"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace megabed {

/// One law over every equivalence class of inputs for given parameters.
struct EnumeratedLaw {
    std::string law;
    std::uint64_t classes = 0;    ///< combinations of state and signals the law was asked about
    std::uint64_t decisions = 0;  ///< it took to answer
    std::uint64_t broken = 0;     ///< combinations at which it breaks
    std::optional<LawCase> first_broken{};
    double seconds = 0.0;
};

struct EnumerationOptions {
    unsigned jobs = 1;
    std::stop_token stop{};
};

/// Checks S1, S2, S3, O1, O4, M1a and M2b exhaustively over equivalence classes: every comparison boundary that
/// the parameters define (thresholds, band ends, counter bands, warps, adapter limits, budgets around the tight
/// and the full peak), one below, on and one above, of every signal, with every signal absent where it may be,
/// from every settled topology, constrained or not, with warm or cold counters. The sequence laws (S) follow
/// every sequence of representatives of any length, as a graph of states.
/// What that proves: the law for all inputs, if the policy compares signals with nothing but these boundaries;
/// where it also computes with them (shedding, sizes) the search and the proofs over all values go further.
/// Requires: parameters that law O6 accepts.
[[nodiscard]] std::vector<EnumeratedLaw> enumerate_boundaries(const Subject& subject,
                                                              const LaunchPolicyParameters& parameters,
                                                              const EnumerationOptions& options = {});

}  // namespace megabed
