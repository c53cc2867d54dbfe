#include "properties/proof/policy_proof.h"

namespace megabed {
namespace {

constexpr const char* kMissing = "built without Z3 (Debian package libz3-dev)";

std::vector<ProofResult> not_built() {
    return {{.id = "none", .statement = "nothing", .counterexample = kMissing}};
}

}  // namespace

std::vector<ProofResult> prove_reference_policy() { return not_built(); }

std::vector<ProofResult> prove_hardened_policy() { return not_built(); }

std::vector<ProofResult> prove_stateless_policy() { return not_built(); }

TieResult tie_reference_model(std::uint64_t /*cases*/, std::uint64_t /*seed*/) {
    return {.first_difference = kMissing};
}

TieResult tie_hardened_model(std::uint64_t /*cases*/, std::uint64_t /*seed*/) {
    return {.first_difference = kMissing};
}

}  // namespace megabed
