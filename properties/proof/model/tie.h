#pragma once

#include "policy/error.h"
#include "policy/launch_recommendation.h"
#include "properties/proof/model/signals.h"
#include "properties/proof/policy_proof.h"

#include <z3++.h>
#include <cstdint>
#include <string_view>
#include <vector>

namespace megabed::proof {

/// A field of an answer, once as a formula without symbols and once as the code has it.
struct TiedField {
    std::string_view name;
    z3::expr model;
    std::uint64_t code;
};

/// Fields of a truth value, as 0 or 1.
[[nodiscard]] z3::expr zero_or_one(const z3::expr& truth);

/// Counts a case with its fields: evaluates each formula and keeps the first difference in words.
void tie_case(TieResult& result, const std::vector<TiedField>& fields);

/// Whether model and code fail alike, and how; the fields of an answer count only where neither fails.
[[nodiscard]] std::vector<TiedField> tie_failure(const Failing& model, const Error* code);

}  // namespace megabed::proof
