#include "bench/commands/command_words.h"
#include "bench/commands/commands.h"
#include "bench/commands/man_page.h"
#include "bench/exit_code.h"
#include "bench/version.h"
#include "sim/file_output.h"

#include <fmt/format.h>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace megabed {
namespace {

namespace fs = std::filesystem;

struct ManArguments {
    std::optional<std::string> command;
    std::optional<std::string> out;
};

std::string page_of(const CommandWords& program, const CommandWords* command) {
    return man_page(program, command, version(), revision_date());
}

/// DIR/megabed.1, DIR/megabed-run.1 and so on.
int write_pages(const CommandWords& program, const fs::path& folder) {
    std::error_code code;
    fs::create_directories(folder, code);
    if (code) {
        return refuse(InputError{
            .where = "--out",
            .line = {},
            .key = {},
            .problem = fmt::format("{} cannot be made: {}", printable(folder.string()), code.message()),
            .allowed = "a folder"});
    }
    std::vector<const CommandWords*> shown{nullptr};
    for (const CommandWords& command : program.commands) {
        shown.push_back(&command);
    }
    for (const CommandWords* const command : shown) {
        const fs::path file = folder / (page_name(program, command) + ".1");
        if (const auto written = write_file(file, page_of(program, command)); !written) {
            return refuse(written.error());
        }
    }
    return kExitDone;
}

int print_page(const CommandWords& program, const std::optional<std::string>& name) {
    std::vector<std::string_view> names;
    const CommandWords* found = nullptr;
    for (const CommandWords& command : program.commands) {
        names.push_back(command.name);
        found = name == command.name ? &command : found;
    }
    if (name && found == nullptr) {
        return refuse(InputError{.where = "COMMAND",
                                 .line = {},
                                 .key = {},
                                 .problem = fmt::format("{} is no command", printable(*name)),
                                 .allowed = listed(names)});
    }
    fmt::print("{}", page_of(program, found));
    return kExitDone;
}

int man(const CLI::App& app, const ManArguments& arguments) {
    const CommandWords program = words_of(app);
    return arguments.out ? write_pages(program, *arguments.out) : print_page(program, arguments.command);
}

}  // namespace

void add_man_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<ManArguments>();
    CLI::App* const command =
        app.add_subcommand("man", "Print a manual page, for man and other readers of troff.");
    CLI::Option* const name = command->add_option("COMMAND", arguments->command,
                                                  "command that the page is of (default: the program)");
    command->add_option("--out", arguments->out, "folder that the pages of all commands are written to")
        ->excludes(name);
    command->footer("Example: megabed man verify | man -l -");
    command->callback(
        [arguments, &app, &action] { action = [arguments, &app] { return man(app, *arguments); }; });
}

}  // namespace megabed
