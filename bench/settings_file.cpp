#include "bench/settings_file.h"

#include "scenarios/catalog.h"
#include "scenarios/section_reader.h"

#include <fmt/format.h>
#include <optional>

namespace megabed {
namespace {

void flatten(const toml::table& table, const std::string& prefix, std::vector<std::string>& settings) {
    for (const auto& [key, node] : table) {
        const std::string dotted =
            prefix.empty() ? std::string(key.str()) : fmt::format("{}.{}", prefix, key.str());
        if (const toml::table* const inner = node.as_table()) {
            flatten(*inner, dotted, settings);
        } else {
            settings.push_back(fmt::format("{}={}", dotted, as_toml(node)));
        }
    }
}

}  // namespace

std::string as_toml(const toml::node& node) {
    if (const auto* const text = node.as_string()) {
        std::string quoted = "\"";
        for (const char character : text->get()) {
            if (character == '"' || character == '\\') {
                quoted += '\\';
            }
            quoted += character;
        }
        return quoted + '"';
    }
    std::vector<std::string> inner;
    if (const toml::array* const array = node.as_array()) {
        for (const toml::node& entry : *array) {
            inner.push_back(as_toml(entry));
        }
        return fmt::format("[{}]", fmt::join(inner, ", "));
    }
    if (const toml::table* const table = node.as_table()) {
        for (const auto& [key, entry] : *table) {
            inner.push_back(fmt::format("{}={}", key.str(), as_toml(entry)));
        }
        return fmt::format("{{{}}}", fmt::join(inner, ", "));
    }
    return as_written(node);
}

std::string as_bare_toml(const toml::node& node) {
    const auto* const text = node.as_string();
    return text != nullptr ? text->get() : as_toml(node);
}

Loaded<std::vector<std::string>> load_settings(const std::filesystem::path& path) {
    const auto text = read_text_file(path);
    if (!text) {
        return Refusal(text.error());
    }
    auto root = parse_toml(*text, path.string());
    if (!root) {
        return Refusal(root.error());
    }
    for (const char* const described : {"format", "summary", "provenance"}) {
        root->erase(described);
    }
    std::vector<std::string> settings;
    if (!root->contains("run")) {
        flatten(*root, "", settings);
    }
    if (settings.empty()) {
        return Refusal(InputError{
            .where = path.string(),
            .line = {},
            .key = {},
            .problem = root->contains("run") ? "has runs, and is no file of settings" : "has no settings",
            .allowed = "tables of a scenario without runs, such as [policy.arcs]"});
    }
    return settings;
}

}  // namespace megabed
