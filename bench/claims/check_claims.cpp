#include "bench/claims/check_claims.h"

#include "bench/child_process.h"
#include "gpu/device_policy.h"
#include "scenarios/catalog.h"

#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// A row's name without what Google Benchmark adds of how it was measured.
std::string plain_name(const std::string& name) { return name.substr(0, name.find("/iterations:")); }

tl::expected<double, std::string> number_at(const Json& document, const std::string& read) {
    const Json::json_pointer pointer(read);
    if (!document.contains(pointer)) {
        return tl::unexpected<std::string>(fmt::format("the document has no {}", read));
    }
    const Json& value = document.at(pointer);
    if (!value.is_number()) {
        return tl::unexpected<std::string>(fmt::format("{} is no number", read));
    }
    return value.get<double>();
}

/// The figure in a document, or why it is not there.
tl::expected<double, std::string> figure_in(const Json& document, const Claim& claim,
                                            const std::string& row_name, const std::string& read,
                                            const std::string& over) {
    const Json* place = &document;
    if (!row_name.empty()) {
        const auto rows = document.find("benchmarks");
        if (rows == document.end() || !rows->is_array()) {
            return tl::unexpected<std::string>("the document has no benchmarks");
        }
        const auto row = std::find_if(rows->begin(), rows->end(), [&](const Json& known) {
            const std::string name = known.value("name", std::string());
            return name == row_name || plain_name(name) == row_name;
        });
        if (row == rows->end()) {
            return tl::unexpected<std::string>(fmt::format("the document has no row {}", row_name));
        }
        place = &*row;
    }
    const auto in_unit = [&](double value) { return (value - claim.minus) * claim.scale; };
    const auto figure = number_at(*place, read);
    if (!figure || over.empty()) {
        return figure.map(in_unit);
    }
    const auto divisor = number_at(*place, over);
    if (divisor && *divisor == 0) {
        return tl::unexpected<std::string>(fmt::format("{} is 0", over));
    }
    return divisor.map([&](double below) { return in_unit(*figure / below); });
}

std::string own_path() {
    std::error_code code;
    return fs::read_symlink("/proc/self/exe", code).string();
}

void read_record(ClaimReport& report, const fs::path& root) {
    const Claim& claim = *report.claim;
    report.source = fs::relative(claim.record, root).string();
    const auto text = read_text_file(claim.record);
    if (!text) {
        report.note = to_string(text.error());
        return;
    }
    const Json document = Json::parse(*text, nullptr, false);
    if (document.is_discarded()) {
        report.note = "is no JSON";
        return;
    }
    const bool own_form = !claim.record_read.empty();
    if (const auto figure = own_form ? figure_in(document, claim, "", claim.record_read, "")
                                     : figure_in(document, claim, claim.row, claim.read, claim.over)) {
        report.measured.push_back(own_form ? *figure / claim.scale + claim.minus : *figure);
    } else {
        report.note = figure.error();
    }
}

/// Half a unit of the last digit that the page states, such as 0.05 for 12.3.
double half_digit(const Claim& claim) {
    constexpr double kHalf = 0.5;
    return kHalf * std::pow(10.0, -claim.decimals) * (1 + 1e-9);
}

}  // namespace

std::string_view to_string(ClaimVerdict verdict) {
    switch (verdict) {
    case ClaimVerdict::Same:
        return "SAME";
    case ClaimVerdict::Faster:
        return "FASTER";
    case ClaimVerdict::Slower:
        return "SLOWER";
    case ClaimVerdict::Ambiguous:
        return "AMBIGUOUS";
    }
    return {};
}

ClaimVerdict judge_claim(const Claim& claim, const std::vector<double>& measured) {
    if (measured.empty()) {
        return ClaimVerdict::Ambiguous;
    }
    const double room = std::max(std::fabs(claim.value) * claim.tolerance, half_digit(claim));
    const auto above = [&](double figure) { return figure > claim.value + room; };
    const auto below = [&](double figure) { return figure < claim.value - room; };
    const double median = measured[measured.size() / 2];
    if (!above(median) && !below(median)) {
        return ClaimVerdict::Same;
    }
    // A median outside counts only where the measurements agree.
    const bool all_above = above(measured.front());
    const bool all_below = below(measured.back());
    if (!all_above && !all_below) {
        return ClaimVerdict::Ambiguous;
    }
    return all_above == (claim.better == Better::More) ? ClaimVerdict::Faster : ClaimVerdict::Slower;
}

ClaimChecker::ClaimChecker(fs::path root)
    : root_(std::move(root)),
      scratch_(fs::temp_directory_path() / fmt::format("megabed-claims-{}", ::getpid())) {
    std::error_code code;
    fs::create_directories(scratch_, code);
}

ClaimChecker::~ClaimChecker() {
    std::error_code code;
    fs::remove_all(scratch_, code);
}

/// What to run; nothing where it cannot be run here.
std::optional<std::vector<std::string>> ClaimChecker::words_of(const Claim& claim) const {
    if (claim.needs_card && !cuda_device_name()) {
        return std::nullopt;
    }
    std::vector<std::string> words;
    if (!claim.command.empty()) {
        words = {own_path()};
        words.insert(words.end(), claim.command.begin(), claim.command.end());
    } else if (!claim.program.empty()) {
        words = claim.program;
        words.front() = (root_ / words.front()).string();
        std::error_code code;
        if (!fs::is_regular_file(words.front(), code)) {
            return std::nullopt;
        }
    } else {
        return std::nullopt;
    }
    constexpr std::string_view kScratch = "{scratch}";
    for (std::string& word : words) {
        if (const std::size_t at = word.find(kScratch); at != std::string::npos) {
            word.replace(at, kScratch.size(), scratch_.string());
        }
    }
    return words;
}

void ClaimChecker::measure(ClaimReport& report, const std::vector<std::string>& words) {
    const Claim& claim = *report.claim;
    report.source = fmt::format("{}", fmt::join(claim.command.empty() ? claim.program : claim.command, " "));
    for (std::uint64_t repeat = 0; repeat < claim.repeats; ++repeat) {
        std::string& printed = printed_[words];
        if (claim.repeats > 1 || printed.empty()) {
            const auto child = run_child(words, ChildOutput::Captured);
            if (!child) {
                report.note = "could not be started";
                return;
            }
            printed = child->output;
        }
        const Json document = Json::parse(printed, nullptr, false);
        if (document.is_discarded()) {
            report.note = "printed no JSON";
            return;
        }
        const auto figure = figure_in(document, claim, claim.row, claim.read, claim.over);
        if (!figure) {
            report.note = figure.error();
            return;
        }
        report.measured.push_back(*figure);
    }
}

ClaimReport ClaimChecker::check(const Claim& claim) {
    ClaimReport report;
    report.claim = &claim;
    if (const auto words = words_of(claim)) {
        measure(report, *words);
    } else if (!claim.record.empty()) {
        read_record(report, root_);
    } else {
        report.note = claim.needs_card ? "needs a CUDA card" : "is not built here";
    }
    std::sort(report.measured.begin(), report.measured.end());
    report.verdict = judge_claim(claim, report.measured);
    return report;
}

}  // namespace megabed
