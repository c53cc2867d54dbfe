#include "bench/commands/commands.h"
#include "bench/exit_code.h"

#include <fmt/format.h>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>

namespace megabed {
namespace {

/// Long options of a command, separated by blanks.
std::string options_of(const CLI::App& command) {
    std::string words;
    for (const CLI::Option* const option : command.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            words += fmt::format("--{} ", name);
        }
    }
    return words;
}

/// A bash function that completes subcommands, their options, and files otherwise; made from the parser itself.
std::string bash_script(const CLI::App& app) {
    std::string commands;
    std::string cases;
    for (const CLI::App* const command : app.get_subcommands(nullptr)) {
        commands += command->get_name() + " ";
        fmt::format_to(std::back_inserter(cases), "    {}) words=\"{}\" ;;\n", command->get_name(),
                       options_of(*command));
    }
    return fmt::format(
        "_megabed() {{\n"
        "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" words=\"\"\n"
        "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "    COMPREPLY=($(compgen -W \"{}{}\" -- \"$current\"))\n"
        "    return\n"
        "  fi\n"
        "  case \"${{COMP_WORDS[1]}}\" in\n{}  esac\n"
        "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\") $(compgen -f -- \"$current\"))\n"
        "}}\n"
        "complete -o filenames -F _megabed megabed ./megabed\n",
        commands, options_of(app), cases);
}

int print_completion(const CLI::App& app, const std::string& shell) {
    if (shell == "zsh") {
        fmt::print("autoload -U +X bashcompinit && bashcompinit\n");
    }
    fmt::print("{}", bash_script(app));
    return kExitDone;
}

}  // namespace

void add_completion_command(CLI::App& app, Action& action) {
    const auto shell = std::make_shared<std::string>();
    CLI::App* const command = app.add_subcommand("completion", "Print a shell completion script.");
    command->add_option("SHELL", *shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
    command->footer("Example: source <(megabed completion bash)");
    command->callback(
        [shell, &app, &action] { action = [shell, &app] { return print_completion(app, *shell); }; });
}

}  // namespace megabed
