#include "scenarios/scenario_loader.h"

#include "scenarios/catalog.h"
#include "scenarios/run_reader.h"
#include "scenarios/section_reader.h"
#include "scenarios/workload_tables.h"

#include <fmt/format.h>
#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;

/// `a.b=c` as a TOML document; a value that is not TOML is taken as text.
Loaded<toml::table> parse_setting(const std::string& setting) {
    const std::size_t equals = setting.find('=');
    const auto refuse = [&] {
        return Refusal(InputError{.where = std::string(kSetFlag),
                                  .line = {},
                                  .key = {},
                                  .problem = fmt::format("{} is not a setting", printable(setting)),
                                  .allowed = "key=value with a dotted key, such as policy.name=stateless"});
    };
    if (equals == std::string::npos || equals == 0 || setting.find('\n') != std::string::npos) {
        return refuse();
    }
    if (auto table = parse_toml(setting, std::string(kSetFlag))) {
        return table;
    }
    const std::string value = setting.substr(equals + 1);
    if (value.find_first_of("'\\") != std::string::npos) {
        return refuse();
    }
    auto table = parse_toml(fmt::format("{}='{}'", setting.substr(0, equals), value), std::string(kSetFlag));
    return table ? std::move(table) : Loaded<toml::table>(refuse());
}

/// Adds `from` to `into`, table by table; a later setting replaces an earlier one.
void merge(toml::table& into, toml::table&& from) {
    for (auto&& [key, node] : from) {
        toml::table* const there = into.get_as<toml::table>(key.str());
        if (there != nullptr && node.is_table()) {
            merge(*there, std::move(*node.as_table()));
        } else {
            into.insert_or_assign(key.str(), std::move(node));
        }
    }
}

Loaded<toml::table> settings_table(const ScenarioOverrides& overrides) {
    toml::table settings;
    for (const std::string& setting : overrides.settings) {
        auto table = parse_setting(setting);
        if (!table) {
            return table;
        }
        merge(settings, *std::move(table));
    }
    return settings;
}

class FileReader {
public:
    FileReader(const toml::table& root, const toml::table& settings, const fs::path& path)
        : root_(root), settings_(settings), path_(path.string()), folder_(path.parent_path()) {}

    Loaded<ScenarioFile> read() {
        ScenarioFile file;
        file.path = path_;
        SectionReader top(scenario_keys(), "", {{&settings_, kSetFlag, false}, {&root_, path_, true}}, errors_);
        (void)top.integer("format");
        file.summary = top.text("summary").value_or("");
        const auto seed = static_cast<std::uint64_t>(top.integer("seed").value_or(1));
        top.refuse_unknown({"policy", "device", "memory", "faults", "replications", "run", "counterexample"});
        for (const std::string_view section : {"policy", "device", "memory", "replications"}) {
            expect_table(section);
        }
        read_runs(file);
        refuse_settings_without_a_run(file);
        for (Scenario& run : file.runs) {
            run.seed = seed;
        }
        if (errors_.get()) {
            return Refusal(*errors_.get());
        }
        return file;
    }

private:
    void expect_table(std::string_view section) {
        for (const auto& [table, source, line] :
             {std::tuple{&settings_, kSetFlag, false}, {&root_, std::string_view(path_), true}}) {
            const toml::node* const node = table->get(section);
            if (node != nullptr && !node->is_table()) {
                InputError error{.where = std::string(source),
                                 .line = {},
                                 .key = std::string(section),
                                 .problem = fmt::format("is {}", as_written(*node)),
                                 .allowed = "a table"};
                if (line) {
                    error.line = node->source().begin.line;
                }
                errors_.report(std::move(error));
            }
        }
    }

    /// A setting of a workload that no run has would change nothing.
    void refuse_settings_without_a_run(const ScenarioFile& file) {
        const toml::table* const set_run = settings_.get_as<toml::table>("run");
        for (const std::string_view table : kWorkloadTables) {
            const bool used = std::any_of(file.runs.begin(), file.runs.end(), [table](const Scenario& run) {
                return workload_table(run.workload) == table;
            });
            if (set_run != nullptr && set_run->contains(table) && !used) {
                errors_.report({.where = std::string(kSetFlag),
                                .line = {},
                                .key = fmt::format("run.{}", table),
                                .problem = "no run has this workload",
                                .allowed = "keys of workloads that the file has"});
            }
        }
    }

    void read_runs(ScenarioFile& file) {
        const toml::node* const node_of_runs = root_.get("run");
        const toml::array* const runs = node_of_runs == nullptr ? nullptr : node_of_runs->as_array();
        if (node_of_runs != nullptr && runs == nullptr) {
            errors_.report({.where = path_,
                            .line = node_of_runs->source().begin.line,
                            .key = "run",
                            .problem = fmt::format("is {}", as_written(*node_of_runs)),
                            .allowed = "one or more [[run]] tables, with double brackets"});
            return;
        }
        if (runs == nullptr || runs->empty()) {
            errors_.report({.where = path_,
                            .line = {},
                            .key = "run",
                            .problem = "is missing",
                            .allowed = "one or more [[run]] tables"});
            return;
        }
        std::set<std::string> names;
        for (const toml::node& node : *runs) {
            if (!node.is_table()) {
                errors_.report({.where = path_,
                                .line = node.source().begin.line,
                                .key = "run",
                                .problem = fmt::format("holds {}", as_written(node)),
                                .allowed = "[[run]] tables"});
                return;
            }
            Scenario scenario =
                read_run(RunTables(settings_, *node.as_table(), root_, path_), folder_, errors_);
            if (!names.insert(scenario.name).second) {
                errors_.report(
                    {.where = path_,
                     .line = node.source().begin.line,
                     .key = "run.name",
                     .problem = fmt::format("{} is the name of an earlier run", printable(scenario.name)),
                     .allowed = "a name of its own"});
            }
            file.runs.push_back(std::move(scenario));
        }
    }

    const toml::table& root_;
    const toml::table& settings_;
    std::string path_;
    fs::path folder_;
    FirstError errors_;
};

/// The dedicated flags are settings with fixed keys.
ScenarioOverrides with_flags(ScenarioOverrides overrides) {
    if (overrides.policy) {
        overrides.settings.push_back(fmt::format("policy.name={}", *overrides.policy));
    }
    if (overrides.decide) {
        overrides.settings.push_back(
            fmt::format("policy.decide={}", *overrides.decide == DecisionPlace::Host ? "host" : "device"));
    }
    if (overrides.replications) {
        overrides.settings.push_back(fmt::format("replications.count={}", *overrides.replications));
        overrides.settings.push_back(fmt::format("replications.count_max={}", *overrides.replications));
    }
    return overrides;
}

}  // namespace

Loaded<ScenarioFile> parse_scenario(std::string_view text, const fs::path& path,
                                    const ScenarioOverrides& overrides) {
    const auto root = parse_toml(text, path.string());
    if (!root) {
        return Refusal(root.error());
    }
    const auto settings = settings_table(with_flags(overrides));
    if (!settings) {
        return Refusal(settings.error());
    }
    auto file = FileReader(*root, *settings, path).read();
    if (!file && overrides.policy && file.error().where == kSetFlag && file.error().key == "policy.name") {
        InputError error = file.error();
        error.where = "--policy";
        error.key.clear();
        return Refusal(std::move(error));
    }
    if (file) {
        file->text = text;
        for (Scenario& run : file->runs) {
            run.seed = overrides.seed.value_or(run.seed);
        }
    }
    return file;
}

Loaded<ScenarioFile> load_scenario(const fs::path& named, const ScenarioOverrides& overrides) {
    std::error_code code;
    const fs::path shipped = catalog_directory() / (named.string() + ".toml");
    const bool by_name = !named.has_parent_path() && !fs::exists(named, code) && fs::exists(shipped, code);
    const fs::path& path = by_name ? shipped : named;
    const auto text = read_text_file(path);
    if (!text) {
        return Refusal(text.error());
    }
    return parse_scenario(*text, path, overrides);
}

}  // namespace megabed
