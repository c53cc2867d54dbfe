#pragma once

#include "properties/boundary_enumeration.h"
#include "properties/expectation_file.h"
#include "properties/policy_law.h"
#include "properties/proof/policy_proof.h"
#include "sim/input_error.h"

#include <cstdint>
#include <stop_token>
#include <vector>

namespace megabed {

struct ProveOptions {
    LaunchPolicyParameters parameters{};  ///< of the enumeration; the proofs are for all valid ones
    std::uint64_t tie_cases = 5000;
    std::uint64_t seed = 1;
    unsigned jobs = 1;
    std::stop_token stop{};
};

/// What is shown beyond sampling.
struct ProveReport {
    /// Laws over every equivalence class, for the given parameters; see `enumerate_boundaries`.
    std::vector<EnumeratedLaw> enumerated{};
    /// Statements about a model of the policy, for all valid parameters and all signals; none if the policy has
    /// no model.
    std::vector<ProofResult> proved{};
    /// The same cases through model and code.
    TieResult tie{};
    bool has_model = false;
    bool interrupted = false;

    /// Whether a law over equivalence classes is expected to break.
    [[nodiscard]] static bool is_pinned(const EnumeratedLaw& law, const Expectations& expectations);
    /// Nothing is refuted, unknown or different, and only pinned laws break.
    [[nodiscard]] bool holds(const Expectations& expectations) const;
};

/// Enumerates, proves and ties. The models are those of `reference` and `hardened`.
/// Errors: Unavailable, if this build has no prover.
[[nodiscard]] Loaded<ProveReport> prove(const Subject& subject, const ProveOptions& options);

}  // namespace megabed
