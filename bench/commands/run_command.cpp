#include "bench/commands/commands.h"
#include "bench/commands/whole_number.h"
#include "bench/exit_code.h"
#include "bench/json_text.h"
#include "bench/scenario_runner.h"
#include "bench/summary_json.h"
#include "bench/summary_table.h"
#include "scenarios/scenario_loader.h"
#include "sim/file_output.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

namespace megabed {
namespace {

namespace fs = std::filesystem;

struct RunArguments {
    std::string scenario;
    std::optional<std::string> policy;
    std::string backend = "sim";
    std::optional<std::string> decide;
    std::optional<std::uint64_t> seed;
    std::vector<std::string> settings;
    std::optional<std::string> out;
    std::optional<std::uint32_t> replications;
    std::optional<std::string> compare;
    unsigned jobs = 0;
    bool no_check = false;
    bool json = false;
};

ScenarioOverrides overrides_of(const RunArguments& arguments) {
    ScenarioOverrides overrides;
    overrides.settings = arguments.settings;
    overrides.policy = arguments.policy;
    overrides.seed = arguments.seed;
    overrides.replications = arguments.replications;
    if (arguments.decide) {
        overrides.decide = *arguments.decide == "host" ? DecisionPlace::Host : DecisionPlace::Device;
    }
    return overrides;
}

Loaded<void> make_folder(const fs::path& folder) {
    std::error_code code;
    fs::create_directories(folder, code);
    std::error_code unused;
    if (!fs::is_directory(folder, unused)) {
        return Refusal(InputError{.where = "--out",
                                  .line = {},
                                  .key = {},
                                  .problem = fmt::format("{} cannot be made: {}", printable(folder.string()),
                                                         code ? code.message() : "a file has that name"),
                                  .allowed = "a folder"});
    }
    return {};
}

/// DIR/summary.json, and DIR/RUN/launches.csv and trace.json for every run; the summary comes last, so that a
/// folder with a summary is a whole one.
Loaded<void> write_outputs(const fs::path& folder, const std::string& summary,
                           const std::vector<FinishedRun>& runs) {
    for (const FinishedRun& run : runs) {
        const fs::path own = folder / run.summary.name;
        if (auto made = make_folder(own); !made) {
            return made;
        }
        if (auto written = write_file(own / "launches.csv", run.launches_csv); !written) {
            return written;
        }
        if (auto written = write_file(own / "trace.json", run.trace_json); !written) {
            return written;
        }
    }
    return write_file(folder / "summary.json", summary);
}

int run(const RunArguments& arguments) {
    if (const auto known = check_backend(arguments.backend); !known) {
        return refuse(known.error());
    }
    const ScenarioOverrides overrides = overrides_of(arguments);
    const auto file = load_scenario(arguments.scenario, overrides);
    if (!file) {
        return refuse(file.error());
    }
    if (const auto loaded = load_policies(*file, arguments.compare); !loaded) {
        return refuse(loaded.error());
    }
    RunnerOptions options;
    options.backend = arguments.backend;
    options.keep_files = arguments.out.has_value();
    options.show_progress = true;
    options.check = !arguments.no_check;
    options.jobs = arguments.jobs != 0 ? arguments.jobs : std::max(1U, std::thread::hardware_concurrency());
    options.compare = arguments.compare;
    options.stop = stop_on_interrupt();
    const auto runs = run_all(*file, options);
    if (!runs) {
        return refuse(runs.error());
    }
    const std::string json = json_text(summary_json(*file, overrides, *runs));
    if (arguments.out) {
        if (const auto made = make_folder(*arguments.out); !made) {
            return refuse(made.error());
        }
        if (const auto written = write_outputs(*arguments.out, json, *runs); !written) {
            return refuse(written.error());
        }
    }
    fmt::print("{}", arguments.json ? json : summary_table(*file, *runs));
    const bool finished = std::none_of(runs->begin(), runs->end(), [](const FinishedRun& finished_run) {
        return finished_run.summary.stopped_by.has_value();
    });
    return finished ? kExitDone : kExitFailed;
}

}  // namespace

void add_run_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<RunArguments>();
    CLI::App* const command = app.add_subcommand("run", "Run a scenario file under a policy on a backend.");
    command
        ->add_option(
            "SCENARIO", arguments->scenario,
            "scenario file (.toml), or a name that `megabed list scenarios` shows; keys: scenarios/KEYS.md")
        ->required();
    command->add_option(
        "--policy", arguments->policy,
        "policy for every run: a name that `megabed list policies` shows, or the path of a plug-in such as "
        "./libmine.so (default: the file's)");
    command->add_option("--backend", arguments->backend, "sim, threads or cuda; see `megabed list backends`")
        ->capture_default_str();
    command->add_option("--decide", arguments->decide, "where launches are decided (default: the file's)")
        ->check(CLI::IsMember({"host", "device"}));
    command
        ->add_option("--seed", arguments->seed,
                     "seed of every random stream but a graph SPEC's own (default: the file's)")
        ->check(whole_number(std::numeric_limits<std::int64_t>::max()));
    command
        ->add_option("--set", arguments->settings,
                     "KEY=VALUE: replace a key for every run, such as memory.budget='1 GiB'; may be repeated")
        ->allow_extra_args(false);
    constexpr std::uint64_t kReplicationsMax = 1'000'000;
    command
        ->add_option(
            "--replications", arguments->replications,
            "times that every run is repeated with other random numbers, for intervals around its figures "
            "(default: the file's; see sim/statistics/STATISTICS.md)")
        ->check(whole_number(kReplicationsMax, 1));
    command->add_option(
        "--compare", arguments->compare,
        "policy to run with the same random numbers as well, for the paired differences; needs two or "
        "more replications");
    command
        ->add_option(
            "--jobs", arguments->jobs,
            "threads for replications; 0: one a core; a plug-in has one. The result does not depend on it")
        ->capture_default_str()
        ->check(CLI::Range(0U, 1024U));
    command->add_option("--out", arguments->out,
                        "folder for summary.json and each run's launches.csv (times in ns) and trace.json "
                        "(open it in Perfetto)");
    command->add_flag("--no-check", arguments->no_check,
                      "skip comparing the results of traversals with the oracle's; changes nothing on sim");
    command->add_flag("--json", arguments->json, "one JSON document on stdout and nothing else");
    command->footer("Example: megabed run scenarios/quickstart.toml --policy stateless --out results");
    command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace megabed
