#include "bench/commands/command_words.h"
#include "bench/commands/commands.h"
#include "bench/exit_code.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Completion scripts, made from the parser itself. Names of policies, scenarios and so on stand in the script
// as they were when it was written: asking the program for them at every Tab would start builds from the
// launcher.
namespace megabed {
namespace {

/// Words that a value may be; none where it may be anything, such as a file.
Loaded<std::vector<std::string>> values_of(const OptionWords& option) {
    return option.listed.empty() || !option.choices.empty() ? option.choices : listed_names(option.listed);
}

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

std::vector<std::string> flags_of(const CommandWords& command) {
    std::vector<std::string> flags;
    for (const OptionWords& option : command.options) {
        if (!option.positional) {
            std::copy_if(option.names.begin(), option.names.end(), std::back_inserter(flags),
                         [](const std::string& name) { return name.starts_with("--"); });
        }
    }
    return flags;
}

std::vector<std::string> names_of(const std::vector<CommandWords>& commands) {
    std::vector<std::string> names;
    names.reserve(commands.size());
    for (const CommandWords& command : commands) {
        names.push_back(command.name);
    }
    return names;
}

/// The cases of one command: values behind an option, else options, values of positionals, and files.
Loaded<std::string> bash_cases(const CommandWords& command) {
    std::string cases;
    std::vector<std::string> words = flags_of(command);
    for (const OptionWords& option : command.options) {
        const auto values = values_of(option);
        if (!values) {
            return Refusal(values.error());
        }
        if (option.positional) {
            words.insert(words.end(), values->begin(), values->end());
        } else if (!values->empty()) {
            fmt::format_to(std::back_inserter(cases), "    \"{} {}\") words=\"{}\" ;;\n", command.name,
                           option.names.back(), joined(*values));
        }
    }
    fmt::format_to(std::back_inserter(cases), "    \"{} \"*) words=\"{}\" ;;\n", command.name, joined(words));
    return cases;
}

Loaded<std::string> bash_script(const CommandWords& program) {
    std::string cases;
    for (const CommandWords& command : program.commands) {
        auto some = bash_cases(command);
        if (!some) {
            return some;
        }
        cases += *some;
    }
    return fmt::format(
        "_megabed() {{\n"
        "  local words=\"\" previous=\"\" current=\"\" at\n"
        "  # Readline splits words at colons: fixed:dense are three.\n"
        "  for ((at = 1; at <= COMP_CWORD; ++at)); do\n"
        "    if [[ ${{COMP_WORDS[at]}} == : || $current == *: ]]; then\n"
        "      current+=${{COMP_WORDS[at]}}\n"
        "    else\n"
        "      previous=$current\n"
        "      current=${{COMP_WORDS[at]}}\n"
        "    fi\n"
        "  done\n"
        "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "    COMPREPLY=($(compgen -W \"{} {}\" -- \"$current\"))\n"
        "    return\n"
        "  fi\n"
        "  case \"${{COMP_WORDS[1]}} $previous\" in\n{}  esac\n"
        "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\") $(compgen -f -- \"$current\"))\n"
        "  if [[ $current == *:* && ${{COMP_WORDBREAKS-}} == *:* ]]; then\n"
        "    COMPREPLY=(\"${{COMPREPLY[@]#\"${{current%:*}}:\"}}\")\n"
        "  fi\n"
        "}}\n"
        "complete -o filenames -F _megabed megabed ./megabed\n",
        joined(names_of(program.commands)), joined(flags_of(program)), cases);
}

/// Text within '' of a zsh specification, where brackets and colons have a meaning of their own.
std::string zsh_text(std::string_view text) {
    std::string escaped;
    for (const char symbol : text) {
        if (symbol == '\'') {
            escaped += "'\\''";
        } else if (std::string_view("[]:\\").find(symbol) != std::string_view::npos) {
            escaped += '\\';
            escaped += symbol;
        } else {
            escaped += symbol;
        }
    }
    return escaped;
}

/// What completes a value: words and files, words alone where nothing else is allowed, nothing for a number.
Loaded<std::string> zsh_action(const OptionWords& option) {
    const auto values = values_of(option);
    if (!values) {
        return Refusal(values.error());
    }
    if (values->empty()) {
        return std::string(option.value == "TEXT" ? "_files" : " ");
    }
    const std::string words = zsh_text(joined(*values));
    return option.choices.empty() ? "_megabed_names " + words : fmt::format("({})", words);
}

/// One argument of zsh's _arguments.
Loaded<std::string> zsh_argument(const OptionWords& option) {
    auto action = zsh_action(option);
    if (!action) {
        return action;
    }
    if (option.positional) {
        return fmt::format("'{}{}:{}:{}'", option.repeated ? "*" : "", option.required ? "" : ":",
                           zsh_text(option.names.front()), *action);
    }
    std::vector<std::string> others;  // that are not offered any more once this one is there
    if (!option.repeated) {
        others = option.names;
    }
    std::copy_if(option.excludes.begin(), option.excludes.end(), std::back_inserter(others),
                 [](const std::string& name) { return name.starts_with("-"); });
    std::string argument;
    for (const std::string& name : option.names) {
        fmt::format_to(std::back_inserter(argument), " '{}{}{}[{}]{}'",
                       others.empty() ? "" : fmt::format("({})", joined(others)), option.repeated ? "*" : "",
                       name, zsh_text(option.text),
                       option.value.empty() ? "" : fmt::format(":{}:{}", zsh_text(option.value), *action));
    }
    return argument.substr(1);
}

Loaded<std::string> zsh_arguments(const CommandWords& command) {
    std::string arguments;
    for (const OptionWords& option : command.options) {
        auto argument = zsh_argument(option);
        if (!argument) {
            return argument;
        }
        arguments += " \\\n        " + *argument;
    }
    return arguments;
}

/// For `source <(megabed completion zsh)`, and as the file _megabed in a folder of zsh's fpath.
Loaded<std::string> zsh_script(const CommandWords& program) {
    std::string commands;
    std::string cases;
    for (const CommandWords& command : program.commands) {
        auto arguments = zsh_arguments(command);
        if (!arguments) {
            return arguments;
        }
        fmt::format_to(std::back_inserter(commands), "      '{}:{}'\n", command.name, zsh_text(command.text));
        fmt::format_to(std::back_inserter(cases), "      {})\n        _arguments{} ;;\n", command.name,
                       *arguments);
    }
    auto own = zsh_arguments(program);
    if (!own) {
        return own;
    }
    return fmt::format(
        "#compdef megabed\n"
        "_megabed_names() {{\n"
        "  compadd \"$@\"\n"
        "  _files\n"
        "}}\n"
        "_megabed() {{\n"
        "  local curcontext=\"$curcontext\" state line\n"
        "  local -a commands\n"
        "  _arguments -C{} \\\n        '1:command:->command' '*::argument:->argument'\n"
        "  case $state in\n"
        "  command)\n"
        "    commands=(\n{}    )\n"
        "    _describe -t commands 'command' commands ;;\n"
        "  argument)\n"
        "    case $line[1] in\n{}    esac ;;\n"
        "  esac\n"
        "}}\n"
        "if [ \"$funcstack[1]\" = _megabed ]; then\n"
        "  _megabed \"$@\"\n"
        "else\n"
        "  compdef _megabed megabed ./megabed\n"
        "fi\n",
        *own, commands, cases);
}

int print_completion(const CLI::App& app, const std::string& shell) {
    const CommandWords program = words_of(app);
    const auto script = shell == "zsh" ? zsh_script(program) : bash_script(program);
    if (!script) {
        return refuse(script.error());
    }
    fmt::print("{}", *script);
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
