#pragma once

#include "scenarios/toml.h"
#include "sim/input_error.h"

#include <filesystem>
#include <string>
#include <vector>

namespace megabed {

/// The settings of a TOML file, such as `megabed tune` writes: a KEY=VALUE, as `--set` takes it, for each key.
/// `format`, `summary` and the table `provenance` are left out; a `run` is not allowed.
/// Errors: as `parse_toml`; a file without settings.
[[nodiscard]] Loaded<std::vector<std::string>> load_settings(const std::filesystem::path& path);

/// A value as TOML on one line.
[[nodiscard]] std::string as_toml(const toml::node& node);

/// The same, a text without its quotes: for labels, and for templates that have their own.
[[nodiscard]] std::string as_bare_toml(const toml::node& node);

}  // namespace megabed
