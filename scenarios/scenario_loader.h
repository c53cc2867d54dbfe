#pragma once

#include "sim/input_error.h"
#include "sim/scenario.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

/// What the command line replaces in a file, for every run.
struct ScenarioOverrides {
    std::vector<std::string> settings;  ///< `key=value` with a dotted key, as given to `--set`
    std::optional<std::string> policy{};
    std::optional<std::uint64_t> seed{};
    std::optional<DecisionPlace> decide{};
    std::optional<std::uint32_t> replications{};  ///< exactly so many, whatever target the file has
};

/// A scenario file: its runs, complete and checked, and the text they came from.
struct ScenarioFile {
    std::string path;
    std::string summary;
    std::string text;
    std::vector<Scenario> runs;
};

/// Loads a scenario file, or the catalog's scenario of that name where there is no such file. Every conversion
/// from text to a unit and every range check happens here, once. Errors: file, line, key, the value and what is
/// allowed; for `--set`, the flag in place of file and line.
[[nodiscard]] Loaded<ScenarioFile> load_scenario(const std::filesystem::path& path,
                                                 const ScenarioOverrides& overrides = {});

/// As above, for text that is said to stand in `path`: graphs and profiles are looked up beside it.
[[nodiscard]] Loaded<ScenarioFile> parse_scenario(std::string_view text, const std::filesystem::path& path,
                                                  const ScenarioOverrides& overrides = {});

}  // namespace megabed
