#include "bench/commands/command_words.h"

#include <algorithm>
#include <set>
#include <sstream>

namespace megabed {
namespace {

/// What stands between `open` and `close`, or nothing.
std::string between(const std::string& text, const std::string& open, const std::string& close) {
    const std::size_t at = text.find(open);
    if (at == std::string::npos) {
        return "";
    }
    const std::size_t start = at + open.size();
    const std::size_t end = text.find(close, start);
    return end == std::string::npos ? "" : text.substr(start, end - start);
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) {
        parts.push_back(part);
    }
    return parts;
}

/// Names of a set of options, which CLI11 keeps in the order of their addresses.
std::vector<std::string> names_in_order(const CLI::App& command, const std::set<CLI::Option*>& some) {
    std::vector<std::string> names;
    for (const CLI::Option* const option : command.get_options()) {
        if (std::any_of(some.begin(), some.end(), [&](const CLI::Option* one) { return one == option; })) {
            names.push_back(option->get_name());
        }
    }
    return names;
}

OptionWords option_words(const CLI::App& command, const CLI::Option& option) {
    OptionWords words;
    words.positional = option.get_positional();
    if (words.positional) {
        words.names.push_back(option.get_name(true, false));
    } else {
        words.names = split(option.get_name(false, true), ',');
    }
    words.required = option.get_required();
    if (option.get_type_size() != 0) {
        const std::string type = option.get_type_name();  // TEXT, TEXT:{a,b}, UINT:UINT in [0 - 9]
        words.value = type.substr(0, type.find(':'));
        words.choices = split(between(type, ":{", "}"), ',');
        words.range = between(type, " in [", "]");
        words.standard = option.get_default_str();
        words.repeated = option.get_expected_max() >= CLI::detail::expected_max_vector_size;
    }
    words.excludes = names_in_order(command, option.get_excludes());
    words.needs = names_in_order(command, option.get_needs());
    words.text = option.get_description();
    words.listed = between(words.text, "`megabed list ", "`");
    return words;
}

}  // namespace

CommandWords words_of(const CLI::App& app) {
    CommandWords words{app.get_name(), app.get_description(), app.get_footer(), {}, {}};
    for (const CLI::Option* const option : app.get_options()) {
        if (!option->get_group().empty()) {
            words.options.push_back(option_words(app, *option));
        }
    }
    for (const CLI::App* const command : app.get_subcommands(nullptr)) {
        if (!command->get_group().empty()) {
            words.commands.push_back(words_of(*command));
        }
    }
    return words;
}

}  // namespace megabed
