#include "bench/commands/commands.h"
#include "bench/exit_code.h"
#include "bench/version.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
    CLI::App app{"Simulation and verification testbed for megakernel launch policies."};
    app.name("megabed");
    app.set_version_flag("--version", megabed::version_text());
    app.require_subcommand(1);
    app.footer(
        "Example: megabed run scenarios/quickstart.toml\n"
        "Exit status: 0 done and everything holds; 1 it ran and a check or the work failed; 2 bad input or "
        "usage;\n"
        "3 this machine lacks what was asked; 130 interrupted.");
    megabed::Action action;
    megabed::add_run_command(app, action);
    megabed::add_replay_command(app, action);
    megabed::add_graph_command(app, action);
    megabed::add_conform_command(app, action);
    megabed::add_list_command(app, action);
    megabed::add_completion_command(app, action);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int status = app.exit(error);
        return status == 0 ? megabed::kExitDone : megabed::kExitBadInput;
    }
    try {
        return action();
    } catch (const std::exception& failure) {
        fmt::print(stderr, "megabed: internal error: {}\n", failure.what());
        return megabed::kExitFailed;
    }
}
