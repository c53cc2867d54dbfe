#include "properties/law_case_toml.h"

#include "scenarios/request_fields.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

namespace megabed {
namespace {

constexpr std::int64_t kU32Max = std::numeric_limits<std::uint32_t>::max();

class TableReader {
public:
    TableReader(const toml::table& table, std::string_view source, std::string_view section, FirstError& errors)
        : table_(table), source_(source), section_(section), errors_(errors) {}

    void refuse(const toml::node& node, std::string_view key, std::string allowed) {
        refuse(node, key, fmt::format("is {}", as_written(node)), std::move(allowed));
    }
    void refuse(const toml::node& node, std::string_view key, std::string problem, std::string allowed) {
        errors_.report({.where = std::string(source_),
                        .line = node.source().begin.line,
                        .key = fmt::format("{}.{}", section_, key),
                        .problem = std::move(problem),
                        .allowed = std::move(allowed)});
    }

    [[nodiscard]] std::optional<std::uint64_t> number(const toml::node& node, std::string_view key,
                                                      std::uint64_t most) {
        const auto* const integer = node.as_integer();
        if (integer == nullptr || integer->get() < 0 || static_cast<std::uint64_t>(integer->get()) > most) {
            refuse(node, key, fmt::format("0 to {}", most));
            return std::nullopt;
        }
        return static_cast<std::uint64_t>(integer->get());
    }

    [[nodiscard]] double real(const toml::node& node, std::string_view key) {
        if (const auto* text = node.as_string()) {
            if (text->get() == "nan") {
                return std::numeric_limits<double>::quiet_NaN();
            }
            if (text->get() == "-nan") {
                return -std::numeric_limits<double>::quiet_NaN();
            }
        } else if (const auto value = node.value<double>()) {
            return *value;
        }
        refuse(node, key, R"(a number, "nan" or "-nan")");
        return 0.0;
    }

    template <class Visit>
    void for_each(std::string_view key, Visit visit) {
        const toml::node* const node = table_.get(key);
        if (node == nullptr) {
            return;
        }
        const toml::array* const list = node->as_array();
        if (list == nullptr) {
            refuse(*node, key, "an array");
            return;
        }
        for (const toml::node& entry : *list) {
            visit(entry);
        }
    }

    template <class Known>
    void refuse_unknown(const Known& known) {
        for (const auto& [name, node] : table_) {
            const std::string_view key = name.str();
            if (std::find(known.begin(), known.end(), key) == known.end()) {
                const auto guess = nearest(key, known);
                refuse(node, key,
                       guess ? fmt::format("is no key here; did you mean {}?", *guess) : "is no key here",
                       listed(known));
            }
        }
    }

private:
    const toml::table& table_;
    std::string_view source_;
    std::string_view section_;
    FirstError& errors_;
};

std::string real_as_toml(double value) {
    if (std::isnan(value)) {
        return std::signbit(value) ? "\"-nan\"" : "\"nan\"";
    }
    if (std::isinf(value)) {
        return value < 0 ? "-inf" : "inf";
    }
    const std::string text = fmt::format("{}", value);
    return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

std::string reals_as_toml(const std::vector<double>& values) {
    std::string text;
    for (const double value : values) {
        fmt::format_to(std::back_inserter(text), "{}{}", text.empty() ? "" : ", ", real_as_toml(value));
    }
    return text;
}

}  // namespace

LaunchPolicyParameters read_parameters(const toml::table& table, std::string_view source,
                                       std::string_view section, FirstError& errors) {
    TableReader reader(table, source, section, errors);
    LaunchPolicyParameters parameters;
    std::vector<std::string_view> known{"name", "decide"};
    for (const ParameterField& field : parameter_fields()) {
        known.push_back(field.name);
        if (const toml::node* const node = table.get(field.name)) {
            if (const auto value = reader.number(*node, field.name, field.most)) {
                field.set(parameters, *value);
            }
        }
    }
    reader.refuse_unknown(known);
    return parameters;
}

std::string parameters_as_toml(const LaunchPolicyParameters& parameters) {
    std::string text;
    for (const ParameterField& field : parameter_fields()) {
        if (field.get(parameters) != field.get({})) {
            fmt::format_to(std::back_inserter(text), "{} = {}\n", field.name, field.get(parameters));
        }
    }
    return text;
}

PartInput read_part(const toml::table& table, std::string_view source, std::string_view section,
                    FirstError& errors) {
    TableReader reader(table, source, section, errors);
    PartInput part;
    reader.for_each("values",
                    [&](const toml::node& node) { part.values.push_back(reader.real(node, "values")); });
    reader.for_each("weights",
                    [&](const toml::node& node) { part.weights.push_back(reader.real(node, "weights")); });
    reader.for_each("integers", [&](const toml::node& node) {
        part.integers.push_back(
            static_cast<std::uint32_t>(reader.number(node, "integers", kU32Max).value_or(0)));
    });
    if (const toml::node* const node = table.get("rate")) {
        part.rate = reader.real(*node, "rate");
    }
    if (const toml::node* const node = table.get("count")) {
        part.count = static_cast<std::uint32_t>(reader.number(*node, "count", kU32Max).value_or(0));
    }
    reader.refuse_unknown(std::vector<std::string_view>{"values", "weights", "integers", "rate", "count"});
    return part;
}

bool is_empty(const PartInput& part) {
    return part.values.empty() && part.weights.empty() && part.integers.empty() && part.rate == 0.0 &&
           part.count == 0;
}

std::string part_as_toml(const PartInput& part) {
    return fmt::format("values = [{}]\nweights = [{}]\nintegers = [{}]\nrate = {}\ncount = {}\n",
                       reals_as_toml(part.values), reals_as_toml(part.weights), fmt::join(part.integers, ", "),
                       real_as_toml(part.rate), part.count);
}

void split_requests(std::vector<LaunchRequest> requests, std::size_t prelude, LawCase& input) {
    const auto middle = requests.begin() + static_cast<std::ptrdiff_t>(std::min(prelude, requests.size()));
    input.prelude.assign(requests.begin(), middle);
    input.steps.assign(middle, requests.end());
}

std::vector<LaunchRequest> all_requests(const LawCase& input) {
    std::vector<LaunchRequest> requests = input.prelude;
    requests.insert(requests.end(), input.steps.begin(), input.steps.end());
    return requests;
}

}  // namespace megabed
