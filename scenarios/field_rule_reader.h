#pragma once

#include "policy/field_rule_parameters.h"
#include "scenarios/section_reader.h"

#include <string_view>
#include <vector>

namespace megabed {

/// The tables that `[policy]` may hold, one for each policy with parameters of its own.
[[nodiscard]] std::vector<std::string_view> field_rule_sections();

/// Reads `[policy.gap]` and the others from the layers of `[policy]`; what is wrong goes to `errors`.
void read_field_rules(const std::vector<Layer>& policy, FieldRuleParameters& parameters, FirstError& errors);

}  // namespace megabed
