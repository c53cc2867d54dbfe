#include "bench/claims/check_claims.h"
#include "bench/claims/claims_file.h"
#include "bench/commands/commands.h"
#include "bench/exit_code.h"
#include "bench/json_text.h"
#include "bench/progress_line.h"
#include "bench/scenario_runner.h"
#include "scenarios/catalog.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace megabed {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct ClaimsArguments {
    std::vector<std::string> ids;
    std::optional<std::string> file;
    bool update = false;
    bool json = false;
};

/// The checkout: pages, records and programs are named relative to it.
fs::path checkout() { return fs::path(MEGABED_BENCH_SOURCE).parent_path(); }

Loaded<std::vector<Claim>> chosen_claims(const ClaimsArguments& arguments) {
    std::error_code code;
    if (!fs::is_directory(checkout(), code)) {
        return Refusal(
            InputError{.where = "claims",
                       .line = {},
                       .key = {},
                       .problem = fmt::format("the checkout that this program was built from, {}, is not "
                                              "there any more; its pages state the figures",
                                              checkout().string()),
                       .allowed = "the program of a checkout"});
    }
    const fs::path file =
        arguments.file ? fs::path(*arguments.file) : checkout() / "bench" / "claims" / "claims.toml";
    auto claims = load_claims(file, checkout());
    if (!claims || arguments.ids.empty()) {
        return claims;
    }
    const auto is_of = [](const Claim& claim, const std::string& id) {
        return claim.id == id || claim.id.starts_with(id + "-");
    };
    for (const std::string& id : arguments.ids) {
        if (std::none_of(claims->begin(), claims->end(),
                         [&](const Claim& claim) { return is_of(claim, id); })) {
            constexpr std::size_t kShown = 3;
            std::vector<std::string_view> some;
            for (std::size_t at = 0; at < std::min(kShown, claims->size()); ++at) {
                some.push_back((*claims)[at].id);
            }
            return Refusal(
                InputError{.where = "claims",
                           .line = {},
                           .key = {},
                           .problem = fmt::format("{} is no claim", printable(id)),
                           .allowed = fmt::format("an id, or its first words, of the {} in {}, such as {}",
                                                  claims->size(), file.string(), fmt::join(some, ", "))});
        }
    }
    std::erase_if(*claims, [&](const Claim& claim) {
        return std::none_of(arguments.ids.begin(), arguments.ids.end(),
                            [&](const std::string& id) { return is_of(claim, id); });
    });
    return claims;
}

/// Requires: something was measured.
double median_of(const ClaimReport& report) { return report.measured[report.measured.size() / 2]; }

Json json_of(const ClaimReport& report) {
    const Claim& claim = *report.claim;
    return {{"id", claim.id},
            {"page", fs::relative(claim.page, checkout()).string()},
            {"quote", claim.quote},
            {"value", claim.value},
            {"unit", claim.unit},
            {"tolerance", claim.tolerance},
            {"measured", report.measured.empty() ? Json(nullptr) : Json(median_of(report))},
            {"measurements", report.measured},
            {"source", report.source},
            {"note", report.note.empty() ? Json(nullptr) : Json(report.note)},
            {"verdict", to_string(report.verdict)}};
}

void print_line(const ClaimReport& report) {
    const Claim& claim = *report.claim;
    const std::string measured =
        report.measured.empty() ? report.note
                                : fmt::format("{:.{}f} {}", median_of(report), claim.decimals + 1, claim.unit);
    fmt::print("{:<9}  {:<36}  stated {:.{}f} {}, seen {}  ({})\n", to_string(report.verdict), claim.id,
               claim.value, claim.decimals, claim.unit, measured, report.source);
}

/// Figures of one page that came out otherwise, by where they stand.
using Restated = std::map<std::size_t, std::pair<StatedFigure, double>>;

/// Writes what was measured in place of what the pages state.
Loaded<void> write_pages(const std::map<fs::path, Restated>& pages) {
    for (const auto& [path, figures] : pages) {
        auto text = read_text_file(path);
        if (!text) {
            return Refusal(text.error());
        }
        for (auto figure = figures.rbegin(); figure != figures.rend();
             ++figure) {  // what is before stays in place
            const auto& [stated, value] = figure->second;
            text->replace(stated.begin, stated.size, as_stated(stated, value));
        }
        std::ofstream file(path, std::ios::binary);
        if (!(file << *text << std::flush)) {
            return Refusal(InputError{.where = path.string(),
                                      .line = {},
                                      .key = {},
                                      .problem = "cannot be written",
                                      .allowed = "a page that can be written to"});
        }
        fmt::print(stderr, "megabed: {}: {} figures written\n", fs::relative(path, checkout()).string(),
                   figures.size());
    }
    return {};
}

int run(const ClaimsArguments& arguments) {
    const auto claims = chosen_claims(arguments);
    if (!claims) {
        return refuse(claims.error());
    }
    const std::stop_token stop = stop_on_interrupt();
    std::error_code code;
    fs::current_path(checkout(), code);  // commands name files relative to it
    ClaimChecker checker(checkout());
    Json documents = Json::array();
    std::size_t slower = 0;
    std::map<fs::path, Restated> restated;
    for (const Claim& claim : *claims) {
        if (stop.stop_requested()) {
            return kExitInterrupted;
        }
        ClaimReport report;
        {
            ProgressLine progress(true, claim.id);
            progress.show("measuring");
            report = checker.check(claim);
        }
        slower += report.verdict == ClaimVerdict::Slower ? 1 : 0;
        if (claim.tolerance == 0 && report.verdict != ClaimVerdict::Same && !report.measured.empty()) {
            for (const StatedFigure& place : claim.places) {
                restated[claim.page].emplace(place.begin, std::pair(place, median_of(report)));
            }
        }
        if (arguments.json) {
            documents.push_back(json_of(report));
        } else {
            print_line(report);
        }
    }
    if (arguments.json) {
        fmt::print("{}", json_text(Json{{"claims", documents}}));
    } else {
        fmt::print("{} claims, {} of them SLOWER\n", claims->size(), slower);
    }
    if (arguments.update) {
        if (const auto written = write_pages(restated); !written) {
            return refuse(written.error());
        }
    }
    return slower == 0 ? kExitDone : kExitFailed;
}

}  // namespace

void add_claims_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<ClaimsArguments>();
    CLI::App* const command = app.add_subcommand(
        "claims", "Measure again what README and docs state, and say SAME, FASTER, SLOWER or AMBIGUOUS.");
    command->add_option("ID", arguments->ids,
                        "claims to check, such as field-rules for all whose id begins so (default: all)");
    command->add_option("--file", arguments->file,
                        "claims file (default: bench/claims/claims.toml of the checkout)");
    command->add_flag(
        "--update", arguments->update,
        "write what was measured into the pages, where a figure without tolerance came out otherwise");
    command->add_flag("--json", arguments->json, "one JSON document on stdout and nothing else");
    command->footer(
        "Example: megabed claims quickstart-social\n"
        "A figure whose program is not built, or that needs a card that is not there, is read from the\n"
        "record that it was stated from.");
    command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace megabed
