#include "bench/commands/commands.h"
#include "bench/exit_code.h"
#include "bench/python_program.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace megabed {
namespace {

struct ReportArguments {
    std::string database;
    std::string out = "report.html";
    std::optional<std::string> figures;
    bool json = false;
};

int run(const ReportArguments& arguments) {
    std::vector<std::string> words{arguments.database, "--out", arguments.out};
    if (arguments.figures) {
        words.insert(words.end(), {"--figures", *arguments.figures});
    }
    if (arguments.json) {
        words.emplace_back("--json");
    }
    const auto status = run_python("report/report.py", words);
    return status ? *status : refuse(status.error());
}

}  // namespace

void add_report_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<ReportArguments>();
    CLI::App* const command =
        app.add_subcommand("report", "Make one HTML file of a study's database, with figures and tables.");
    command->add_option("DB", arguments->database, "database that `megabed study` wrote")->required();
    command->add_option("--out", arguments->out, "file to write; it needs no other and no network")
        ->capture_default_str();
    command->add_option("--figures", arguments->figures, "folder for each figure as SVG and PDF, for papers");
    command->add_flag("--json", arguments->json, "one JSON document on stdout and nothing else");
    command->footer("Example: megabed report width.db --out width.html --figures figures");
    command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace megabed
