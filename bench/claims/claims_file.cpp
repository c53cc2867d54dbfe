#include "bench/claims/claims_file.h"

#include "bench/toml_fields.h"
#include "scenarios/catalog.h"

#include <fmt/format.h>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;

Claim claim_of(const toml::table& table, const std::string& path, const fs::path& root, FirstError& errors) {
    constexpr std::int64_t kRepeatsMax = 1000;
    const TomlFields fields(table, "claim.", path, errors);
    fields.refuse_unknown({"id", "page", "quote", "tolerance", "unit", "better", "command", "program", "record",
                           "row", "read", "over", "minus", "record_read", "scale", "repeats", "needs_card"},
                          "a claim");
    Claim claim;
    claim.id = fields.text("id", true);
    claim.page = root / fields.text("page", true);
    claim.quote = fields.text("quote", true);
    claim.tolerance = fields.number("tolerance", 0);
    claim.unit = fields.text("unit");
    const std::string better = fields.text("better", true);
    if (better != "more" && better != "less") {
        fields.refuse("better", fmt::format("is {}", printable(better)), "more or less");
    }
    claim.better = better == "more" ? Better::More : Better::Less;
    claim.command = fields.texts("command");
    claim.program = fields.texts("program");
    if (fields.has("record")) {
        claim.record = root / fields.text("record");
    }
    if (claim.command.empty() && claim.program.empty() && claim.record.empty()) {
        fields.refuse("command", "is missing", "command, program or record");
    }
    claim.row = fields.text("row");
    claim.read = fields.text("read", true);
    claim.record_read = fields.text("record_read");
    claim.over = fields.text("over");
    for (const char* const key : {"read", "over", "record_read"}) {
        const std::string pointer = fields.text(key);
        if (!pointer.empty() && pointer.front() != '/') {
            fields.refuse(key, fmt::format("is {}", printable(pointer)),
                          "a JSON pointer, such as /runs/0/makespan_ns");
        }
    }
    claim.minus = fields.number("minus", 0);
    claim.scale = fields.number("scale", 1);
    claim.repeats = static_cast<std::uint64_t>(fields.whole("repeats", 1, 1, kRepeatsMax));
    claim.needs_card = fields.flag("needs_card");
    if (claim.tolerance < 0) {
        fields.refuse("tolerance", fmt::format("is {}", claim.tolerance), "a share of the value, 0 or more");
    }
    return claim;
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
    const std::string file = path.string();
    FirstError errors;
    std::vector<Claim> claims;
    std::set<std::string> ids;
    std::map<fs::path, std::string> pages;
    const TomlFields fields(*table, "", file, errors);
    fields.refuse_unknown({"claim"}, "a claims file");
    for (const toml::table* const node : fields.tables("claim", true)) {
        Claim& claim = claims.emplace_back(claim_of(*node, file, root, errors));
        const auto report = [&](std::string_view key, std::string problem, std::string allowed) {
            errors.report({.where = path.string(),
                           .line = node->source().begin.line,
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
            pages.emplace(claim.page, page ? *page : "");
        }
        if (errors.get()) {
            continue;
        }
        if (auto places = find_stated(pages[claim.page], claim.quote)) {
            claim.places = *std::move(places);
            claim.value = claim.places.front().value;
            claim.decimals = claim.places.front().decimals;
        } else {
            report("quote", fmt::format("{}: {}", claim.page.filename().string(), places.error()),
                   "words of the page, {} for the figure, {#} for other numbers");
        }
    }
    if (errors.get()) {
        return Refusal(*errors.get());
    }
    return claims;
}

}  // namespace megabed
