#include "bench/study/study_file.h"

#include "bench/scenario_runner.h"
#include "bench/settings_file.h"
#include "bench/study/parameter_axes.h"
#include "bench/toml_fields.h"
#include "scenarios/catalog.h"
#include "scenarios/scenario_loader.h"
#include "scenarios/section_reader.h"
#include "sim/engine/digest.h"

#include <fmt/format.h>
#include <algorithm>
#include <set>
#include <span>
#include <string_view>
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

/// Reads one study file; the first thing wrong is kept.
class StudyReader {
public:
    StudyReader(const toml::table& root, const fs::path& path)
        : path_(path.string()), folder_(path.parent_path()), fields_(root, "", path_, errors_) {}

    Loaded<Study> read() {
        fields_.refuse_unknown({"format", "summary", "question", "method", "baseline", "backends", "seeds",
                                "launch_cache", "scenarios", "policies", "set", "parameter"},
                               "a study");
        if (!fields_.has("format")) {
            fields_.refuse("format", "is missing", "1");
        }
        (void)fields_.whole("format", 1, 1, 1);
        Study study;
        study.name = fs::path(path_).stem().string();
        study.summary = fields_.text("summary", true);
        study.question = fields_.text("question");
        study.method = fields_.text("method");
        study.path = fs::absolute(path_).lexically_normal().string();
        study.seeds = seeds();
        study.backends = backends();
        study.launch_cache = fields_.flag("launch_cache");
        shared_settings_ = fields_.texts("set");
        read_policies(study);
        study.variants = read_parameter_axes(fields_, path_, errors_);
        read_scenarios(study);
        if (errors_.get()) {
            return Refusal(*errors_.get());
        }
        read_baseline(study);
        if (study.runs() > kStudyRunsMax) {
            errors_.report({.where = path_,
                            .line = {},
                            .key = {},
                            .problem = fmt::format("asks for {} runs", study.runs()),
                            .allowed = fmt::format("at most {}", kStudyRunsMax)});
        }
        return errors_.get() ? Loaded<Study>(Refusal(*errors_.get())) : std::move(study);
    }

private:
    std::vector<std::uint64_t> seeds() {
        constexpr std::int64_t kCountMax = 1'000'000;
        const toml::node* const node = fields_.get("seeds");
        std::vector<std::uint64_t> seeds;
        if (node == nullptr || node->is_integer()) {
            const std::int64_t count = fields_.whole("seeds", 1, 1, kCountMax);
            for (std::int64_t seed = 1; seed <= count; ++seed) {
                seeds.push_back(static_cast<std::uint64_t>(seed));
            }
            return seeds;
        }
        const toml::array* const array =
            fields_.list("seeds", fmt::format("seeds, or a count of 1 to {}", kCountMax));
        if (array == nullptr) {
            return {1};
        }
        for (const toml::node& entry : *array) {
            const auto seed = entry.value_exact<std::int64_t>();
            if (!seed || *seed < 0) {
                fields_.refuse(entry, "seeds", fmt::format("holds {}", as_written(entry)),
                               "0 to 9223372036854775807");
                continue;
            }
            seeds.push_back(static_cast<std::uint64_t>(*seed));
            if (std::count(seeds.begin(), seeds.end(), seeds.back()) > 1) {
                fields_.refuse(entry, "seeds", fmt::format("holds {} twice", *seed), "seeds that differ");
            }
        }
        return seeds;
    }

    std::vector<std::string> backends() {
        if (!fields_.has("backends")) {
            return {"sim"};
        }
        std::vector<std::string> names = fields_.texts("backends");
        std::vector<std::string_view> known;
        for (const BackendRow& row : known_backends()) {
            known.push_back(row.name);
        }
        for (const std::string& name : names) {
            if (std::find(known.begin(), known.end(), name) == known.end()) {
                fields_.refuse("backends", fmt::format("holds {}", printable(name)), listed(known));
            }
            if (std::count(names.begin(), names.end(), name) > 1) {
                fields_.refuse("backends", fmt::format("holds {} twice", printable(name)), "each once");
            }
        }
        return names;
    }

    StudyPolicy policy_of(const toml::node& node) {
        StudyPolicy policy;
        policy.settings = shared_settings_;
        if (const auto name = node.value_exact<std::string>()) {
            policy.name = *name;
        } else if (const toml::table* const table = node.as_table()) {
            const TomlFields fields(*table, "policies.", path_, errors_);
            fields.refuse_unknown({"label", "policy", "settings", "set"}, "a policy");
            policy.name = fields.text("policy", true);
            policy.label = fields.text("label");
            add_settings_file(fields.text("settings"), policy);
            const auto own = fields.texts("set");
            policy.settings.insert(policy.settings.end(), own.begin(), own.end());
        } else {
            fields_.refuse(node, "policies", fmt::format("holds {}", as_written(node)),
                           "names, or tables { label, policy, settings, set }");
        }
        policy.name = plugin_beside(policy.name);
        policy.label = policy.label.empty() ? fs::path(policy.name).filename().string() : policy.label;
        return policy;
    }

    void read_policies(Study& study) {
        const toml::array* const array =
            fields_.list("policies", "names, or of tables { label, policy, settings, set }");
        if (array == nullptr) {
            return;
        }
        for (const toml::node& node : *array) {
            StudyPolicy policy = policy_of(node);
            const bool known =
                std::any_of(study.policies.begin(), study.policies.end(),
                            [&](const StudyPolicy& other) { return other.label == policy.label; });
            if (known) {
                fields_.refuse(node, "policies", fmt::format("holds {} twice", printable(policy.label)),
                               "a label of its own for each");
            }
            study.policies.push_back(std::move(policy));
        }
    }

    /// A plug-in's path is relative to the study, as a scenario's is.
    [[nodiscard]] std::string plugin_beside(const std::string& name) const {
        return fs::path(name).has_parent_path() ? fs::absolute(folder_ / name).lexically_normal().string()
                                                : name;
    }

    void add_settings_file(const std::string& file, StudyPolicy& policy) {
        if (file.empty()) {
            return;
        }
        const auto settings = load_settings(folder_ / file);
        if (!settings) {
            errors_.report(settings.error());
            return;
        }
        policy.settings.insert(policy.settings.end(), settings->begin(), settings->end());
    }

    std::optional<ScenarioChoice> choice_of(const toml::node& node) {
        ScenarioChoice choice;
        choice.line = node.source().begin.line;
        std::string name;
        if (const auto text = node.value_exact<std::string>()) {
            name = *text;
        } else if (const toml::table* const table = node.as_table()) {
            const TomlFields fields(*table, "scenarios.", path_, errors_);
            fields.refuse_unknown({"file", "runs", "label"}, "a scenario");
            name = fields.text("file", true);
            choice.label = fields.text("label");
            choice.runs = fields.texts("runs");
        }
        if (name.empty()) {
            fields_.refuse(node, "scenarios", fmt::format("holds {}", as_written(node)),
                           "names of the catalog or files, or tables { file, runs, label }");
            return std::nullopt;
        }
        const bool by_name = fs::path(name).filename() == fs::path(name) && fs::path(name).extension().empty();
        choice.path = by_name ? catalog_directory() / (name + ".toml") : folder_ / name;
        choice.path = fs::absolute(choice.path).lexically_normal();
        return choice;
    }

    /// Adds a file with the runs that are wanted of it.
    void add_file(Study& study, const toml::node& node, const ScenarioChoice& choice) {
        auto text_of_file = read_text_file(choice.path);
        if (!text_of_file) {
            InputError error = text_of_file.error();
            error.key = fmt::format("named by {}:{}: scenarios", path_, choice.line);
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
            if (std::find(names.begin(), names.end(), run) == names.end()) {
                fields_.refuse(
                    node, "scenarios",
                    fmt::format("{} is no run of {}", printable(run), choice.path.filename().string()),
                    listed(names));
            } else if (!labels_.insert(label).second) {
                fields_.refuse(node, "scenarios", fmt::format("{} is there twice", printable(label)),
                               "each run once; a file of the same name takes label = \"...\"");
            }
            study.scenarios.push_back({study.files.size(), run, label});
        }
        const std::string digest = hex(digest_of(std::as_bytes(std::span(*text_of_file))));
        study.files.push_back({choice.path.string(), *std::move(text_of_file), digest});
    }

    void read_scenarios(Study& study) {
        const toml::array* const array =
            fields_.list("scenarios", "names of the catalog or files, or of tables { file, runs, label }");
        if (array == nullptr) {
            return;
        }
        for (const toml::node& node : *array) {
            if (const auto choice = choice_of(node)) {
                add_file(study, node, *choice);
            }
        }
    }

    void read_baseline(Study& study) {
        study.baseline = fields_.has("baseline") ? fields_.text("baseline") : study.policies.front().label;
        std::vector<std::string_view> labels;
        for (const StudyPolicy& policy : study.policies) {
            labels.push_back(policy.label);
        }
        if (std::find(labels.begin(), labels.end(), study.baseline) == labels.end()) {
            fields_.refuse("baseline", fmt::format("{} is no policy of it", printable(study.baseline)),
                           listed(labels));
        }
    }

    FirstError errors_;
    std::string path_;
    fs::path folder_;
    TomlFields fields_;
    std::vector<std::string> shared_settings_;
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
