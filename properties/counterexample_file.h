#pragma once

#include "properties/law_case.h"
#include "properties/policy_law.h"
#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

/// A case that broke a law, as a file keeps it.
struct Counterexample {
    std::string policy;  ///< as in `--policy`
    std::string law;
    LawCase input{};
    std::string why;
    std::uint64_t digest = 0;  ///< of the decisions along the case
};

/// Digest of what a policy decides along a case; for a law about a part, of how the case was judged.
[[nodiscard]] std::uint64_t case_digest(const Subject& subject, const Law& law, const LawCase& input);

/// The counterexample as a scenario file: `megabed replay` judges it again, `megabed run` simulates it.
[[nodiscard]] std::string counterexample_as_toml(const Counterexample& counterexample);

/// Reads one. Errors: file, line, key, the value and what is allowed; an unknown law.
[[nodiscard]] Loaded<Counterexample> parse_counterexample(std::string_view text, const std::string& source);

/// Every counterexample in a folder (`*.toml`), by name; none if there is no such folder.
[[nodiscard]] Loaded<std::vector<Counterexample>> load_counterexamples(const std::filesystem::path& folder);

/// What happened along a case, as a table for people: the fields that differ, and each decision with its rule
/// and hold. Requests of the prelude are marked.
[[nodiscard]] std::string case_as_table(const Subject& subject, const LawCase& input);

}  // namespace megabed
