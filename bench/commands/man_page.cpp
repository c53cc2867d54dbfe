#include "bench/commands/man_page.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <sstream>
#include <string_view>
#include <vector>

namespace megabed {
namespace {

struct EnvironmentRow {
    std::string_view name;
    std::string_view meaning;
};

/// Variables that the program reads; Pages.Manual finds those that are missing here.
constexpr std::array kEnvironment{
    EnvironmentRow{"MEGABED_SCENARIOS", "Folder of the catalog of scenarios, in place of the shipped one."},
    EnvironmentRow{"MEGABED_PROPERTIES",
                   "Folder that holds expectations/ and regressions/ for verify, in place of the shipped one."},
    EnvironmentRow{"MEGABED_PROGRAMS",
                   "Folder of the programs in Python that commands start, in place of the shipped one."},
    EnvironmentRow{"MEGABED_PYTHON",
                   "Python interpreter for these (default: the first python3 that has what they import)."},
    EnvironmentRow{"MEGABED_PLUGIN_DEADLINE_MS",
                   "Milliseconds that a policy in a shared library has for an answer (default: 2000)."},
    EnvironmentRow{"MEGABED_CACHE_DIR",
                   "Folder for graphs as they were read and kernels as they were compiled (default: megabed in "
                   "XDG_CACHE_HOME, else in .cache of HOME)."},
    EnvironmentRow{"MEGABED_NVRTC", "File of the library libnvrtc that compiles kernels at run time."},
};

/// Text as troff takes it: no symbol of its own is left, minus signs stay minus signs.
std::string troff(std::string_view text) {
    std::string result;
    for (const char symbol : text) {
        switch (symbol) {
        case '\\':
            result += "\\e";
            break;
        case '-':
            result += "\\-";
            break;
        case '\'':
            result += "\\(aq";
            break;
        case '`':
            result += "\\(ga";
            break;
        case '^':
            result += "\\(ha";
            break;
        case '~':
            result += "\\(ti";
            break;
        case '"':
            result += "\\(dq";
            break;
        case '\n':
            result += ' ';
            break;
        default:
            result += symbol;
        }
    }
    return result.starts_with('.') ? "\\&" + result : result;
}

std::string bold(std::string_view text) { return "\\fB" + troff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + troff(text) + "\\fR"; }

/// Running text; what stands in backticks becomes bold.
std::string running(std::string_view text) {
    std::string result;
    bool inside = false;
    while (!text.empty()) {
        const std::size_t tick = text.find('`');
        const std::string_view part = text.substr(0, tick);
        result += inside ? bold(part) : troff(part);
        text.remove_prefix(tick == std::string_view::npos ? text.size() : tick + 1);
        inside = !inside;
    }
    return result;
}

std::string upper(std::string text) {
    for (char& symbol : text) {
        symbol = static_cast<char>(std::toupper(static_cast<unsigned char>(symbol)));
    }
    return text;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) {
        text.remove_suffix(1);
    }
    return text;
}

/// A footer of --help taken apart.
struct Footer {
    std::string notes;
    std::string exit_status;  ///< without the words "Exit status"
    std::vector<std::string> examples;
};

Footer take_apart(const std::string& footer) {
    constexpr std::string_view kExample = "Example: ";
    constexpr std::string_view kExit = "Exit status";
    Footer result;
    std::string rest;
    std::istringstream lines(footer);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(kExample)) {
            result.examples.push_back(line.substr(kExample.size()));
        } else {
            rest += line + ' ';
        }
    }
    const std::size_t at = rest.find(kExit);
    result.notes = trimmed(std::string_view(rest).substr(0, at));
    if (at != std::string::npos) {
        result.exit_status = trimmed(std::string_view(rest).substr(at + kExit.size()));
    }
    return result;
}

/// Option and value as they are typed: --policy TEXT.
std::string heading(const OptionWords& option) {
    std::string text;
    for (const std::string& name : option.names) {
        text += text.empty() ? "" : ", ";
        text += option.positional ? italic(name) : bold(name);
    }
    if (!option.positional && !option.value.empty()) {
        text += " " + italic(option.value);
    }
    return text + (option.repeated ? " ..." : "");
}

/// What --help has beside the description.
std::string conditions(const OptionWords& option) {
    std::string text;
    const auto say = [&](std::string_view what, const std::string& words) {
        if (!words.empty()) {
            fmt::format_to(std::back_inserter(text), ".br\n{}{}.\n", what, words);
        }
    };
    const auto list = [](const std::vector<std::string>& names) {
        std::string words;
        for (const std::string& name : names) {
            words += (words.empty() ? "" : ", ") + bold(name);
        }
        return words;
    };
    say("Default: ", option.standard.empty() ? "" : bold(option.standard));
    say("One of ", list(option.choices));
    say("From ", option.range.empty() ? ""
                                      : troff(option.range.substr(0, option.range.find(" - "))) + " to " +
                                            troff(option.range.substr(option.range.find(" - ") + 3)));
    say("Goes with ", list(option.needs));
    say("Not with ", list(option.excludes));
    return text;
}

std::string options_section(std::string_view title, const std::vector<OptionWords>& options, bool positional) {
    std::string text;
    for (const OptionWords& option : options) {
        if (option.positional == positional) {
            fmt::format_to(std::back_inserter(text), ".TP\n{}\n{}.\n{}", heading(option),
                           running(trimmed(option.text)), conditions(option));
        }
    }
    return text.empty() ? text : fmt::format(".SH {}\n{}", title, text);
}

/// The status codes of all commands, from the program's footer, and what a command says of its own.
std::string exit_section(const CommandWords& program, const CommandWords* command) {
    std::string text = ".SH EXIT STATUS\n";
    if (command != nullptr) {
        if (const std::string own = take_apart(command->footer).exit_status; !own.empty()) {
            text += "Exit status " + running(own) + "\n.PP\nOf all commands:\n";
        }
    }
    std::string codes =
        take_apart(program.footer).exit_status;  // ": 0 done; 1 it ran, but; ... 130 interrupted."
    codes.erase(0, codes.starts_with(':') ? 1 : 0);
    std::istringstream rows(codes);
    for (std::string row; std::getline(rows, row, ';');) {
        const std::string_view words = trimmed(row);
        const std::size_t blank = std::min(words.find(' '), words.size());
        std::string_view meaning = trimmed(words.substr(blank));
        meaning.remove_suffix(meaning.ends_with('.') ? 1 : 0);
        fmt::format_to(std::back_inserter(text), ".TP\n{}\n{}.\n", bold(words.substr(0, blank)),
                       running(meaning));
    }
    return text;
}

std::string examples_section(const std::vector<std::string>& examples) {
    std::string text = ".SH EXAMPLES\n.nf\n.RS 4\n";
    for (const std::string& example : examples) {
        text += troff(example) + "\n";
    }
    return text + ".RE\n.fi\n";
}

std::string commands_section(const CommandWords& program) {
    std::string text = ".SH COMMANDS\n";
    for (const CommandWords& command : program.commands) {
        fmt::format_to(std::back_inserter(text), ".TP\n\\fB{}\\fR(1)\n{}\n",
                       troff(page_name(program, &command)), running(command.text));
    }
    return text;
}

std::string environment_section() {
    std::string text = ".SH ENVIRONMENT\n";
    for (const EnvironmentRow& row : kEnvironment) {
        fmt::format_to(std::back_inserter(text), ".TP\n{}\n{}\n", bold(row.name), running(row.meaning));
    }
    return text;
}

std::string see_also(const CommandWords& program, const CommandWords* command) {
    std::string text = ".SH SEE ALSO\n";
    std::vector<std::string> names;
    if (command != nullptr) {
        names.push_back(page_name(program, nullptr));
    }
    for (const CommandWords& other : program.commands) {
        if (command == nullptr || other.name != command->name) {
            names.push_back(page_name(program, &other));
        }
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        fmt::format_to(std::back_inserter(text), ".BR {} (1){}\n", troff(names[i]),
                       i + 1 < names.size() ? "," : "");
    }
    return text;
}

std::string synopsis(const CommandWords& program, const CommandWords* command) {
    if (command == nullptr) {
        return ".B megabed\n\\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n.br\n.B "
               "megabed\n\\fB\\-\\-help\\fR | "
               "\\fB\\-\\-version\\fR\n";
    }
    std::string text = fmt::format(".B {} {}\n[\\fIOPTION\\fR]...", program.name, troff(command->name));
    for (const OptionWords& option : command->options) {
        if (option.positional) {
            const std::string word = italic(option.names.front()) + (option.repeated ? "..." : "");
            text += option.required ? " " + word : " [" + word + "]";
        }
    }
    return text + "\n";
}

}  // namespace

std::string page_name(const CommandWords& program, const CommandWords* command) {
    return command == nullptr ? program.name : program.name + "-" + command->name;
}

std::string man_page(const CommandWords& program, const CommandWords* command, const std::string& version,
                     const std::string& date) {
    const CommandWords& shown = command == nullptr ? program : *command;
    const Footer footer = take_apart(shown.footer);
    const std::string name = page_name(program, command);
    std::string_view summary = trimmed(shown.text);
    summary.remove_suffix(summary.ends_with('.') ? 1 : 0);
    std::string page = fmt::format(
        ".\\\" Written by `{0} man` from the parser of the command line.\n"
        ".TH \"{1}\" \"1\" \"{2}\" \"{0} {3}\" \"{0} manual\"\n"
        ".SH NAME\n{4} \\- {5}\n.SH SYNOPSIS\n{6}.SH DESCRIPTION\n{7}\n",
        program.name, troff(upper(name)), date, version, troff(name), running(summary),
        synopsis(program, command), running(shown.text));
    if (!footer.notes.empty()) {
        page += ".PP\n" + running(footer.notes) + "\n";
    }
    if (command == nullptr) {
        page += commands_section(program);
    }
    page += options_section("ARGUMENTS", shown.options, true) +
            options_section("OPTIONS", shown.options, false) + exit_section(program, command);
    if (command == nullptr) {
        page += environment_section();
    }
    return page + examples_section(footer.examples) + see_also(program, command);
}

}  // namespace megabed
