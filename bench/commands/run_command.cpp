#include "bench/checkpoint_file.h"
#include "bench/commands/commands.h"
#include "bench/commands/whole_number.h"
#include "bench/exit_code.h"
#include "bench/json_text.h"
#include "bench/run_outputs.h"
#include "bench/scenario_runner.h"
#include "bench/settings_file.h"
#include "bench/summary_json.h"
#include "bench/summary_table.h"
#include "scenarios/scenario_loader.h"
#include "scenarios/section_reader.h"
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
    std::optional<std::string> settings_file;
    std::optional<std::string> out;
    std::optional<std::uint32_t> replications;
    std::optional<std::string> compare;
    std::optional<std::string> only;
    std::optional<std::string> stop_at;
    std::optional<std::string> checkpoint;
    std::optional<std::string> resume;
    unsigned jobs = 0;
    bool no_check = false;
    bool json = false;
};

/// Those of `--settings` come first, so that `--set` replaces them. Errors: of the file.
Loaded<ScenarioOverrides> overrides_of(const RunArguments& arguments) {
    ScenarioOverrides overrides;
    if (arguments.settings_file) {
        auto settings = load_settings(*arguments.settings_file);
        if (!settings) {
            return Refusal(settings.error());
        }
        overrides.settings = *std::move(settings);
    }
    overrides.settings.insert(overrides.settings.end(), arguments.settings.begin(), arguments.settings.end());
    overrides.policy = arguments.policy;
    overrides.seed = arguments.seed;
    overrides.replications = arguments.replications;
    if (arguments.decide) {
        overrides.decide = *arguments.decide == "host" ? DecisionPlace::Host : DecisionPlace::Device;
    }
    return overrides;
}

/// Keeps the run of that name alone. Errors: there is none.
Loaded<void> keep_only(ScenarioFile& file, const std::string& name) {
    std::vector<std::string_view> names;
    for (const Scenario& run : file.runs) {
        names.push_back(run.name);
    }
    if (std::find(names.begin(), names.end(), name) == names.end()) {
        return Refusal(InputError{.where = "--only",
                                  .line = {},
                                  .key = {},
                                  .problem = fmt::format("{} is no run of the scenario", printable(name)),
                                  .allowed = listed(names)});
    }
    std::erase_if(file.runs, [&](const Scenario& run) { return run.name != name; });
    return {};
}

RunnerOptions runner_options(const RunArguments& arguments) {
    RunnerOptions options;
    options.backend = arguments.backend;
    options.out = arguments.out ? std::optional<fs::path>(*arguments.out) : std::nullopt;
    options.show_progress = true;
    options.check = !arguments.no_check;
    options.jobs = arguments.jobs != 0 ? arguments.jobs : std::max(1U, std::thread::hardware_concurrency());
    options.compare = arguments.compare;
    options.stop = stop_on_interrupt();
    return options;
}

/// DIR/summary.json comes last, so that a folder with a summary is a whole one; and the same for people.
int show(const RunArguments& arguments, const ScenarioFile& file, const ScenarioOverrides& overrides,
         const FinishedRuns& finished) {
    const std::string json = json_text(summary_json(file, overrides, finished.runs, !finished.interrupted));
    if (arguments.out && (!finished.runs.empty() || !finished.interrupted)) {
        if (const auto made = make_folder(*arguments.out); !made) {
            return refuse(made.error());
        }
        if (const auto written = write_file(fs::path(*arguments.out) / "summary.json", json); !written) {
            return refuse(written.error());
        }
    }
    if (finished.interrupted) {
        const std::string kept = !arguments.out          ? ""
                                 : finished.runs.empty() ? "; nothing is written"
                                                         : fmt::format("; they are in {}", *arguments.out);
        fmt::print(stderr, "megabed: {} of {} runs are complete{}\n", finished.runs.size(), file.runs.size(),
                   kept);
        return refuse(*finished.interrupted);
    }
    fmt::print("{}", arguments.json ? json : summary_table(file, finished.runs));
    const bool all_done = std::none_of(finished.runs.begin(), finished.runs.end(), [](const FinishedRun& run) {
        return run.summary.stopped_by.has_value();
    });
    return all_done ? kExitDone : kExitFailed;
}

/// One run on the simulator, of one replication: what a checkpoint is for.
Loaded<void> check_one_simulation(const RunArguments& arguments, const ScenarioFile& file) {
    const auto refuse_flag = [](std::string problem, std::string allowed) {
        return Refusal(InputError{.where = "--checkpoint",
                                  .line = {},
                                  .key = {},
                                  .problem = std::move(problem),
                                  .allowed = std::move(allowed)});
    };
    if (!arguments.checkpoint) {
        return Refusal(InputError{.where = "--stop-at",
                                  .line = {},
                                  .key = {},
                                  .problem = "has no file for the state",
                                  .allowed = "--checkpoint FILE with it"});
    }
    if (!arguments.stop_at) {
        return refuse_flag("goes with --stop-at", "both of them");
    }
    if (arguments.backend != "sim") {
        return refuse_flag(fmt::format("cannot stop the backend {}", arguments.backend), "sim");
    }
    if (file.runs.size() != 1) {
        return refuse_flag(fmt::format("is for one run, and the scenario has {}", file.runs.size()),
                           "--only NAME to choose one");
    }
    if (file.runs.front().replications.count_max > 1 || arguments.compare) {
        return refuse_flag("is for one replication", "no --replications and no --compare");
    }
    return {};
}

int stop_on_the_way(const RunArguments& arguments, const ScenarioFile& file,
                    const ScenarioOverrides& overrides) {
    if (const auto checked = check_one_simulation(arguments, file); !checked) {
        return refuse(checked.error());
    }
    const auto stop = parse_time_ns(*arguments.stop_at);
    if (!stop) {
        return refuse(InputError{.where = "--stop-at",
                                 .line = {},
                                 .key = {},
                                 .problem = fmt::format("is {}", printable(*arguments.stop_at)),
                                 .allowed = "a time such as '3 us', with ns, us, ms or s"});
    }
    const Scenario& scenario = file.runs.front();
    auto state = run_until(scenario, SimTime(*stop), runner_options(arguments));
    if (!state) {
        return refuse(state.error());
    }
    if (!*state) {
        return refuse(InputError{.where = "--stop-at",
                                 .line = {},
                                 .key = {},
                                 .problem = fmt::format("is {}, and the run ends before", *arguments.stop_at),
                                 .allowed = "a time within the run"});
    }
    const StoredCheckpoint checkpoint{fs::absolute(file.path).lexically_normal().string(), file.text, overrides,
                                      scenario.name, **std::move(state)};
    if (const auto written = write_checkpoint(*arguments.checkpoint, checkpoint); !written) {
        return refuse(written.error());
    }
    fmt::print("{} stands at {} or a little later; go on with: megabed run --resume {}\n", scenario.name,
               *arguments.stop_at, *arguments.checkpoint);
    return kExitDone;
}

int resume(const RunArguments& arguments) {
    const auto checkpoint = load_checkpoint(*arguments.resume);
    if (!checkpoint) {
        return refuse(checkpoint.error());
    }
    auto file = parse_scenario(checkpoint->scenario_text, checkpoint->scenario_path, checkpoint->overrides);
    if (!file) {
        return refuse(file.error());
    }
    if (const auto kept = keep_only(*file, checkpoint->run); !kept) {
        return refuse(kept.error());
    }
    if (const auto loaded = load_policies(*file, {}); !loaded) {
        return refuse(loaded.error());
    }
    auto run = run_from(file->runs.front(), checkpoint->state, runner_options(arguments));
    if (!run) {
        return refuse(run.error());
    }
    FinishedRuns finished;
    finished.runs.push_back(*std::move(run));
    return show(arguments, *file, checkpoint->overrides, finished);
}

int run(const RunArguments& arguments) {
    if (arguments.resume) {
        return resume(arguments);
    }
    if (const auto known = check_backend(arguments.backend); !known) {
        return refuse(known.error());
    }
    const auto given = overrides_of(arguments);
    if (!given) {
        return refuse(given.error());
    }
    const ScenarioOverrides& overrides = *given;
    auto file = load_scenario(arguments.scenario, overrides);
    if (!file) {
        return refuse(file.error());
    }
    if (arguments.only) {
        if (const auto kept = keep_only(*file, *arguments.only); !kept) {
            return refuse(kept.error());
        }
    }
    if (const auto loaded = load_policies(*file, arguments.compare); !loaded) {
        return refuse(loaded.error());
    }
    if (arguments.stop_at || arguments.checkpoint) {
        return stop_on_the_way(arguments, *file, overrides);
    }
    const auto finished = run_all(*file, runner_options(arguments));
    if (!finished) {
        return refuse(finished.error());
    }
    return show(arguments, *file, overrides, *finished);
}

}  // namespace

void add_run_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<RunArguments>();
    CLI::App* const command = app.add_subcommand("run", "Run a scenario file under a policy on a backend.");
    CLI::Option* const scenario = command->add_option(
        "SCENARIO", arguments->scenario,
        "scenario file (.toml), or a name that `megabed list scenarios` shows; keys: scenarios/KEYS.md");
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
    command->add_option(
        "--settings", arguments->settings_file,
        "TOML file of settings, such as `megabed tune` writes: tables of a scenario without runs");
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
    command->add_option("--only", arguments->only, "name of the one run of the file to run");
    command->add_option(
        "--stop-at", arguments->stop_at,
        "simulated time, such as '5 ms': stop after the launch that reaches it; with --checkpoint");
    command->add_option("--checkpoint", arguments->checkpoint,
                        "file for the state of the run that --stop-at stopped");
    command
        ->add_option("--resume", arguments->resume,
                     "go on from a checkpoint file to the end; the digest is that of a run without a stop, "
                     "launches.csv has the launches from there on")
        ->excludes(scenario)
        ->excludes(command->get_option("--policy"))
        ->excludes(command->get_option("--backend"))
        ->excludes(command->get_option("--decide"))
        ->excludes(command->get_option("--seed"))
        ->excludes(command->get_option("--set"))
        ->excludes(command->get_option("--settings"))
        ->excludes(command->get_option("--replications"))
        ->excludes(command->get_option("--compare"))
        ->excludes(command->get_option("--only"))
        ->excludes(command->get_option("--stop-at"))
        ->excludes(command->get_option("--checkpoint"));
    command->add_flag("--no-check", arguments->no_check,
                      "skip comparing results with the oracle's; changes nothing on sim");
    command->add_flag("--json", arguments->json, "one JSON document on stdout and nothing else");
    command->footer("Example: megabed run scenarios/quickstart.toml --policy stateless --out results");
    command->callback([arguments, &action] {
        if (arguments->scenario.empty() && !arguments->resume) {
            throw CLI::RequiredError("SCENARIO");
        }
        action = [arguments] { return run(*arguments); };
    });
}

}  // namespace megabed
