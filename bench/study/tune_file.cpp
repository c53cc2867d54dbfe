#include "bench/study/tune_file.h"

#include "bench/settings_file.h"
#include "bench/study/study_file.h"
#include "bench/toml_fields.h"
#include "scenarios/catalog.h"

#include <fmt/format.h>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;

/// Keys of a search that a study does not have.
constexpr std::array<std::string_view, 8> kOwnKeys{"candidates", "eta",    "points_min", "seed",
                                                   "parameter",  "policy", "baseline",   "held_out"};

/// Takes the search out of a file; what is left of it, with a list of two policies, is read as a study, twice.
class TuneReader {
public:
    TuneReader(toml::table& root, const fs::path& path, const std::string& text)
        : root_(root), path_(path.string()), text_(text) {}

    Loaded<TunePlan> read() {
        TunePlan plan;
        toml::array held_out;
        std::string policy;
        std::string baseline = "reference";
        {
            const TomlFields fields(root_, "", path_, errors_);
            plan.candidates = static_cast<std::size_t>(fields.whole("candidates", 81, 1, 1'000'000));
            plan.eta = static_cast<std::size_t>(fields.whole("eta", 3, 2, 100));
            plan.points_min = static_cast<std::size_t>(fields.whole("points_min", 0, 1, 1'000'000));
            plan.seed = static_cast<std::uint64_t>(
                fields.whole("seed", 1, 0, std::numeric_limits<std::int64_t>::max()));
            policy = fields.text("policy", true);
            baseline = fields.has("baseline") ? fields.text("baseline") : baseline;
            for (const toml::table* const table : fields.tables("parameter", true)) {
                plan.parameters.push_back(parameter_of(*table));
            }
            if (fields.list("held_out", "scenarios for the verdict, that nothing is tuned on") != nullptr) {
                held_out = std::move(*root_["held_out"].as_array());
            }
        }
        if (errors_.get()) {
            return Refusal(*errors_.get());
        }
        for (const std::string_view key : kOwnKeys) {
            root_.erase(key);
        }
        toml::array policies;
        policies.push_back(toml::table{{"label", "tuned"}, {"policy", policy}});
        policies.push_back(toml::table{{"label", "baseline"}, {"policy", baseline}});
        root_.insert_or_assign("policies", std::move(policies));
        root_.insert_or_assign("baseline", "baseline");
        return read_studies(std::move(plan), std::move(held_out));
    }

private:
    Loaded<TunePlan> read_studies(TunePlan plan, toml::array held_out) {
        auto tuned_on = read_study(root_, path_, text_);
        if (!tuned_on) {
            return Refusal(tuned_on.error());
        }
        root_.insert_or_assign("scenarios", std::move(held_out));
        auto verdict = read_study(root_, path_, text_);
        if (!verdict) {
            return Refusal(verdict.error());
        }
        plan.tuned_on = *std::move(tuned_on);
        plan.held_out = *std::move(verdict);
        if (plan.points_min == 0) {
            plan.points_min = plan.tuned_on.scenarios.size();
        }
        check_apart(plan);
        return errors_.get() ? Loaded<TunePlan>(Refusal(*errors_.get())) : std::move(plan);
    }

    TunedParameter parameter_of(const toml::table& table) {
        constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 4;
        const TomlFields fields(table, "parameter.", path_, errors_);
        fields.refuse_unknown({"key", "from", "to", "scale", "values"}, "a tuned parameter");
        TunedParameter parameter;
        parameter.key = fields.text("key", true);
        if (fields.has("values")) {
            if (const toml::array* const values = fields.list("values", "values")) {
                for (const toml::node& value : *values) {
                    parameter.values.push_back(as_toml(value));
                }
            }
            return parameter;
        }
        const std::string scale = fields.has("scale") ? fields.text("scale") : "linear";
        parameter.logarithmic = scale == "log";
        parameter.from = fields.whole("from", 0, -kMost, kMost);
        parameter.to = fields.whole("to", -kMost, -kMost, kMost);
        const bool known_scale = parameter.logarithmic || scale == "linear";
        if (!fields.has("from") || parameter.from > parameter.to || !known_scale ||
            (parameter.logarithmic && parameter.from < 1)) {
            fields.refuse("from", fmt::format("{} has no range", printable(parameter.key)),
                          "whole numbers from <= to with scale \"linear\" or \"log\" (from at least 1), or "
                          "values = [...]");
        }
        return parameter;
    }

    void check_apart(const TunePlan& plan) {
        for (const StudyScenario& scenario : plan.held_out.scenarios) {
            const auto& path = plan.held_out.files[scenario.file].path;
            for (const StudyScenario& other : plan.tuned_on.scenarios) {
                if (plan.tuned_on.files[other.file].path == path && other.name == scenario.name) {
                    errors_.report({.where = path_,
                                    .line = {},
                                    .key = "held_out",
                                    .problem = fmt::format("{} is tuned on, too", scenario.label),
                                    .allowed = "scenarios that nothing is tuned on"});
                }
            }
        }
    }

    toml::table& root_;
    std::string path_;
    const std::string& text_;
    FirstError errors_;
};

}  // namespace

Loaded<TunePlan> load_tune_plan(const fs::path& path) {
    const auto text = read_text_file(path);
    if (!text) {
        return Refusal(text.error());
    }
    auto root = parse_toml(*text, path.string());
    if (!root) {
        return Refusal(root.error());
    }
    return TuneReader(*root, path, *text).read();
}

}  // namespace megabed
