#include "bench/study/parameter_axes.h"

#include "bench/settings_file.h"
#include "bench/study/study_file.h"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

namespace megabed {
namespace {

/// A value of a parameter, bare and as TOML; or a level with settings of its own.
struct AxisValue {
    std::string bare;
    std::string toml;
    std::optional<std::vector<std::string>> settings{};
    bool operator==(const AxisValue&) const = default;
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

/// Reads one [[parameter]].
class AxisReader {
public:
    AxisReader(const toml::table& table, const std::string& path, FirstError& errors)
        : fields_(table, "parameter.", path, errors), path_(path), errors_(errors) {}

    /// Crosses the combinations so far with its values.
    std::vector<StudyVariant> cross(const std::vector<StudyVariant>& variants, std::set<std::string>& names) {
        fields_.refuse_unknown({"name", "key", "set", "values", "from", "to", "step"}, "a parameter");
        const std::string key = fields_.text("key");
        const std::vector<std::string> templates = fields_.texts("set");
        const std::vector<AxisValue> values = fields_.has("values") ? listed_values() : range();
        if (!check_form(key, templates, values)) {
            return variants;
        }
        std::string name = fields_.text("name");
        if (name.empty()) {
            name = key.empty() ? "parameter" : key.substr(key.rfind('.') + 1);
        }
        if (!names.insert(name).second) {
            fields_.refuse("name", fmt::format("{} is there twice", printable(name)),
                           "a name of its own for each");
        }
        std::vector<StudyVariant> crossed;
        if (variants.size() * values.size() > kStudyRunsMax) {
            return variants;  // the study as a whole is refused
        }
        crossed.reserve(variants.size() * values.size());
        for (const StudyVariant& variant : variants) {
            for (const AxisValue& value : values) {
                StudyVariant& next = crossed.emplace_back(variant);
                next.label += fmt::format("{}{}={}", next.label.empty() ? "" : ", ", name, value.bare);
                next.values.push_back({name, value.bare, number_of(value.bare)});
                add_settings(next.settings, key, templates, value);
            }
        }
        return crossed;
    }

private:
    static void add_settings(std::vector<std::string>& settings, const std::string& key,
                             const std::vector<std::string>& templates, const AxisValue& value) {
        if (!key.empty()) {
            settings.push_back(fmt::format("{}={}", key, value.toml));
        }
        for (const std::string& pattern : templates) {
            settings.push_back(with_value(pattern, value.bare));
        }
        if (value.settings) {
            settings.insert(settings.end(), value.settings->begin(), value.settings->end());
        }
    }

    /// A key, or templates, or levels, and one of them alone.
    bool check_form(const std::string& key, const std::vector<std::string>& templates,
                    const std::vector<AxisValue>& values) {
        if (values.empty()) {
            return false;
        }
        const bool levels =
            std::all_of(values.begin(), values.end(), [](const AxisValue& value) { return value.settings; });
        const int forms = (key.empty() ? 0 : 1) + (templates.empty() ? 0 : 1) + (levels ? 1 : 0);
        if (forms != 1) {
            const char* const problem = levels       ? "has levels, and key or set"
                                        : forms == 0 ? "has no key"
                                                     : "has both key and set";
            fields_.refuse(
                forms == 0 ? "key" : "set", problem,
                "key = \"KEY\", or set = \"KEY={}\" where {} stands for the value, or values that are "
                "tables { label, set }");
        }
        return forms == 1;
    }

    AxisValue value_of(const toml::node& node) {
        const toml::table* const table = node.as_table();
        if (table == nullptr || !table->contains("label")) {
            return {as_bare_toml(node), as_toml(node)};
        }
        const TomlFields level(*table, "parameter.values.", path_, errors_);
        level.refuse_unknown({"label", "set"}, "a level");
        const std::string label = level.text("label", true);
        return {label, label, level.texts("set")};
    }

    std::vector<AxisValue> listed_values() {
        std::vector<AxisValue> values;
        if (const toml::array* const array = fields_.list("values", "values")) {
            values.reserve(array->size());
            for (const toml::node& node : *array) {
                values.push_back(value_of(node));
                if (std::count(values.begin(), values.end(), values.back()) > 1) {
                    fields_.refuse(node, "values", fmt::format("holds {} twice", as_written(node)),
                                   "each once");
                }
            }
        }
        return values;
    }

    std::vector<AxisValue> range() {
        constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 4;
        constexpr std::int64_t kValuesMax = 10'000;
        for (const char* const key : {"from", "to", "step"}) {
            if (!fields_.has(key)) {
                fields_.refuse(key, "is missing", "values = [...], or the whole numbers from, to and step");
                return {};
            }
        }
        const std::int64_t from = fields_.whole("from", 0, -kMost, kMost);
        const std::int64_t to = fields_.whole("to", 0, -kMost, kMost);
        const std::int64_t step = fields_.whole("step", 1, 1, kMost);
        if (to < from || (to - from) / step >= kValuesMax) {
            fields_.refuse("to", fmt::format("is {}", to),
                           fmt::format("at least from, and at most {} steps", kValuesMax));
            return {};
        }
        std::vector<AxisValue> values;
        for (std::int64_t value = from; value <= to; value += step) {
            const std::string text = fmt::format("{}", value);
            values.push_back({text, text});
        }
        return values;
    }

    TomlFields fields_;
    const std::string& path_;
    FirstError& errors_;
};

}  // namespace

std::vector<StudyVariant> read_parameter_axes(const TomlFields& study, const std::string& path,
                                              FirstError& errors) {
    std::vector<StudyVariant> variants(1);
    std::set<std::string> names;
    for (const toml::table* const table : study.tables("parameter", false)) {
        variants = AxisReader(*table, path, errors).cross(variants, names);
    }
    return variants;
}

}  // namespace megabed
