#include "properties/expectation_file.h"

#include "properties/law_case_toml.h"
#include "properties/laws.h"
#include "scenarios/catalog.h"
#include "scenarios/request_toml.h"
#include "scenarios/shipped_folder.h"

#include <fmt/format.h>
#include <array>
#include <iterator>
#include <system_error>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;

class ExpectationReader {
public:
    ExpectationReader(const toml::table& root, std::string source) : root_(root), source_(std::move(source)) {}

    Loaded<Expectations> read() {
        Expectations expectations;
        known_keys(root_, "", {"format", "policy", "pinned"});
        if (root_["format"].value<std::int64_t>() != 1) {
            refuse(root_, "format", "1");
        }
        expectations.policy = text(root_, "policy");
        if (const toml::node* const list = root_.get("pinned")) {
            const toml::array* const entries = list->as_array();
            if (entries == nullptr) {
                refuse(root_, "pinned", "[[pinned]] tables");
            } else {
                for (const toml::node& entry : *entries) {
                    if (const toml::table* const table = entry.as_table()) {
                        expectations.pinned.push_back(read_pinned(*table));
                    } else {
                        refuse(root_, "pinned", "[[pinned]] tables");
                    }
                }
            }
        }
        if (errors_.get()) {
            return Refusal(*errors_.get());
        }
        return expectations;
    }

private:
    PinnedBreak read_pinned(const toml::table& table) {
        PinnedBreak pinned;
        known_keys(table, "pinned.", {"law", "why", "prelude", "policy", "part", "requests"});
        pinned.law = text(table, "law");
        pinned.why = text(table, "why");
        const Law* const law = find_law(pinned.law);
        if (law == nullptr || law->check == nullptr) {
            refuse(table, "law", "a law of a policy or of its parts; see `megabed list laws`");
        }
        if (const auto* const parameters = table.get_as<toml::table>("policy")) {
            pinned.input.parameters = read_parameters(*parameters, source_, "pinned.policy", errors_);
        }
        const std::int64_t prelude = table["prelude"].value_or(std::int64_t{0});
        if (const auto* const requests = table.get_as<toml::table>("requests")) {
            auto list = read_requests(*requests, source_, "pinned.requests", errors_);
            if (prelude < 0 || prelude >= static_cast<std::int64_t>(list.size())) {
                refuse(table, "prelude", "a number below that of the requests");
            }
            split_requests(std::move(list), static_cast<std::size_t>(std::max<std::int64_t>(prelude, 0)),
                           pinned.input);
        }
        if (const auto* const part = table.get_as<toml::table>("part")) {
            pinned.input.part = read_part(*part, source_, "pinned.part", errors_);
        }
        if (pinned.input.steps.empty() && is_empty(pinned.input.part)) {
            refuse(table, "requests", "[pinned.requests] or [pinned.part]");
        }
        return pinned;
    }

    std::string text(const toml::table& table, std::string_view key) {
        auto value = table[key].value<std::string>();
        if (!value || value->empty()) {
            refuse(table, key, "text that is not empty");
        }
        return value.value_or("");
    }

    void known_keys(const toml::table& table, std::string_view prefix,
                    const std::vector<std::string_view>& known) {
        for (const auto& [name, node] : table) {
            if (std::find(known.begin(), known.end(), name.str()) == known.end()) {
                const auto guess = nearest(name.str(), known);
                errors_.report({.where = source_,
                                .line = node.source().begin.line,
                                .key = fmt::format("{}{}", prefix, name.str()),
                                .problem = guess ? fmt::format("is no key here; did you mean {}?", *guess)
                                                 : "is no key here",
                                .allowed = listed(known)});
            }
        }
    }

    void refuse(const toml::table& table, std::string_view key, std::string allowed) {
        const toml::node* const node = table.get(key);
        InputError error{.where = source_,
                         .line = {},
                         .key = std::string(key),
                         .problem = node == nullptr ? "is missing" : fmt::format("is {}", as_written(*node)),
                         .allowed = std::move(allowed)};
        const auto line = (node == nullptr ? table.source() : node->source()).begin.line;
        if (line > 0) {
            error.line = line;
        }
        errors_.report(std::move(error));
    }

    const toml::table& root_;
    std::string source_;
    FirstError errors_;
};

std::string file_name_of(std::string_view policy) {
    std::string name(policy);
    for (char& symbol : name) {
        symbol = symbol == ':' ? '-' : symbol;
    }
    return name + ".toml";
}

}  // namespace

fs::path properties_directory() {
    return find_shipped({.variable = "MEGABED_PROPERTIES",
                         .name = "properties",
                         .source = MEGABED_PROPERTIES_SOURCE,
                         .installed = MEGABED_PROPERTIES_INSTALLED});
}

Loaded<Expectations> parse_expectations(std::string_view text, const std::string& source) {
    const auto root = parse_toml(text, source);
    if (!root) {
        return Refusal(root.error());
    }
    return ExpectationReader(*root, source).read();
}

Loaded<Expectations> load_expectations(const fs::path& file) {
    const auto text = read_text_file(file);
    if (!text) {
        return Refusal(text.error());
    }
    return parse_expectations(*text, file.string());
}

Loaded<Expectations> load_expectations_of(std::string_view policy) {
    const bool path = policy.find('/') != std::string_view::npos;
    const fs::path folder = properties_directory() / "expectations";
    const fs::path file = folder / file_name_of(path ? "-" : policy);
    std::error_code code;
    if (!fs::is_directory(folder, code)) {
        return Refusal(InputError{.where = folder.string(),
                                  .line = {},
                                  .key = {},
                                  .problem = "is no folder",
                                  .allowed = "MEGABED_PROPERTIES names the folder that holds it"});
    }
    if (path || !fs::exists(file, code)) {
        return Expectations{std::string(policy), {}};
    }
    return load_expectations(file);
}

std::string expectations_as_toml(std::string_view policy, std::span<const Counterexample> breaks) {
    std::string text = fmt::format(
        "# Laws that the policy {0} breaks, each with the input at which it does. `megabed verify --policy "
        "{0}`\n"
        "# passes only if each breaks exactly there and every other law holds. A request names what differs "
        "from\n"
        "# the base request; the first `prelude` requests only lead to the state.\nformat = 1\npolicy = "
        "\"{0}\"\n",
        policy);
    for (const Counterexample& broken : breaks) {
        fmt::format_to(std::back_inserter(text), "\n[[pinned]]\nlaw = \"{}\"\nwhy = \"{}\"\n", broken.law,
                       broken.why);
        if (!broken.input.prelude.empty()) {
            fmt::format_to(std::back_inserter(text), "prelude = {}\n", broken.input.prelude.size());
        }
        if (const std::string parameters = parameters_as_toml(broken.input.parameters); !parameters.empty()) {
            text += "[pinned.policy]\n" + parameters;
        }
        if (const auto requests = all_requests(broken.input); !requests.empty()) {
            text += "[pinned.requests]\n" + requests_as_toml(requests);
        }
        if (!is_empty(broken.input.part)) {
            text += "[pinned.part]\n" + part_as_toml(broken.input.part);
        }
    }
    return text;
}

}  // namespace megabed
