#include "bench/commands/commands.h"
#include "bench/commands/whole_number.h"
#include "bench/exit_code.h"
#include "bench/json_text.h"
#include "bench/scenario_runner.h"
#include "bench/study/check_study.h"
#include "bench/study/run_study.h"
#include "bench/study/study_figures.h"
#include "bench/study/study_file.h"
#include "bench/summary_table.h"
#include "bench/version.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace megabed {
namespace {

using Json = nlohmann::ordered_json;

struct StudyArguments {
    std::string file;
    std::optional<std::string> database;
    unsigned jobs = 0;
    bool dry_run = false;
    std::optional<std::string> check;
    std::uint64_t sample = 100;
    bool retry_failed = false;
    bool any_revision = false;
    bool json = false;
};

unsigned jobs_of(const StudyArguments& arguments, const MessageLink* link) {
    if (arguments.jobs != 0) {
        return arguments.jobs;
    }
    const unsigned here =
        link == nullptr ? 1 : static_cast<unsigned>(std::max(1, link->size_on_this_machine()));
    return std::max(1U, std::thread::hardware_concurrency() / here);
}

std::string human_seconds(double seconds) {
    constexpr double kMinute = 60;
    constexpr double kHour = 3600;
    if (seconds < kMinute) {
        return fmt::format("{:.1f} s", seconds);
    }
    if (seconds < kHour) {
        return fmt::format("{:.1f} min", seconds / kMinute);
    }
    return fmt::format("{:.1f} h", seconds / kHour);
}

/// The study's size, axis by axis.
std::string shape_of(const Study& study) {
    std::string text = fmt::format("{} scenarios x {} policies", study.scenarios.size(), study.policies.size());
    if (study.variants.size() > 1) {
        text += fmt::format(" x {} combinations of parameters", study.variants.size());
    }
    if (study.backends.size() > 1) {
        text += fmt::format(" x {} backends", study.backends.size());
    }
    return text + fmt::format(" x {} seeds = {} runs", study.seeds.size(), with_commas(study.runs()));
}

int show_dry_run(const Study& study, const StudyArguments& arguments, unsigned jobs, unsigned processes) {
    const StudyEstimate estimate = estimate_study(study, stop_on_interrupt());
    const double seconds = estimate.seconds_of_one * static_cast<double>(study.runs()) / (jobs * processes);
    if (arguments.json) {
        fmt::print("{}", json_text(Json{{"runs", study.runs()},
                                        {"scenarios", study.scenarios.size()},
                                        {"policies", study.policies.size()},
                                        {"variants", study.variants.size()},
                                        {"backends", study.backends.size()},
                                        {"seeds", study.seeds.size()},
                                        {"threads", jobs * processes},
                                        {"tried", estimate.tried},
                                        {"estimate_seconds", seconds}}));
        return kExitDone;
    }
    fmt::print("{}: {}\n  {}\n  about {} on {} threads, from {} runs that were tried; nothing is written\n",
               study.name, study.summary, shape_of(study), human_seconds(seconds), jobs * processes,
               estimate.tried);
    return kExitDone;
}

std::string verdict_table(const Study& study, const StudyResult& result) {
    std::string text = fmt::format("  {:<24} {:>9} {:>7} {:>18} {:>12} {:>12}\n", "policy", "done", "failed",
                                   "makespan, ratio", "regret, mean", "flaps, mean");
    for (const PolicyVerdict& verdict : result.verdicts) {
        const std::string ratio =
            verdict.makespan_ratio > 0 ? fmt::format("{:.3f}", verdict.makespan_ratio) : std::string("-");
        const std::string regret =
            std::isnan(verdict.regret_mean) ? "-" : fmt::format("{:.1f} %", verdict.regret_mean * 100);
        fmt::format_to(std::back_inserter(text), "  {:<24} {:>9} {:>7} {:>18} {:>12} {:>12.2f}\n",
                       verdict.label, with_commas(verdict.done), with_commas(verdict.failed), ratio, regret,
                       verdict.flaps_mean);
    }
    text += fmt::format("  (ratio: geometric mean of makespan over that of {}, run by run)\n", study.baseline);
    return text;
}

/// Figures by label, then by policy.
Json json_of(const std::vector<StudyFigures>& figures) {
    const auto known = [](const std::optional<double>& figure) {
        return figure ? Json(*figure) : Json(nullptr);
    };
    Json groups = Json::object();
    for (const StudyFigures& cell : figures) {
        groups[cell.group][cell.policy] = {{"done", cell.done},
                                           {"failed", cell.failed},
                                           {"makespan_geomean_ns", known(cell.makespan_geomean_ns)},
                                           {"regret_mean", known(cell.regret_mean)},
                                           {"flaps_mean", known(cell.flaps_mean)},
                                           {"switches_mean", known(cell.switches_mean)},
                                           {"cache_hit_share", known(cell.cache_hit_share)}};
    }
    return groups;
}

int show_result(const Study& study, const StudyArguments& arguments, const std::string& database,
                const StudyResult& result) {
    if (arguments.json) {
        Json policies = Json::array();
        for (const PolicyVerdict& verdict : result.verdicts) {
            policies.push_back(
                {{"label", verdict.label},
                 {"done", verdict.done},
                 {"failed", verdict.failed},
                 {"makespan_ratio", verdict.makespan_ratio > 0 ? Json(verdict.makespan_ratio) : Json(nullptr)},
                 {"regret_mean", std::isnan(verdict.regret_mean) ? Json(nullptr) : Json(verdict.regret_mean)},
                 {"flaps_mean", verdict.flaps_mean}});
        }
        const auto by_variant = study_figures(database, FigureGroup::Variant);
        const auto by_scenario = study_figures(database, FigureGroup::Scenario);
        if (!by_variant || !by_scenario) {
            return refuse(by_variant ? by_scenario.error() : by_variant.error());
        }
        fmt::print("{}", json_text(Json{{"study", study.name},
                                        {"digest", study.digest},
                                        {"runs", result.runs},
                                        {"done", result.counts.done},
                                        {"skipped", result.skipped},
                                        {"failed", result.counts.failed},
                                        {"complete", !result.interrupted},
                                        {"seconds", result.seconds},
                                        {"db", database},
                                        {"baseline", study.baseline},
                                        {"policies", policies},
                                        {"variants", json_of(*by_variant)},
                                        {"scenarios", json_of(*by_scenario)}}));
    } else {
        fmt::print("{}: {}\n  {}, {} of them there before, {} failed; {}; {}\n\n{}", study.name, study.summary,
                   shape_of(study), with_commas(result.skipped), with_commas(result.counts.failed),
                   human_seconds(result.seconds), database, verdict_table(study, result));
        if (result.counts.failed != 0) {
            constexpr std::uint64_t kReasonsMax = 3;
            const auto failures = study_failures(database, kReasonsMax);
            if (!failures) {
                return refuse(failures.error());
            }
            for (const StudyFailure& failure : *failures) {
                fmt::print("  {} failed: {}\n", with_commas(failure.runs), failure.error);
            }
        }
    }
    if (result.interrupted) {
        fmt::print(stderr, "megabed: interrupted with {} of {} runs in {}; the same command goes on\n",
                   with_commas(result.counts.done + result.counts.failed), with_commas(result.runs), database);
        return kExitInterrupted;
    }
    return result.counts.failed == 0 ? kExitDone : kExitFailed;
}

int check(const StudyArguments& arguments) {
    const auto sample = sample_runs(*arguments.check, arguments.sample);
    if (!sample) {
        return refuse(sample.error());
    }
    const auto result = check_sample(*sample, jobs_of(arguments, nullptr), stop_on_interrupt());
    if (!result) {
        return refuse(result.error());
    }
    const std::string ours = fmt::format("{} ({})", version(), revision());
    if (arguments.json) {
        Json different = Json::array();
        for (const DifferentRun& run : result->different) {
            different.push_back({{"id", run.id},
                                 {"run", run.label},
                                 {"expected_digest", run.expected},
                                 {"digest", run.digest}});
        }
        fmt::print("{}", json_text(Json{{"db", *arguments.check},
                                        {"revision", ours},
                                        {"begun_by", sample->revision},
                                        {"runs", sample->runs_done},
                                        {"checked", result->checked},
                                        {"same", result->checked - result->different.size()},
                                        {"different", different}}));
    } else {
        for (const DifferentRun& run : result->different) {
            fmt::print("run {}: {}: {} in the database, {} now\n", run.id, run.label, run.expected, run.digest);
        }
        fmt::print("{}: {} of {} runs done again: {} the same, {} different\n", *arguments.check,
                   with_commas(result->checked), with_commas(sample->runs_done),
                   with_commas(result->checked - result->different.size()),
                   with_commas(result->different.size()));
        if (sample->revision != ours) {
            fmt::print("(begun by megabed {}, checked by {})\n", sample->revision, ours);
        }
    }
    if (result->interrupted) {
        return kExitInterrupted;
    }
    return result->different.empty() && result->checked != 0 ? kExitDone : kExitFailed;
}

/// The options as they were typed, for the record.
std::string command_line(const StudyArguments& arguments, const std::string& database, unsigned jobs) {
    return fmt::format("megabed study {} --db {} --jobs {}{}{}", arguments.file, database, jobs,
                       arguments.retry_failed ? " --retry-failed" : "",
                       arguments.any_revision ? " --any-revision" : "");
}

int run(const StudyArguments& arguments) {
    if (arguments.check) {
        return check(arguments);
    }
    auto link = open_message_link();
    if (!link) {
        return refuse(link.error());
    }
    MessageLink* const others = link->get();
    const bool first = others == nullptr || others->rank() == 0;
    const auto study = load_study(arguments.file);
    if (!study) {
        if (first) {
            if (others != nullptr) {
                dismiss_others(*others);
            }
            return refuse(study.error());
        }
        decline_study(to_string(study.error()), *others);
        return kExitDone;  // the first process tells
    }
    StudyOptions options;
    options.jobs = jobs_of(arguments, others);
    options.retry_failed = arguments.retry_failed;
    options.any_revision = arguments.any_revision;
    options.show_progress = true;
    options.stop = stop_on_interrupt();
    const std::string database = arguments.database.value_or(fmt::format("{}.db", study->name));
    options.database = database;
    options.command = command_line(arguments, database, options.jobs);
    if (!first) {
        serve_study(*study, options, *others);
        return kExitDone;
    }
    if (arguments.dry_run) {
        const auto processes = static_cast<unsigned>(others == nullptr ? 1 : others->size());
        const int status = show_dry_run(*study, arguments, options.jobs, processes);
        if (others != nullptr) {
            dismiss_others(*others);
        }
        return status;
    }
    const auto result = run_study(*study, options, others);
    if (!result) {
        return refuse(result.error());
    }
    return show_result(*study, arguments, database, *result);
}

}  // namespace

void add_study_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<StudyArguments>();
    CLI::App* const command = app.add_subcommand(
        "study",
        "Run scenarios x policies x parameters x seeds into a database; again, it goes on where it stopped.");
    CLI::Option* const file = command->add_option(
        "FILE", arguments->file,
        "study file (.toml); keys: bench/study/STUDIES.md. Under mpirun, all processes share it");
    command->add_option("--db", arguments->database,
                        "SQLite database to write or go on with (default: the file's stem.db; tables: "
                        "bench/study/schema.sql)");
    command
        ->add_option(
            "--jobs", arguments->jobs,
            "threads of each process; 0: its share of the machine's cores. Results do not depend on it")
        ->capture_default_str()
        ->check(CLI::Range(0U, 1024U));
    command->add_flag("--dry-run", arguments->dry_run,
                      "say how many runs there are and, from a few, how long they take");
    command->add_flag("--retry-failed", arguments->retry_failed, "do runs again that have failed");
    command->add_flag("--any-revision", arguments->any_revision,
                      "go on with a database that another revision of megabed began");
    CLI::Option* const check_option = command->add_option(
        "--check", arguments->check,
        "database: do a sample of its simulated runs again and compare digests; exit 1 where one "
        "differs");
    command->add_option("--sample", arguments->sample, "runs that --check does again, spread evenly")
        ->capture_default_str()
        ->check(whole_number(1'000'000'000, 1));
    command->add_flag("--json", arguments->json, "one JSON document on stdout and nothing else");
    check_option->excludes(file);
    command->footer("Example: megabed study bench/studies/hysteresis-width.toml --db width.db");
    command->callback([arguments, &action] {
        if (arguments->file.empty() && !arguments->check) {
            throw CLI::RequiredError("FILE");
        }
        action = [arguments] { return run(*arguments); };
    });
}

}  // namespace megabed
