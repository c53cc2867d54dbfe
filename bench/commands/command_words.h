#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace megabed {

/// One option or positional of a command as its --help has it, taken apart.
struct OptionWords {
    std::vector<std::string> names;  ///< `--policy`, `-h`; of a positional, the one word
    bool positional = false;
    bool required = false;
    bool repeated = false;              ///< takes several values, or may be given several times
    std::string value;                  ///< `TEXT`, `UINT`, ...; empty: a flag
    std::vector<std::string> choices;   ///< the only values that are allowed; empty: any
    std::string range;                  ///< `0 - 1024`; empty: any
    std::string standard;               ///< what it is where it is not given; empty: nothing, or said in `text`
    std::vector<std::string> excludes;  ///< in the order in which they were added
    std::vector<std::string> needs;
    std::string listed;  ///< the WHAT of the `megabed list WHAT` that shows its values; empty: none does
    std::string text;
};

/// A command, or the program itself, as its --help has it. Not in it: options and commands without a group,
/// which --help hides as well.
struct CommandWords {
    std::string name;
    std::string text;
    std::string footer;
    std::vector<OptionWords> options;  ///< positionals included
    std::vector<CommandWords> commands;
};

[[nodiscard]] CommandWords words_of(const CLI::App& app);

}  // namespace megabed
