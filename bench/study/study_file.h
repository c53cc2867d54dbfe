#pragma once

#include "bench/study/study.h"
#include "scenarios/toml.h"
#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace megabed {

/// Runs that a study may have at most.
inline constexpr std::uint64_t kStudyRunsMax = 100'000'000;

/// Loads a study file (keys: bench/study/STUDIES.md) with the scenarios, policies and settings files that it
/// names. Every scenario is parsed under every policy with the first combination of parameters, so that a key
/// that is misspelt is refused here; another combination that a scenario does not take is a failed run of the
/// study. Plug-ins are loaded, which forks the process: call this before any thread is started. Errors: file,
/// line, key, the value and what is allowed.
[[nodiscard]] Loaded<Study> load_study(const std::filesystem::path& path);

/// The same of a table that was read from that file. Errors: as load_study.
[[nodiscard]] Loaded<Study> read_study(const toml::table& root, const std::filesystem::path& path,
                                       std::string text);

}  // namespace megabed
