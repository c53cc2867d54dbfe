#include "bench/commands/commands.h"
#include "bench/exit_code.h"
#include "bench/json_text.h"
#include "bench/launches_csv.h"
#include "bench/scenario_runner.h"
#include "policy/registry.h"
#include "properties/laws.h"
#include "scenarios/catalog.h"
#include "scenarios/keys.h"
#include "sim/graphs/graph_source.h"
#include "sim/hindsight.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace megabed {
namespace {

struct Line {
    std::string name;
    std::string summary;
};

std::vector<Line> lines_of(const std::vector<CatalogEntry>& entries) {
    std::vector<Line> lines;
    lines.reserve(entries.size());
    for (const CatalogEntry& entry : entries) {
        lines.push_back({entry.name, entry.summary});
    }
    return lines;
}

template <class Rows>
std::vector<Line> lines_of(const Rows& rows) {
    std::vector<Line> lines;
    for (const auto& row : rows) {
        lines.push_back({std::string(row.name), std::string(row.summary)});
    }
    return lines;
}

Loaded<std::vector<Line>> lines_for(const std::string& what) {
    if (what == "scenarios" || what == "devices") {
        const auto entries = what == "scenarios" ? list_scenarios() : list_devices();
        if (!entries) {
            return Refusal(entries.error());
        }
        return lines_of(*entries);
    }
    std::vector<Line> lines;
    if (what == "policies") {
        lines = lines_of(registered_policies());
        lines.push_back(
            {std::string(kHindsightPolicy),
             "the best topologies in retrospect, for one scenario on the simulator: the zero of regret"});
    } else if (what == "backends") {
        lines = lines_of(known_backends());
    } else if (what == "laws") {
        for (const Law& law : known_laws()) {
            lines.push_back({std::string(law.id), std::string(law.sentence)});
        }
    } else if (what == "columns") {
        for (const LaunchColumn& column : launch_columns()) {
            lines.push_back({std::string(column.name), std::string(column.meaning)});
        }
    } else if (what == "generators") {
        for (const GeneratorRow& row : graph_generators()) {
            lines.push_back({std::string(row.name), fmt::format("{}; {}", row.summary, row.usage)});
        }
    }
    return lines;
}

int list(const std::string& what, bool json) {
    if (what == "keys" && !json) {
        fmt::print("{}", keys_as_markdown());
        return kExitDone;
    }
    if (what == "keys") {
        nlohmann::ordered_json keys = nlohmann::ordered_json::array();
        for (const KeySpec& spec : scenario_keys()) {
            const std::string name =
                spec.section.empty() ? std::string(spec.key) : fmt::format("{}.{}", spec.section, spec.key);
            keys.push_back({{"name", name}, {"summary", spec.meaning}});
        }
        fmt::print("{}", json_text(keys));
        return kExitDone;
    }
    const auto lines = lines_for(what);
    if (!lines) {
        return refuse(lines.error());
    }
    if (json) {
        nlohmann::ordered_json document = nlohmann::ordered_json::array();
        for (const Line& line : *lines) {
            document.push_back({{"name", line.name}, {"summary", line.summary}});
        }
        fmt::print("{}", json_text(document));
        return kExitDone;
    }
    std::size_t width = 0;
    for (const Line& line : *lines) {
        width = std::max(width, line.name.size());
    }
    for (const Line& line : *lines) {
        fmt::print("{:<{}}  {}\n", line.name, width, line.summary);
    }
    return kExitDone;
}

}  // namespace

Loaded<std::vector<std::string>> listed_names(const std::string& what) {
    const auto lines = lines_for(what);
    if (!lines) {
        return Refusal(lines.error());
    }
    std::vector<std::string> names;
    for (const Line& line : *lines) {
        names.push_back(line.name);
    }
    return names;
}

void add_list_command(CLI::App& app, Action& action) {
    struct Arguments {
        std::string what;
        bool json = false;
    };
    const auto arguments = std::make_shared<Arguments>();
    CLI::App* const command = app.add_subcommand("list", "Say what there is, one line each.");
    command
        ->add_option(
            "WHAT", arguments->what,
            "scenarios, policies, laws, backends, generators, devices, keys (of scenario files) or columns "
            "(of launches.csv)")
        ->required()
        ->check(CLI::IsMember(
            {"scenarios", "policies", "laws", "backends", "generators", "devices", "keys", "columns"}));
    command->add_flag("--json", arguments->json, "an array of {name, summary} on stdout and nothing else");
    command->footer("Example: megabed list policies");
    command->callback(
        [arguments, &action] { action = [arguments] { return list(arguments->what, arguments->json); }; });
}

}  // namespace megabed
