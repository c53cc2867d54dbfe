#include "bench/toml_fields.h"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

namespace megabed {

void TomlFields::refuse(const toml::node& entry, std::string_view key, std::string problem,
                        std::string allowed) const {
    const std::uint64_t line = entry.source().begin.line;
    errors_.report({.where = path_,
                    .line = line == 0 ? std::nullopt : std::optional(line),
                    .key = fmt::format("{}{}", section_, key),
                    .problem = std::move(problem),
                    .allowed = std::move(allowed)});
}

void TomlFields::refuse(std::string_view key, std::string problem, std::string allowed) const {
    const toml::node* const node = table_.get(key);
    refuse(node == nullptr ? table_ : *node, key, std::move(problem), std::move(allowed));
}

std::string TomlFields::shown(std::string_view key) const {
    const toml::node* const node = table_.get(key);
    return node == nullptr ? "is missing" : fmt::format("is {}", as_written(*node));
}

void TomlFields::refuse_unknown(const std::vector<std::string_view>& known, std::string_view what) const {
    for (const auto& [key, node] : table_) {
        if (std::find(known.begin(), known.end(), key.str()) != known.end()) {
            continue;
        }
        const auto guess = nearest(key.str(), known);
        refuse(node, printable(key.str()), fmt::format("is no key of {}", what),
               guess ? fmt::format("{} (did you mean {}?)", listed(known), *guess) : listed(known));
    }
}

std::string TomlFields::text(std::string_view key, bool required) const {
    const toml::node* const node = table_.get(key);
    const auto value = node == nullptr ? std::nullopt : node->value_exact<std::string>();
    const bool wrong = node == nullptr ? required : !value || value->empty();
    if (wrong) {
        refuse(key, shown(key), "a text that is not empty");
    }
    return value.value_or("");
}

std::vector<std::string> TomlFields::texts(std::string_view key) const {
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
        return {};
    }
    if (const auto one = node->value_exact<std::string>()) {
        return {*one};
    }
    const toml::array* const array = node->as_array();
    if (array == nullptr || array->empty()) {
        refuse(key, shown(key), "a text or a list of texts");
        return {};
    }
    std::vector<std::string> texts;
    texts.reserve(array->size());
    for (const toml::node& entry : *array) {
        const auto value = entry.value_exact<std::string>();
        if (!value || value->empty()) {
            refuse(entry, key, fmt::format("holds {}", as_written(entry)), "texts");
        }
        texts.push_back(value.value_or(""));
    }
    return texts;
}

const toml::array* TomlFields::list(std::string_view key, std::string_view of) const {
    const toml::node* const node = table_.get(key);
    const toml::array* const array = node == nullptr ? nullptr : node->as_array();
    if (array == nullptr || array->empty()) {
        refuse(key, shown(key), fmt::format("a list of {}", of));
        return nullptr;
    }
    return array;
}

std::vector<const toml::table*> TomlFields::tables(std::string_view key, bool required) const {
    const toml::node* const node = table_.get(key);
    if (node == nullptr && !required) {
        return {};
    }
    const toml::array* const array = node == nullptr ? nullptr : node->as_array();
    if (array == nullptr || array->empty() || !array->is_homogeneous<toml::table>()) {
        refuse(key, shown(key), fmt::format("[[{}]] tables, with double brackets", key));
        return {};
    }
    std::vector<const toml::table*> tables;
    tables.reserve(array->size());
    for (const toml::node& entry : *array) {
        tables.push_back(entry.as_table());
    }
    return tables;
}

std::int64_t TomlFields::whole(std::string_view key, std::int64_t fallback, std::int64_t least,
                               std::int64_t most) const {
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
        return fallback;
    }
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < least || *value > most) {
        refuse(key, shown(key), fmt::format("{} to {}", least, most));
        return fallback;
    }
    return *value;
}

double TomlFields::number(std::string_view key, std::optional<double> fallback) const {
    const toml::node* const node = table_.get(key);
    const auto value = node == nullptr ? fallback : node->value<double>();
    if (!value) {
        refuse(key, shown(key), "a number");
    }
    return value.value_or(fallback.value_or(0));
}

bool TomlFields::flag(std::string_view key) const {
    const toml::node* const node = table_.get(key);
    const auto value = node == nullptr ? std::optional(false) : node->value_exact<bool>();
    if (!value) {
        refuse(key, shown(key), "true or false");
    }
    return value.value_or(false);
}

}  // namespace megabed
