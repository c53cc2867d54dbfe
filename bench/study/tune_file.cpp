#include "bench/study/tune_file.h"

#include "bench/settings_file.h"
#include "bench/study/study_file.h"
#include "scenarios/catalog.h"
#include "scenarios/section_reader.h"

#include <fmt/format.h>
#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;

class TuneReader {
public:
    TuneReader(toml::table& root, const fs::path& path, const std::string& text)
        : root_(root), path_(path.string()), text_(text) {}

    Loaded<TunePlan> read() {
        TunePlan plan;
        plan.candidates = static_cast<std::size_t>(whole("candidates", 81, 1, 1'000'000));
        plan.eta = static_cast<std::size_t>(whole("eta", 3, 2, 100));
        plan.seed = static_cast<std::uint64_t>(whole("seed", 1, 0, std::numeric_limits<std::int64_t>::max()));
        const auto points_min = whole("points_min", 0, 0, 1'000'000);
        read_parameters(plan);
        auto held_out = take("held_out");
        if (!held_out) {
            refuse(root_, "held_out", "is missing", "scenarios for the verdict, that nothing is tuned on");
        }
        const std::string policy = name_of("policy");
        const std::string baseline = root_.contains("baseline") ? name_of("baseline") : "reference";
        for (const char* const own :
             {"candidates", "eta", "points_min", "seed", "parameter", "policy", "baseline"}) {
            root_.erase(own);
        }
        if (errors_.get()) {
            return Refusal(*errors_.get());
        }
        toml::array policies;
        policies.push_back(toml::table{{"label", "tuned"}, {"policy", policy}});
        policies.push_back(toml::table{{"label", "baseline"}, {"policy", baseline}});
        root_.insert_or_assign("policies", std::move(policies));
        root_.insert_or_assign("baseline", "baseline");
        auto tuned_on = read_study(root_, path_, text_);
        if (!tuned_on) {
            return Refusal(tuned_on.error());
        }
        root_.insert_or_assign("scenarios", *std::move(held_out));
        auto verdict = read_study(root_, path_, text_);
        if (!verdict) {
            return Refusal(verdict.error());
        }
        plan.tuned_on = *std::move(tuned_on);
        plan.points_min =
            points_min != 0 ? static_cast<std::size_t>(points_min) : plan.tuned_on.scenarios.size();
        plan.held_out = *std::move(verdict);
        check_apart(plan);
        return errors_.get() ? Loaded<TunePlan>(Refusal(*errors_.get())) : std::move(plan);
    }

private:
    void refuse(const toml::node& node, std::string key, std::string problem, std::string allowed) {
        errors_.report({.where = path_,
                        .line = node.source().begin.line == 0
                                    ? std::nullopt
                                    : std::optional<std::uint64_t>(node.source().begin.line),
                        .key = std::move(key),
                        .problem = std::move(problem),
                        .allowed = std::move(allowed)});
    }

    std::int64_t whole(std::string_view key, std::int64_t fallback, std::int64_t least, std::int64_t most) {
        const toml::node* const node = root_.get(key);
        if (node == nullptr) {
            return fallback;
        }
        const auto value = node->value_exact<std::int64_t>();
        if (!value || *value < least || *value > most) {
            refuse(*node, std::string(key), fmt::format("is {}", as_written(*node)),
                   fmt::format("{} to {}", least, most));
        }
        return value.value_or(fallback);
    }

    std::string name_of(std::string_view key) {
        const toml::node* const node = root_.get(key);
        const auto value = node == nullptr ? std::nullopt : node->value_exact<std::string>();
        if (!value || value->empty()) {
            refuse(node == nullptr ? root_ : *node, std::string(key),
                   node == nullptr ? "is missing" : fmt::format("is {}", as_written(*node)),
                   "a name that `megabed list policies` shows, or a plug-in's path");
        }
        return value.value_or("");
    }

    std::optional<toml::array> take(std::string_view key) {
        toml::node* const node = root_.get(key);
        toml::array* const array = node == nullptr ? nullptr : node->as_array();
        if (array == nullptr || array->empty()) {
            return std::nullopt;
        }
        std::optional<toml::array> taken = std::move(*array);
        root_.erase(key);
        return taken;
    }

    void read_parameter(const toml::table& table, TunePlan& plan) {
        static constexpr std::array<std::string_view, 5> kKnown{"key", "from", "to", "scale", "values"};
        for (const auto& [key, node] : table) {
            if (std::find(kKnown.begin(), kKnown.end(), key.str()) == kKnown.end()) {
                refuse(node, fmt::format("parameter.{}", printable(key.str())),
                       "is no key of a tuned parameter", listed({kKnown.begin(), kKnown.end()}));
            }
        }
        TunedParameter parameter;
        parameter.key = table["key"].value_exact<std::string>().value_or("");
        if (parameter.key.empty() || parameter.key.find('=') != std::string::npos) {
            refuse(table, "parameter.key", "is missing", "a dotted key, such as policy.arcs.work_per_lane");
        }
        if (const toml::array* const values = table["values"].as_array()) {
            for (const toml::node& value : *values) {
                parameter.values.push_back(as_toml(value));
            }
        } else {
            const auto from = table["from"].value_exact<std::int64_t>();
            const auto to = table["to"].value_exact<std::int64_t>();
            const std::string scale = table["scale"].value_or(std::string("linear"));
            parameter.logarithmic = scale == "log";
            if (!from || !to || *from > *to || (scale != "linear" && scale != "log") ||
                (parameter.logarithmic && *from < 1)) {
                refuse(table, fmt::format("parameter {}", parameter.key), "has no range",
                       "whole numbers from <= to with scale \"linear\" or \"log\" (from at least 1), or values "
                       "= [...]");
            }
            parameter.from = from.value_or(0);
            parameter.to = to.value_or(0);
        }
        plan.parameters.push_back(std::move(parameter));
    }

    void read_parameters(TunePlan& plan) {
        const toml::array* const array = root_.get_as<toml::array>("parameter");
        if (array == nullptr || array->empty() || !array->is_homogeneous<toml::table>()) {
            refuse(root_, "parameter", "is missing", "one or more [[parameter]] tables");
            return;
        }
        for (const toml::node& node : *array) {
            read_parameter(*node.as_table(), plan);
        }
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
