#include "bench/commands/commands.h"
#include "bench/exit_code.h"
#include "bench/version.h"
#include "sim/input_error.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

/// One line about a usage error; CLI11's own words, or the commands there are.
int refuse_usage(const CLI::App& app, int argc, char** argv, const CLI::ParseError& error) {
    std::vector<std::string_view> commands;
    for (const CLI::App* const command : app.get_subcommands(nullptr)) {
        commands.push_back(command->get_name());
    }
    const std::string_view first = argc > 1 ? argv[1] : "";
    const bool known = std::find(commands.begin(), commands.end(), first) != commands.end();
    if (first.empty() || (!first.starts_with('-') && !known)) {
        fmt::print(stderr, "megabed: {}; allowed: {}\n",
                   first.empty() ? "no command" : megabed::printable(first) + " is no command",
                   megabed::listed(commands));
        return megabed::kExitBadInput;
    }
    fmt::print(stderr, "megabed: {}; --help shows what is allowed\n", error.what());
    return megabed::kExitBadInput;
}

int run(int argc, char** argv) {
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
    megabed::add_verify_command(app, action);
    megabed::add_study_command(app, action);
    megabed::add_report_command(app, action);
    megabed::add_tune_command(app, action);
    megabed::add_calibrate_command(app, action);
    megabed::add_claims_command(app, action);
    megabed::add_compare_command(app, action);
    megabed::add_list_command(app, action);
    megabed::add_completion_command(app, action);
    megabed::add_man_command(app, action);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& help_or_version) {
        return app.exit(help_or_version);
    } catch (const CLI::ParseError& error) {
        return refuse_usage(app, argc, argv, error);
    }
    const int status = action();
    if (std::fflush(stdout) != 0) {
        throw std::system_error(errno, std::generic_category());
    }
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::filesystem::filesystem_error& failure) {
        (void)std::fputs("megabed: ", stderr);
        (void)std::fputs(failure.what(), stderr);
        (void)std::fputs("\n", stderr);
        return megabed::kExitBadInput;
    } catch (const std::system_error& failure) {
        (void)std::fputs("megabed: stdout: cannot be written: ", stderr);
        (void)std::fputs(failure.what(), stderr);
        (void)std::fputs("\n", stderr);
        return megabed::kExitBadInput;
    } catch (const std::bad_alloc&) {
        (void)std::fputs("megabed: the machine's memory is not enough for what was asked for\n", stderr);
        return megabed::kExitBadInput;
    } catch (const std::exception& failure) {
        (void)std::fputs("megabed: internal error: ", stderr);
        (void)std::fputs(failure.what(), stderr);
        (void)std::fputs("\n", stderr);
        return megabed::kExitFailed;
    }
}
