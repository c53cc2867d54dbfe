#include "bench/study/study_file.h"

#include "bench/scenario_runner.h"
#include "bench/settings_file.h"
#include "scenarios/catalog.h"
#include "scenarios/scenario_loader.h"
#include "scenarios/section_reader.h"
#include "sim/engine/digest.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;

/// A scenario of the list: its file, and which of its runs.
struct ScenarioChoice {
    fs::path path;
    std::string label;  ///< of the file; empty: its stem
    std::vector<std::string> runs;
    std::uint64_t line = 0;
};

std::optional<double> number_of(const std::string& text) {
    double number = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    return code == std::errc() && stop == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::string with_value(std::string text, std::string_view value) {
    for (std::size_t at = text.find("{}"); at != std::string::npos; at = text.find("{}", at + value.size())) {
        text.replace(at, 2, value);
    }
    return text;
}

/// Reads one study file; the first thing wrong is kept.
class StudyReader {
public:
    StudyReader(const toml::table& root, const fs::path& path) : root_(root), path_(path) {}

    Loaded<Study> read() {
        Study study;
        refuse_unknown(root_, "",
                       {"format", "summary", "question", "method", "baseline", "backends", "seeds",
                        "launch_cache", "scenarios", "policies", "set", "parameter"});
        const toml::node* const format = root_.get("format");
        if (format == nullptr || format->value_exact<std::int64_t>() != 1) {
            refuse(format, "format", format == nullptr ? "is missing" : shown(*format), "1");
        }
        study.name = path_.stem().string();
        study.summary = text(root_, "", "summary", true);
        study.question = text(root_, "", "question", false);
        study.method = text(root_, "", "method", false);
        study.path = fs::absolute(path_).lexically_normal().string();
        study.seeds = seeds();
        study.backends = backends();
        study.launch_cache = flag("launch_cache");
        shared_settings_ = texts(root_, "", "set");
        read_policies(study);
        read_variants(study);
        read_scenarios(study);
        if (errors_.get()) {
            return Refusal(*errors_.get());
        }
        read_baseline(study);
        if (!errors_.get() && study.runs() > kStudyRunsMax) {
            errors_.report({.where = path_.string(),
                            .line = {},
                            .key = {},
                            .problem = fmt::format("asks for {} runs", study.runs()),
                            .allowed = fmt::format("at most {}", kStudyRunsMax)});
        }
        return errors_.get() ? Loaded<Study>(Refusal(*errors_.get())) : std::move(study);
    }

private:
    static std::string shown(const toml::node& node) { return fmt::format("is {}", as_written(node)); }

    void refuse(const toml::node* node, std::string key, std::string problem, std::string allowed) {
        errors_.report(
            {.where = path_.string(),
             .line = node == nullptr ? std::nullopt : std::optional<std::uint64_t>(node->source().begin.line),
             .key = std::move(key),
             .problem = std::move(problem),
             .allowed = std::move(allowed)});
    }

    void refuse_unknown(const toml::table& table, std::string_view section,
                        const std::vector<std::string_view>& known) {
        for (const auto& [key, node] : table) {
            if (std::find(known.begin(), known.end(), key.str()) != known.end()) {
                continue;
            }
            const auto guess = nearest(key.str(), known);
            refuse(&node, fmt::format("{}{}", section, printable(key.str())), "is no key of a study",
                   guess ? fmt::format("{} (did you mean {}?)", listed(known), *guess) : listed(known));
        }
    }

    std::string text(const toml::table& table, std::string_view section, std::string_view key, bool required) {
        const toml::node* const node = table.get(key);
        const std::string dotted = fmt::format("{}{}", section, key);
        if (node == nullptr) {
            if (required) {
                refuse(&table, dotted, "is missing", "a text");
            }
            return {};
        }
        const auto value = node->value_exact<std::string>();
        if (!value || value->empty()) {
            refuse(node, dotted, shown(*node), "a text that is not empty");
        }
        return value.value_or("");
    }

    bool flag(std::string_view key) {
        const toml::node* const node = root_.get(key);
        const auto value = node == nullptr ? std::optional(false) : node->value_exact<bool>();
        if (!value) {
            refuse(node, std::string(key), shown(*node), "true or false");
        }
        return value.value_or(false);
    }

    /// A text or a list of texts.
    std::vector<std::string> texts(const toml::table& table, std::string_view section, std::string_view key) {
        const toml::node* const node = table.get(key);
        std::vector<std::string> list;
        if (node == nullptr) {
            return list;
        }
        const std::string dotted = fmt::format("{}{}", section, key);
        if (const auto one = node->value_exact<std::string>()) {
            return {*one};
        }
        const toml::array* const array = node->as_array();
        if (array == nullptr || array->empty()) {
            refuse(node, dotted, shown(*node), "a text or a list of texts");
            return list;
        }
        for (const toml::node& entry : *array) {
            const auto value = entry.value_exact<std::string>();
            if (!value || value->empty()) {
                refuse(&entry, dotted, fmt::format("holds {}", as_written(entry)), "texts");
            }
            list.push_back(value.value_or(""));
        }
        return list;
    }

    /// A list, of which there has to be one.
    const toml::array* list(std::string_view key, std::string_view of) {
        const toml::node* const node = root_.get(key);
        const toml::array* const array = node == nullptr ? nullptr : node->as_array();
        if (array == nullptr || array->empty()) {
            refuse(node, std::string(key), node == nullptr ? "is missing" : shown(*node),
                   fmt::format("a list of {}", of));
            return nullptr;
        }
        return array;
    }

    std::vector<std::uint64_t> seeds() {
        constexpr std::int64_t kCountMax = 1'000'000;
        const toml::node* const node = root_.get("seeds");
        std::vector<std::uint64_t> seeds;
        if (node == nullptr) {
            return {1};
        }
        if (const auto count = node->value_exact<std::int64_t>(); count && *count >= 1 && *count <= kCountMax) {
            for (std::int64_t seed = 1; seed <= *count; ++seed) {
                seeds.push_back(static_cast<std::uint64_t>(seed));
            }
            return seeds;
        }
        const toml::array* const array = node->as_array();
        if (array == nullptr || array->empty()) {
            refuse(node, "seeds", shown(*node),
                   fmt::format("a count of 1 to {} (seeds 1 to that), or a list of seeds", kCountMax));
            return {1};
        }
        for (const toml::node& entry : *array) {
            const auto seed = entry.value_exact<std::int64_t>();
            if (!seed || *seed < 0) {
                refuse(&entry, "seeds", fmt::format("holds {}", as_written(entry)), "0 to 9223372036854775807");
                continue;
            }
            seeds.push_back(static_cast<std::uint64_t>(*seed));
            if (std::count(seeds.begin(), seeds.end(), seeds.back()) > 1) {
                refuse(&entry, "seeds", fmt::format("holds {} twice", *seed), "seeds that differ");
            }
        }
        return seeds;
    }

    std::vector<std::string> backends() {
        if (root_.get("backends") == nullptr) {
            return {"sim"};
        }
        std::vector<std::string> names = texts(root_, "", "backends");
        std::vector<std::string_view> known;
        for (const BackendRow& row : known_backends()) {
            known.push_back(row.name);
        }
        for (const std::string& name : names) {
            if (std::find(known.begin(), known.end(), name) == known.end()) {
                refuse(root_.get("backends"), "backends", fmt::format("holds {}", printable(name)),
                       listed(known));
            }
            if (std::count(names.begin(), names.end(), name) > 1) {
                refuse(root_.get("backends"), "backends", fmt::format("holds {} twice", printable(name)),
                       "each once");
            }
        }
        return names;
    }

    void read_policies(Study& study) {
        const toml::array* const array =
            list("policies", "names, or of tables { label, policy, settings, set }");
        if (array == nullptr) {
            return;
        }
        for (const toml::node& node : *array) {
            StudyPolicy policy;
            policy.settings = shared_settings_;
            if (const auto name = node.value_exact<std::string>()) {
                policy.name = *name;
            } else if (const toml::table* const table = node.as_table()) {
                refuse_unknown(*table, "policies.", {"label", "policy", "settings", "set"});
                policy.name = text(*table, "policies.", "policy", true);
                policy.label = text(*table, "policies.", "label", false);
                add_settings_file(*table, policy);
                const auto own = texts(*table, "policies.", "set");
                policy.settings.insert(policy.settings.end(), own.begin(), own.end());
            } else {
                refuse(&node, "policies", fmt::format("holds {}", as_written(node)),
                       "names, or tables { label, policy, settings, set }");
                continue;
            }
            policy.name = plugin_beside(policy.name);
            policy.label = policy.label.empty() ? fs::path(policy.name).filename().string() : policy.label;
            const bool known =
                std::any_of(study.policies.begin(), study.policies.end(),
                            [&](const StudyPolicy& other) { return other.label == policy.label; });
            if (known) {
                refuse(&node, "policies", fmt::format("holds {} twice", printable(policy.label)),
                       "a label of its own for each");
            }
            study.policies.push_back(std::move(policy));
        }
    }

    /// A plug-in's path is relative to the study, as a scenario's is.
    [[nodiscard]] std::string plugin_beside(const std::string& name) const {
        return fs::path(name).has_parent_path()
                   ? fs::absolute(path_.parent_path() / name).lexically_normal().string()
                   : name;
    }

    void add_settings_file(const toml::table& table, StudyPolicy& policy) {
        const std::string file = text(table, "policies.", "settings", false);
        if (file.empty()) {
            return;
        }
        const auto settings = load_settings(path_.parent_path() / file);
        if (!settings) {
            errors_.report(settings.error());
            return;
        }
        policy.settings.insert(policy.settings.end(), settings->begin(), settings->end());
    }

    /// A value of a parameter, bare and as TOML; or a level with settings of its own.
    struct Value {
        std::string bare;
        std::string toml;
        std::optional<std::vector<std::string>> settings{};
        bool operator==(const Value&) const = default;
    };

    Value value_of(const toml::node& node) {
        const toml::table* const table = node.as_table();
        if (table == nullptr || !table->contains("label")) {
            return {as_bare_toml(node), as_toml(node)};
        }
        refuse_unknown(*table, "parameter.values.", {"label", "set"});
        const std::string label = text(*table, "parameter.values.", "label", true);
        return {label, label, texts(*table, "parameter.values.", "set")};
    }

    std::vector<Value> values_of(const toml::table& table) {
        if (const toml::node* const node = table.get("values")) {
            const toml::array* const array = node->as_array();
            if (array == nullptr || array->empty()) {
                refuse(node, "parameter.values", shown(*node), "a list of values");
                return {};
            }
            std::vector<Value> values;
            for (const toml::node& value : *array) {
                values.push_back(value_of(value));
                if (std::count(values.begin(), values.end(), values.back()) > 1) {
                    refuse(&value, "parameter.values", fmt::format("holds {} twice", as_written(value)),
                           "each once");
                }
            }
            return values;
        }
        std::array<std::int64_t, 3> range{};
        for (std::size_t at = 0; at < range.size(); ++at) {
            constexpr std::array<std::string_view, 3> kKeys{"from", "to", "step"};
            const toml::node* const node = table.get(kKeys.at(at));
            const auto number = node == nullptr ? std::nullopt : node->value_exact<std::int64_t>();
            if (!number || (at == 2 && *number <= 0)) {
                refuse(node == nullptr ? &table : node, fmt::format("parameter.{}", kKeys.at(at)),
                       node == nullptr ? "is missing" : shown(*node),
                       "values = [...], or the whole numbers from, to and a step above 0");
                return {};
            }
            range.at(at) = *number;
        }
        constexpr std::int64_t kValuesMax = 10'000;
        if (range[1] < range[0] || (range[1] - range[0]) / range[2] >= kValuesMax) {
            refuse(table.get("to"), "parameter.to", fmt::format("is {}", range[1]),
                   fmt::format("at least from, and at most {} steps", kValuesMax));
            return {};
        }
        std::vector<Value> values;
        for (std::int64_t value = range[0]; value <= range[1]; value += range[2]) {
            const std::string text = fmt::format("{}", value);
            values.push_back({text, text});
        }
        return values;
    }

    /// Crosses the variants so far with the values of one more parameter.
    void add_parameter(const toml::table& table, std::vector<StudyVariant>& variants) {
        refuse_unknown(table, "parameter.", {"name", "key", "set", "values", "from", "to", "step"});
        const std::string key = text(table, "parameter.", "key", false);
        std::vector<std::string> templates = texts(table, "parameter.", "set");
        const std::vector<Value> values = values_of(table);
        const bool levels = std::all_of(values.begin(), values.end(),
                                        [](const Value& value) { return value.settings.has_value(); });
        if (values.empty()) {
            return;
        }
        if (levels ? !key.empty() || !templates.empty() : key.empty() == templates.empty()) {
            refuse(&table, "parameter",
                   levels        ? "has levels, and key or set"
                   : key.empty() ? "has no key"
                                 : "has both key and set",
                   "key = \"KEY\", or set = \"KEY={}\" where {} stands for the value; neither where all values "
                   "are "
                   "tables { label, set }");
            return;
        }
        std::string name = text(table, "parameter.", "name", false);
        if (name.empty()) {
            name = key.empty() ? "parameter" : key.substr(key.rfind('.') + 1);
        }
        if (!parameters_.insert(name).second) {
            refuse(&table, "parameter.name", fmt::format("{} is there twice", printable(name)),
                   "a name of its own for each");
        }
        std::vector<StudyVariant> crossed;
        for (const StudyVariant& variant : variants) {
            for (const Value& value : values) {
                StudyVariant& next = crossed.emplace_back(variant);
                next.label += fmt::format("{}{}={}", next.label.empty() ? "" : ", ", name, value.bare);
                next.values.push_back({name, value.bare, number_of(value.bare)});
                if (!key.empty()) {
                    next.settings.push_back(fmt::format("{}={}", key, value.toml));
                }
                for (const std::string& pattern : templates) {
                    next.settings.push_back(with_value(pattern, value.bare));
                }
                if (value.settings) {
                    next.settings.insert(next.settings.end(), value.settings->begin(), value.settings->end());
                }
            }
            if (crossed.size() > kStudyRunsMax) {
                break;
            }
        }
        variants = std::move(crossed);
    }

    void read_variants(Study& study) {
        study.variants.emplace_back();
        const toml::node* const node = root_.get("parameter");
        if (node == nullptr) {
            return;
        }
        const toml::array* const array = node->as_array();
        if (array == nullptr || !array->is_homogeneous<toml::table>()) {
            refuse(node, "parameter", shown(*node), "[[parameter]] tables, with double brackets");
            return;
        }
        for (const toml::node& entry : *array) {
            add_parameter(*entry.as_table(), study.variants);
        }
    }

    std::optional<ScenarioChoice> choice_of(const toml::node& node) {
        ScenarioChoice choice;
        choice.line = node.source().begin.line;
        std::string name;
        if (const auto text_of_node = node.value_exact<std::string>()) {
            name = *text_of_node;
        } else if (const toml::table* const table = node.as_table()) {
            refuse_unknown(*table, "scenarios.", {"file", "runs", "label"});
            name = text(*table, "scenarios.", "file", true);
            choice.label = text(*table, "scenarios.", "label", false);
            choice.runs = texts(*table, "scenarios.", "runs");
        }
        if (name.empty()) {
            refuse(&node, "scenarios", fmt::format("holds {}", as_written(node)),
                   "names of the catalog or files, or tables { file, runs, label }");
            return std::nullopt;
        }
        const bool by_name = fs::path(name).filename() == fs::path(name) && fs::path(name).extension().empty();
        choice.path = by_name ? catalog_directory() / (name + ".toml") : path_.parent_path() / name;
        choice.path = fs::absolute(choice.path).lexically_normal();
        return choice;
    }

    /// Adds a file with the runs that are wanted of it.
    void add_file(Study& study, const ScenarioChoice& choice) {
        auto text_of_file = read_text_file(choice.path);
        if (!text_of_file) {
            InputError error = text_of_file.error();
            error.key = fmt::format("named by {}:{}: scenarios", path_.string(), choice.line);
            errors_.report(std::move(error));
            return;
        }
        const auto file = parse_scenario(*text_of_file, choice.path);
        if (!file) {
            errors_.report(file.error());
            return;
        }
        std::vector<std::string_view> names;
        for (const Scenario& run : file->runs) {
            names.push_back(run.name);
        }
        const std::string stem = choice.label.empty() ? choice.path.stem().string() : choice.label;
        const std::vector<std::string> wanted =
            choice.runs.empty() ? std::vector<std::string>(names.begin(), names.end()) : choice.runs;
        for (const std::string& run : wanted) {
            const std::string label = fmt::format("{}/{}", stem, run);
            InputError error{
                .where = path_.string(), .line = choice.line, .key = "scenarios", .problem = {}, .allowed = {}};
            if (std::find(names.begin(), names.end(), run) == names.end()) {
                error.problem =
                    fmt::format("{} is no run of {}", printable(run), choice.path.filename().string());
                error.allowed = listed(names);
                errors_.report(std::move(error));
            } else if (!labels_.insert(label).second) {
                error.problem = fmt::format("{} is there twice", printable(label));
                error.allowed = "each run once; a file of the same name takes label = \"...\"";
                errors_.report(std::move(error));
            }
            study.scenarios.push_back({study.files.size(), run, label});
        }
        const std::string digest = hex(digest_of(std::as_bytes(std::span(*text_of_file))));
        study.files.push_back({choice.path.string(), *std::move(text_of_file), digest});
    }

    void read_scenarios(Study& study) {
        const toml::array* const array =
            list("scenarios", "names of the catalog or files, or of tables { file, runs, label }");
        if (array == nullptr) {
            return;
        }
        for (const toml::node& node : *array) {
            if (const auto choice = choice_of(node)) {
                add_file(study, *choice);
            }
        }
    }

    void read_baseline(Study& study) {
        study.baseline = root_.get("baseline") == nullptr ? study.policies.front().label
                                                          : text(root_, "", "baseline", false);
        std::vector<std::string_view> labels;
        for (const StudyPolicy& policy : study.policies) {
            labels.push_back(policy.label);
        }
        if (std::find(labels.begin(), labels.end(), study.baseline) == labels.end()) {
            refuse(root_.get("baseline"), "baseline",
                   fmt::format("{} is no policy of it", printable(study.baseline)), listed(labels));
        }
    }

    const toml::table& root_;
    fs::path path_;
    FirstError errors_;
    std::vector<std::string> shared_settings_;
    std::set<std::string> parameters_;
    std::set<std::string> labels_;
};

/// Where a refusal that names a setting has it from.
InputError in_study(InputError error, const Study& study, const StudyPolicy& policy,
                    const StudyScenario& scenario) {
    error.where = fmt::format("{}: {} under {}: {}", study.path, scenario.label, policy.label, error.where);
    return error;
}

/// Every scenario under every policy, with the first combination of parameters.
Loaded<void> check_runs(const Study& study) {
    for (const std::string& backend : study.backends) {
        if (const auto checked = check_backend(backend); !checked) {
            return Refusal(checked.error());
        }
    }
    for (const StudyPolicy& policy : study.policies) {
        std::optional<std::size_t> seen;
        for (const StudyScenario& scenario : study.scenarios) {
            if (seen == scenario.file) {
                continue;
            }
            seen = scenario.file;
            const StudyFile& file = study.files[scenario.file];
            ScenarioOverrides overrides;
            overrides.settings = policy.settings;
            const auto& own = study.variants.front().settings;
            overrides.settings.insert(overrides.settings.end(), own.begin(), own.end());
            overrides.policy = policy.name;
            overrides.replications = 1;
            const auto parsed = parse_scenario(file.text, file.path, overrides);
            if (!parsed) {
                return Refusal(in_study(parsed.error(), study, policy, scenario));
            }
            if (const auto loaded = load_policies(*parsed); !loaded) {
                return Refusal(loaded.error());
            }
        }
    }
    return {};
}

std::string whole_digest(const Study& study) {
    Digest digest;
    digest.add(std::string_view(study.text));
    for (const StudyFile& file : study.files) {
        digest.add(std::string_view(file.text));
    }
    for (const StudyPolicy& policy : study.policies) {
        for (const std::string& setting : policy.settings) {
            digest.add(std::string_view(setting));
        }
    }
    return hex(digest.value());
}

}  // namespace

Loaded<Study> read_study(const toml::table& root, const fs::path& path, std::string text) {
    auto study = StudyReader(root, path).read();
    if (!study) {
        return study;
    }
    study->text = std::move(text);
    study->digest = whole_digest(*study);
    if (const auto checked = check_runs(*study); !checked) {
        return Refusal(checked.error());
    }
    return study;
}

Loaded<Study> load_study(const fs::path& path) {
    auto text = read_text_file(path);
    if (!text) {
        return Refusal(text.error());
    }
    const auto root = parse_toml(*text, path.string());
    if (!root) {
        return Refusal(root.error());
    }
    return read_study(*root, path, *std::move(text));
}

}  // namespace megabed
