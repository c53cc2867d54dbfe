#include "properties/counterexample_file.h"

#include "properties/law_case_toml.h"
#include "properties/laws.h"
#include "properties/walk.h"
#include "scenarios/catalog.h"
#include "scenarios/request_fields.h"
#include "scenarios/request_toml.h"
#include "sim/decision_digest.h"
#include "sim/engine/digest.h"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <iterator>
#include <system_error>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;

/// Text inside double quotes of TOML.
std::string toml_text(std::string_view text) {
    std::string result = "\"";
    for (const char symbol : text) {
        if (symbol == '"' || symbol == '\\') {
            result += '\\';
        }
        result += symbol >= ' ' && symbol <= '~' ? symbol : '?';
    }
    return result + '"';
}

/// Columns of a table, each as wide as its widest cell.
class TextTable {
public:
    explicit TextTable(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

    [[nodiscard]] std::string text() const {
        std::vector<std::size_t> widths(rows_.front().size());
        for (const auto& row : rows_) {
            for (std::size_t column = 0; column < row.size(); ++column) {
                widths[column] = std::max(widths[column], row[column].size());
            }
        }
        std::string result;
        for (const auto& row : rows_) {
            std::string line = " ";
            for (std::size_t column = 0; column < row.size(); ++column) {
                fmt::format_to(std::back_inserter(line), " {:<{}}", row[column], widths[column]);
            }
            line.erase(line.find_last_not_of(' ') + 1);
            result += line + "\n";
        }
        return result;
    }

private:
    std::vector<std::vector<std::string>> rows_;
};

std::string shown(std::optional<std::uint64_t> value) { return value ? fmt::format("{}", *value) : "-"; }

std::string part_table(const PartInput& part) {
    std::string text;
    const auto line = [&](std::string_view name, const auto& numbers) {
        if (!numbers.empty()) {
            fmt::format_to(std::back_inserter(text), "  {}: {}\n", name, fmt::join(numbers, " "));
        }
    };
    line("values", part.values);
    line("weights", part.weights);
    line("integers", part.integers);
    return text + fmt::format("  rate {}, count {}\n", part.rate, part.count);
}

}  // namespace

std::uint64_t case_digest(const Subject& subject, const Law& law, const LawCase& input) {
    Digest digest;
    const auto policy = subject.make(input.parameters);
    if (!is_empty(input.part)) {
        const Judgement judgement = judge(law, *policy, subject.parts, input);
        digest.add(static_cast<std::uint64_t>(judgement.outcome));
        for (const char symbol : judgement.why) {
            digest.add(static_cast<unsigned char>(symbol));
        }
        return digest.value();
    }
    LawCase blank;
    Walk walk(*policy, blank);
    for (const LaunchRequest& request : all_requests(input)) {
        const auto decision = walk.take(request);
        if (decision) {
            add_decision(digest, *decision);
        } else {
            add_refusal(digest, decision.error());
        }
    }
    return digest.value();
}

std::string counterexample_as_toml(const Counterexample& counterexample) {
    const LawCase& input = counterexample.input;
    std::string text =
        fmt::format("# Law {} does not hold for the policy {}.\n# megabed replay judges this file again",
                    counterexample.law, counterexample.policy);
    const auto requests = all_requests(input);
    const bool runs = !requests.empty() && accepted_by_o6(input.parameters);
    text += runs ? "; megabed run simulates it.\n" : ".\n";
    fmt::format_to(std::back_inserter(text), "format = 1\nsummary = {}\n\n[policy]\nname = {}\n{}",
                   toml_text(fmt::format("{}: {}", counterexample.law, counterexample.why)),
                   toml_text(counterexample.policy), parameters_as_toml(input.parameters));
    fmt::format_to(std::back_inserter(text),
                   "\n[counterexample]\nlaw = {}\nwhy = {}\nprelude = {}\ndigest = \"{:016x}\"\n",
                   toml_text(counterexample.law), toml_text(counterexample.why), input.prelude.size(),
                   counterexample.digest);
    if (!is_empty(input.part)) {
        text += "\n[counterexample.part]\n" + part_as_toml(input.part);
    }
    if (!requests.empty()) {
        fmt::format_to(std::back_inserter(text), "\n[[run]]\nname = {}\n\n[run.requests]\n{}",
                       toml_text(counterexample.law), requests_as_toml(requests));
    }
    return text;
}

Loaded<Counterexample> parse_counterexample(std::string_view text, const std::string& source) {
    const auto root = parse_toml(text, source);
    if (!root) {
        return Refusal(root.error());
    }
    FirstError errors;
    Counterexample result;
    SectionReader own(scenario_keys(), "counterexample",
                      {{root->get_as<toml::table>("counterexample"), source, true}}, errors);
    if (!own.has_layers()) {
        return Refusal(InputError{
            .where = source,
            .line = {},
            .key = "counterexample",
            .problem = "is missing",
            .allowed = "a counterexample of `megabed verify`, or a summary.json of `megabed run --out`"});
    }
    result.law = own.text("law").value_or("");
    result.why = own.text("why").value_or("");
    const std::uint32_t prelude = own.u32("prelude").value_or(0);
    const std::string digest = own.text("digest").value_or("");
    const auto [stop, code] = std::from_chars(digest.data(), digest.data() + digest.size(), result.digest, 16);
    if (code != std::errc() || stop != digest.data() + digest.size()) {
        own.refuse("digest", fmt::format("is {}", printable(digest)), "16 hexadecimal digits");
    }
    const Law* const law = find_law(result.law);
    if (law == nullptr || law->check == nullptr) {
        own.refuse("law", fmt::format("{} is no law of a policy", printable(result.law)),
                   "see `megabed list laws`");
    }
    own.refuse_unknown({"part"});
    result.policy = (*root)["policy"]["name"].value_or(std::string("reference"));
    if (const auto* const table = root->get_as<toml::table>("policy")) {
        result.input.parameters = read_parameters(*table, source, "policy", errors);
    }
    if (const auto* const part = (*root)["counterexample"]["part"].as_table()) {
        result.input.part = read_part(*part, source, "counterexample.part", errors);
    }
    const toml::array* const runs = root->get_as<toml::array>("run");
    const bool about_a_part = law != nullptr && law->scope == LawScope::Part && !is_empty(result.input.part);
    const auto* const requests = (*root)["run"][0]["requests"].as_table();
    if (requests != nullptr && runs->size() == 1) {
        split_requests(read_requests(*requests, source, "run.requests", errors), prelude, result.input);
    } else if (!about_a_part || runs != nullptr) {
        errors.report({.where = source,
                       .line = {},
                       .key = "run",
                       .problem = runs == nullptr ? "is missing" : fmt::format("is {} tables", runs->size()),
                       .allowed = "one [[run]] with [run.requests]"});
    }
    if (errors.get()) {
        return Refusal(*errors.get());
    }
    return result;
}

Loaded<std::vector<Counterexample>> load_counterexamples(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(folder, code)) {
        if (entry.path().extension() == ".toml") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<Counterexample> counterexamples;
    for (const fs::path& file : files) {
        const auto text = read_text_file(file);
        if (!text) {
            return Refusal(text.error());
        }
        auto counterexample = parse_counterexample(*text, file.string());
        if (!counterexample) {
            return Refusal(counterexample.error());
        }
        counterexamples.push_back(*std::move(counterexample));
    }
    return counterexamples;
}

std::string case_as_table(const Subject& subject, const LawCase& input) {
    std::string text;
    const std::string parameters = parameters_as_toml(input.parameters);
    for (std::size_t start = 0; start < parameters.size();) {
        const std::size_t end = parameters.find('\n', start);
        text += "  " + parameters.substr(start, end - start) + "\n";
        start = end + 1;
    }
    if (!is_empty(input.part)) {
        return text + part_table(input.part);
    }
    const auto requests = all_requests(input);
    const LaunchRequest base = base_request();
    std::vector<const RequestField*> columns;
    for (const RequestField& field : request_fields()) {
        if (std::any_of(requests.begin(), requests.end(),
                        [&](const LaunchRequest& request) { return field.get(request) != field.get(base); })) {
            columns.push_back(&field);
        }
    }
    std::vector<std::string> header{"#"};
    for (const RequestField* const field : columns) {
        header.emplace_back(field->name);
    }
    for (const char* const name :
         {"topology", "rule", "hold", "groups", "lanes", "slots", "grid", "hits", "pressure", "route"}) {
        header.emplace_back(name);
    }
    TextTable table(header);
    const auto policy = subject.make(input.parameters);
    LawCase blank;
    Walk walk(*policy, blank);
    for (std::size_t at = 0; at < requests.size(); ++at) {
        const bool leading = at < input.prelude.size();
        std::vector<std::string> row{fmt::format("{}{}", at + 1, leading ? " before" : "")};
        for (const RequestField* const field : columns) {
            row.push_back(shown(field->get(requests[at])));
        }
        const auto decision = walk.take(requests[at]);
        if (decision) {
            const LaunchRecommendation& answer = decision->recommendation;
            row.emplace_back(to_string(answer.topology));
            row.emplace_back(to_string(decision->rule));
            row.emplace_back(decision->hold == TopologyHold::None ? "-" : to_string(decision->hold));
            row.push_back(fmt::format("{}", answer.worker_groups));
            row.push_back(fmt::format("{}", answer.geometry.workgroup_size_x));
            row.push_back(fmt::format("{}", answer.geometry.slot_count.value()));
            row.push_back(fmt::format("{}", answer.geometry.dispatch_grid[0]));
            row.push_back(fmt::format("{}", answer.hit_capacity));
            row.emplace_back(to_string(answer.pressure));
            row.emplace_back(to_string(answer.execution_mode));
        } else {
            row.push_back("refused: " + to_string(decision.error()));
        }
        table.add(row);
    }
    return text + table.text();
}

}  // namespace megabed
