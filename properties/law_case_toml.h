#pragma once

#include "properties/law_case.h"
#include "scenarios/section_reader.h"
#include "scenarios/toml.h"

#include <string>
#include <string_view>

namespace megabed {

/// Reads policy parameters of any value, also those that no scenario may run with.
[[nodiscard]] LaunchPolicyParameters read_parameters(const toml::table& table, std::string_view source,
                                                     std::string_view section, FirstError& errors);
/// The keys that differ from the standard parameters, a line each.
[[nodiscard]] std::string parameters_as_toml(const LaunchPolicyParameters& parameters);

/// Reads the arrays of a law about a part: values, weights, integers, rate, count. Values may be "nan" and
/// "-nan".
[[nodiscard]] PartInput read_part(const toml::table& table, std::string_view source, std::string_view section,
                                  FirstError& errors);
[[nodiscard]] std::string part_as_toml(const PartInput& part);
[[nodiscard]] bool is_empty(const PartInput& part);

/// Puts a list of requests into a case: the first `prelude` of them lead to its state.
void split_requests(std::vector<LaunchRequest> requests, std::size_t prelude, LawCase& input);
[[nodiscard]] std::vector<LaunchRequest> all_requests(const LawCase& input);

}  // namespace megabed
