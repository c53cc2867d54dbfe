#pragma once

#include "sim/input_error.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace megabed {

/// What `main` runs after parsing: the chosen subcommand sets it. The value is the exit status.
using Action = std::function<int()>;

void add_run_command(CLI::App& app, Action& action);
void add_replay_command(CLI::App& app, Action& action);
void add_graph_command(CLI::App& app, Action& action);
void add_conform_command(CLI::App& app, Action& action);
void add_verify_command(CLI::App& app, Action& action);
void add_study_command(CLI::App& app, Action& action);
void add_report_command(CLI::App& app, Action& action);
void add_tune_command(CLI::App& app, Action& action);
void add_calibrate_command(CLI::App& app, Action& action);
void add_claims_command(CLI::App& app, Action& action);
void add_compare_command(CLI::App& app, Action& action);
void add_list_command(CLI::App& app, Action& action);
void add_completion_command(CLI::App& app, Action& action);
void add_man_command(CLI::App& app, Action& action);

/// The names that `megabed list WHAT` shows; none for a WHAT that it does not know.
/// Errors: a catalog that cannot be read.
[[nodiscard]] Loaded<std::vector<std::string>> listed_names(const std::string& what);

}  // namespace megabed
