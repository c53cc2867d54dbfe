#pragma once

#include <CLI/CLI.hpp>
#include <functional>

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
void add_claims_command(CLI::App& app, Action& action);
void add_list_command(CLI::App& app, Action& action);
void add_completion_command(CLI::App& app, Action& action);

}  // namespace megabed
