#include "bench/commands/commands.h"
#include "bench/exit_code.h"
#include "bench/json_text.h"
#include "properties/conformance.h"

#include <fmt/format.h>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace megabed {
namespace {

using Json = nlohmann::ordered_json;

struct ConformArguments {
    std::vector<std::string> files;
    bool device = false;
    bool json = false;
};

int conform(const ConformArguments& arguments) {
    const ConformanceTarget target = arguments.device ? reference_on_device() : reference_on_host();
    std::vector<ConformanceReport> reports;
    for (const std::string& file : arguments.files) {
        auto report = check_conformance(file, target);
        if (!report) {
            return refuse(report.error());
        }
        reports.push_back(*std::move(report));
    }
    std::uint64_t rows = 0;
    std::uint64_t mismatches = 0;
    Json files = Json::array();
    for (const ConformanceReport& report : reports) {
        rows += report.rows;
        mismatches += report.mismatches;
        files.push_back({{"file", report.file},
                         {"kind", report.kind},
                         {"rows", report.rows},
                         {"mismatches", report.mismatches}});
        for (const std::string& example : report.examples) {
            fmt::print(stderr, "{}\n", example);
        }
    }
    if (arguments.json) {
        const Json document{{"files", files}, {"rows", rows}, {"mismatches", mismatches}};
        fmt::print("{}", json_text(document));
    } else {
        for (const ConformanceReport& report : reports) {
            fmt::print("{:<34} {:>7} rows {:>4} mismatches  {}\n", report.kind, report.rows, report.mismatches,
                       report.file);
        }
        fmt::print("{} rows, {} mismatches\n", rows, mismatches);
    }
    return mismatches == 0 ? kExitDone : kExitFailed;
}

}  // namespace

void add_conform_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<ConformArguments>();
    CLI::App* const command = app.add_subcommand(
        "conform", "Compare rows that the original policy produced with the reference policy.");
    command
        ->add_option("FILE", arguments->files,
                     "golden CSV files, plain or gzip; the kind is known by the header")
        ->required();
    command->add_flag("--device", arguments->device,
                      "ask the policy compiled as device code, on the CUDA card; launch and sequence rows");
    command->add_flag("--json", arguments->json, "one JSON document on stdout and nothing else");
    command->footer("Example: megabed conform properties/golden/*.csv.gz\nExit status 1 on a mismatch.");
    command->callback([arguments, &action] { action = [arguments] { return conform(*arguments); }; });
}

}  // namespace megabed
