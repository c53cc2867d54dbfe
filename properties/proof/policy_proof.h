#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace megabed {

/// One statement about the model of a policy, for all valid parameters (law O6) and all signals.
struct ProofResult {
    enum class Verdict : std::uint8_t { Proved, Refuted, Unknown };

    std::string id;
    std::string statement;
    Verdict verdict = Verdict::Unknown;
    std::string counterexample{};  ///< names and values when refuted; what is missing when unknown
    double seconds = 0;
};

/// No arithmetic of the reference policy leaves its type without a typed error or a documented saturation (A),
/// what saturates is exactly the known break of laws O2 and O3 (B), and readings inside one band cannot
/// alternate the topology (S1, S2). The prover is Z3; a build without it answers one Unknown.
[[nodiscard]] std::vector<ProofResult> prove_reference_policy();

/// The same for the hardened policy, where nothing saturates, and law S3 as well.
[[nodiscard]] std::vector<ProofResult> prove_hardened_policy();

/// S1 and S2 for a policy without memory, which breaks both: what a refutation looks like.
[[nodiscard]] std::vector<ProofResult> prove_stateless_policy();

/// Random and boundary cases through model and code alike.
struct TieResult {
    std::uint64_t cases = 0;
    std::uint64_t differences = 0;
    std::string first_difference{};
};

/// Evaluates the formulas that `prove_reference_policy` reasons about on `cases` inputs, valid or not, and
/// compares every field of the answer with the code's. A build without Z3 does no cases.
[[nodiscard]] TieResult tie_reference_model(std::uint64_t cases, std::uint64_t seed);
/// As above for the hardened policy, over valid parameters.
[[nodiscard]] TieResult tie_hardened_model(std::uint64_t cases, std::uint64_t seed);

}  // namespace megabed
