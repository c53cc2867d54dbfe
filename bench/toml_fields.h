#pragma once

#include "scenarios/section_reader.h"
#include "scenarios/toml.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

/// Reads the fields of one table of a file that is no scenario: a study, a search, claims. What is wrong is
/// reported with file, line, key, the value and what is allowed, and read as absent.
class TomlFields {
public:
    /// `section` stands before keys in messages, such as "policies."; empty at the top. Requires: all outlive
    /// it.
    TomlFields(const toml::table& table, std::string section, const std::string& path, FirstError& errors)
        : table_(table), section_(std::move(section)), path_(path), errors_(errors) {}

    [[nodiscard]] const toml::node* get(std::string_view key) const { return table_.get(key); }
    [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }

    /// Reports every key that is not among `known`; `what` it is no key of.
    void refuse_unknown(const std::vector<std::string_view>& known, std::string_view what) const;

    /// A text that is not empty; empty where it is absent, which is reported if it is required.
    [[nodiscard]] std::string text(std::string_view key, bool required = false) const;
    /// A text or a list of texts; empty where it is absent.
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
    /// A list with at least one entry; null where there is none, which is reported.
    [[nodiscard]] const toml::array* list(std::string_view key, std::string_view of) const;
    /// The entries of [[key]]; empty where there are none, which is reported if they are required.
    [[nodiscard]] std::vector<const toml::table*> tables(std::string_view key, bool required) const;
    [[nodiscard]] std::int64_t whole(std::string_view key, std::int64_t fallback, std::int64_t least,
                                     std::int64_t most) const;
    /// Without a fallback it is required.
    [[nodiscard]] double number(std::string_view key, std::optional<double> fallback) const;
    [[nodiscard]] bool flag(std::string_view key) const;  ///< false where it is absent

    /// Reports what is wrong with a key, at its line or the table's.
    void refuse(std::string_view key, std::string problem, std::string allowed) const;
    /// The same for one entry of a list.
    void refuse(const toml::node& entry, std::string_view key, std::string problem, std::string allowed) const;

private:
    [[nodiscard]] std::string shown(std::string_view key) const;  ///< "is 7", or "is missing"

    const toml::table& table_;
    std::string section_;
    const std::string& path_;
    FirstError& errors_;
};

}  // namespace megabed
