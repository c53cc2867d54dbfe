#pragma once

#include "properties/counterexample_file.h"
#include "properties/law_case.h"
#include "sim/input_error.h"

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

/// A known break: this law does not hold for the policy at exactly this input.
struct PinnedBreak {
    std::string law;
    std::string why;
    LawCase input{};
};

/// What is expected of a policy: the laws it breaks, and where. Every other law must hold.
struct Expectations {
    std::string policy;
    std::vector<PinnedBreak> pinned;
};

/// The folder of shipped expectations and regressions. MEGABED_PROPERTIES names another.
[[nodiscard]] std::filesystem::path properties_directory();

/// The shipped expectations of a policy, or none for a policy without a file.
[[nodiscard]] Loaded<Expectations> load_expectations_of(std::string_view policy);
/// Errors: file, line, key, the value and what is allowed; an unknown law.
[[nodiscard]] Loaded<Expectations> load_expectations(const std::filesystem::path& file);
[[nodiscard]] Loaded<Expectations> parse_expectations(std::string_view text, const std::string& source);

/// An expectation file that pins these breaks.
[[nodiscard]] std::string expectations_as_toml(std::string_view policy, std::span<const Counterexample> breaks);

}  // namespace megabed
