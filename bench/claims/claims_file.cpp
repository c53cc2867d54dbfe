#include "bench/claims/claims_file.h"

#include "scenarios/catalog.h"
#include "scenarios/section_reader.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 16> kKeys{
    "id",      "page",   "quote", "value", "tolerance",   "unit",  "better",  "command",
    "program", "record", "row",   "read",  "record_read", "scale", "repeats", "needs_card"};

/// Reads one [[claim]].
class ClaimReader {
public:
    ClaimReader(const toml::table& table, std::string path, const fs::path& root, FirstError& errors)
        : table_(table), path_(std::move(path)), root_(root), errors_(errors) {}

    Claim read() {
        refuse_unknown();
        Claim claim;
        claim.id = text("id", true);
        claim.page = root_ / text("page", true);
        claim.quote = text("quote", true);
        claim.value = number("value", std::nullopt);
        claim.tolerance = number("tolerance", 0);
        claim.unit = text("unit", false);
        read_better(claim);
        claim.command = words("command");
        claim.program = words("program");
        if (const std::string record = text("record", false); !record.empty()) {
            claim.record = root_ / record;
        }
        claim.row = text("row", false);
        claim.read = text("read", true);
        claim.record_read = text("record_read", false);
        claim.scale = number("scale", 1);
        claim.repeats =
            static_cast<std::uint64_t>(std::clamp<std::int64_t>(table_["repeats"].value_or(1), 1, 1000));
        claim.needs_card = table_["needs_card"].value_or(false);
        check(claim);
        return claim;
    }

private:
    void refuse(std::string_view key, std::string problem, std::string allowed) {
        const toml::node* const node = table_.get(key);
        errors_.report({.where = path_,
                        .line = (node == nullptr ? table_.source() : node->source()).begin.line,
                        .key = fmt::format("claim.{}", key),
                        .problem = std::move(problem),
                        .allowed = std::move(allowed)});
    }

    void refuse_unknown() {
        for (const auto& [key, node] : table_) {
            if (std::find(kKeys.begin(), kKeys.end(), key.str()) == kKeys.end()) {
                refuse(key.str(), "is no key of a claim", listed({kKeys.begin(), kKeys.end()}));
            }
        }
    }

    std::string text(std::string_view key, bool required) {
        const auto value = table_[key].value_exact<std::string>();
        if ((required && !table_.contains(key)) || (table_.contains(key) && (!value || value->empty()))) {
            refuse(key, table_.contains(key) ? "is no text" : "is missing", "a text");
        }
        return value.value_or("");
    }

    double number(std::string_view key, std::optional<double> fallback) {
        const auto value = table_[key].value<double>();
        if ((!value && table_.contains(key)) || (!value && !fallback)) {
            refuse(key, table_.contains(key) ? "is no number" : "is missing", "a number");
        }
        return value.value_or(fallback.value_or(0));
    }

    std::vector<std::string> words(std::string_view key) {
        std::vector<std::string> words;
        if (!table_.contains(key)) {
            return words;
        }
        const toml::array* const array = table_[key].as_array();
        if (array == nullptr || array->empty() || !array->is_homogeneous<std::string>()) {
            refuse(key, "is no list of words", "a list of words");
            return words;
        }
        for (const toml::node& word : *array) {
            words.push_back(word.value_or(std::string()));
        }
        return words;
    }

    void read_better(Claim& claim) {
        const std::string better = text("better", true);
        if (better != "more" && better != "less") {
            refuse("better", fmt::format("is {}", printable(better)), "more or less");
        }
        claim.better = better == "more" ? Better::More : Better::Less;
    }

    void check(const Claim& claim) {
        if (claim.command.empty() && claim.program.empty() && claim.record.empty()) {
            refuse("command", "is missing", "command, program or record");
        }
        if (!claim.read.empty() && claim.read.front() != '/') {
            refuse("read", fmt::format("is {}", printable(claim.read)),
                   "a JSON pointer, such as /runs/0/makespan_ns");
        }
        if (claim.value == 0 || claim.tolerance < 0) {
            refuse(claim.value == 0 ? "value" : "tolerance", "is out of range",
                   "a value that is not 0, a share >= 0");
        }
    }

    const toml::table& table_;
    std::string path_;
    const fs::path& root_;
    FirstError& errors_;
};

/// Text with every run of blanks and line ends as one blank, so that a quote may span lines.
std::string unwrapped(std::string_view text) {
    std::string flat;
    for (const char character : text) {
        const bool blank = character == ' ' || character == '\n' || character == '\t';
        if (!blank) {
            flat += character;
        } else if (!flat.empty() && flat.back() != ' ') {
            flat += ' ';
        }
    }
    return flat;
}

}  // namespace

Loaded<std::vector<Claim>> load_claims(const fs::path& path, const fs::path& root) {
    const auto text = read_text_file(path);
    if (!text) {
        return Refusal(text.error());
    }
    const auto table = parse_toml(*text, path.string());
    if (!table) {
        return Refusal(table.error());
    }
    const toml::array* const array = (*table)["claim"].as_array();
    if (array == nullptr || array->empty() || !array->is_homogeneous<toml::table>()) {
        return Refusal(InputError{.where = path.string(),
                                  .line = {},
                                  .key = "claim",
                                  .problem = "is missing",
                                  .allowed = "one or more [[claim]] tables"});
    }
    FirstError errors;
    std::vector<Claim> claims;
    std::set<std::string> ids;
    std::map<fs::path, std::string> pages;
    for (const toml::node& node : *array) {
        const Claim& claim =
            claims.emplace_back(ClaimReader(*node.as_table(), path.string(), root, errors).read());
        const auto report = [&](std::string_view key, std::string problem, std::string allowed) {
            errors.report({.where = path.string(),
                           .line = node.source().begin.line,
                           .key = fmt::format("claim {}: {}", printable(claim.id), key),
                           .problem = std::move(problem),
                           .allowed = std::move(allowed)});
        };
        if (!ids.insert(claim.id).second) {
            report("id", "is there twice", "an id of its own for each");
        }
        if (!errors.get() && !pages.contains(claim.page)) {
            const auto page = read_text_file(claim.page);
            if (!page) {
                report("page", to_string(page.error()), "a page of the project");
            }
            pages.emplace(claim.page, page ? unwrapped(*page) : "");
        }
        if (!errors.get() && pages[claim.page].find(unwrapped(claim.quote)) == std::string::npos) {
            report("quote",
                   fmt::format("{} is not in {}", printable(claim.quote), claim.page.filename().string()),
                   "words of the page");
        }
    }
    if (errors.get()) {
        return Refusal(*errors.get());
    }
    return claims;
}

}  // namespace megabed
