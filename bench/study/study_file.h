#pragma once

#include "bench/study/study.h"
#include "sim/input_error.h"

#include <filesystem>

namespace megabed {

/// Runs that a study may have at most.
inline constexpr std::uint64_t kStudyRunsMax = 100'000'000;

/// Loads a study file (keys: bench/study/STUDIES.md) with the scenarios, policies and settings files that it names.
/// Every scenario is parsed under every policy with the first combination of parameters, so that a key that is
/// misspelt is refused here; another combination that a scenario does not take is a failed run of the study.
/// Plug-ins are loaded, which forks the process: call this before any thread is started.
/// Errors: file, line, key, the value and what is allowed.
[[nodiscard]] Loaded<Study> load_study(const std::filesystem::path& path);

/// The settings of a TOML file, such as `megabed tune` writes, a `KEY=VALUE` for each of its keys; the tables
/// `provenance` and `run` are left out. Errors: as `parse_toml`; a key that no scenario has.
[[nodiscard]] Loaded<std::vector<std::string>> load_settings(const std::filesystem::path& path);

}  // namespace megabed
