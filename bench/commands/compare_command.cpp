#include "bench/commands/commands.h"
#include "bench/exit_code.h"
#include "bench/fidelity/compare_runs.h"
#include "bench/json_text.h"

#include <fmt/format.h>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace megabed {
namespace {

using nlohmann::ordered_json;

struct CompareArguments {
    CompareOptions options;
    std::optional<double> max_error;
    std::optional<double> max_p90;
    std::optional<double> min_tau;
    std::optional<double> min_sign;
    std::optional<std::string> record;
    bool waves = false;
    bool json = false;
};

/// Of the runs that the profile was not fitted to; of all where it was fitted to each.
std::vector<TimePair> judged_pairs(const ComparedRuns& compared) {
    std::vector<TimePair> pairs;
    for (const ComparedRun& run : compared.runs) {
        if (!run.time.fitted) {
            pairs.push_back(run.time);
        }
    }
    if (pairs.empty()) {
        for (const ComparedRun& run : compared.runs) {
            pairs.push_back(run.time);
        }
    }
    return pairs;
}

ordered_json or_null(const std::optional<double>& value) {
    return value ? ordered_json(*value) : ordered_json();
}

ordered_json document_of(const ComparedRuns& compared, const Agreement& agreement, bool waves) {
    ordered_json pairs = ordered_json::array();
    for (const ComparedRun& run : compared.runs) {
        ordered_json pair{
            {"scenario", run.time.scenario},
            {"policy", run.time.policy},
            {"simulated_ns", run.time.simulated_ns},
            {"measured_ns", run.time.measured_ns},
            {"noise_ns", run.time.noise_ns},
            {"error", run.time.error()},
            {"fitted", run.time.fitted},
            {"launches", run.measured_ns.size()},
            {"wave_error", run.wave_error()},
            {"decisions_differ_at", run.differs_at ? ordered_json(*run.differs_at) : ordered_json()}};
        if (waves) {
            pair["waves"] = {{"topology", run.topologies},
                             {"simulated_ns", run.simulated_ns},
                             {"measured_ns", run.measured_ns}};
        }
        pairs.push_back(std::move(pair));
    }
    return {{"device", compared.device},
            {"reference", compared.context},
            {"pairs", std::move(pairs)},
            {"judged", agreement.pairs},
            {"median_abs_error", agreement.median_abs_error},
            {"p90_abs_error", agreement.p90_abs_error},
            {"kendall_tau", or_null(agreement.kendall_tau)},
            {"sign_agreement", or_null(agreement.sign_agreement)},
            {"differences", agreement.differences}};
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string table_of(const ComparedRuns& compared, const Agreement& agreement) {
    std::string text = fmt::format("{:34} {:14} {:>14} {:>14} {:>9} {:>9}\n", "run", "policy", "simulated",
                                   "measured", "error", "per wave");
    for (const ComparedRun& run : compared.runs) {
        text += fmt::format("{:34} {:14} {:>11.1f} us {:>11.1f} us {:>+7.1f} % {:>7.1f} %{}\n",
                            run.time.scenario, run.time.policy, run.time.simulated_ns / 1000,
                            run.time.measured_ns / 1000, 100 * run.time.error(), 100 * run.wave_error(),
                            run.differs_at    ? fmt::format("  DECIDES OTHERWISE at launch {}", *run.differs_at)
                            : run.time.fitted ? "  (fitted)"
                                              : "");
    }
    text += fmt::format("\n{} runs{}: median error {}, 90th percentile {}", agreement.pairs,
                        agreement.pairs == compared.runs.size() ? "" : " that the profile was not fitted to",
                        percent(agreement.median_abs_error), percent(agreement.p90_abs_error));
    if (agreement.kendall_tau) {
        text += fmt::format(", Kendall's tau of the policies' order {:.3f}", *agreement.kendall_tau);
    }
    if (agreement.sign_agreement) {
        text += fmt::format(", the same sign in {} of {} differences beyond the noise",
                            percent(*agreement.sign_agreement), agreement.differences);
    }
    return text + "\n";
}

/// Says which thresholds are passed, on stderr.
bool holds(const CompareArguments& arguments, const ComparedRuns& compared, const Agreement& agreement) {
    bool all = true;
    const auto judge = [&](bool good, const std::string& what) {
        if (!good) {
            fmt::print(stderr, "megabed: compare: {}\n", what);
            all = false;
        }
    };
    for (const ComparedRun& run : compared.runs) {
        judge(!run.differs_at,
              fmt::format("{} under {} decides otherwise than the reference, from launch {} on",
                          run.time.scenario, run.time.policy, run.differs_at.value_or(0)));
    }
    if (arguments.max_error) {
        judge(agreement.median_abs_error <= *arguments.max_error,
              fmt::format("the median error is {}, above --max-error", percent(agreement.median_abs_error)));
    }
    if (arguments.max_p90) {
        judge(agreement.p90_abs_error <= *arguments.max_p90,
              fmt::format("the 90th percentile is {}, above --max-p90", percent(agreement.p90_abs_error)));
    }
    if (arguments.min_tau) {
        judge(agreement.kendall_tau && *agreement.kendall_tau >= *arguments.min_tau,
              fmt::format("Kendall's tau is {}, below --min-tau",
                          agreement.kendall_tau ? fmt::format("{:.3f}", *agreement.kendall_tau) : "unknown"));
    }
    if (arguments.min_sign) {
        judge(agreement.sign_agreement && *agreement.sign_agreement >= *arguments.min_sign,
              fmt::format("the share of the same sign is {}, below --min-sign",
                          agreement.sign_agreement ? percent(*agreement.sign_agreement) : "unknown"));
    }
    return all;
}

int run(CompareArguments& arguments) {
    if (arguments.record) {
        if (arguments.options.reference != "cuda") {
            return refuse(InputError{.where = "--record",
                                     .line = {},
                                     .key = {},
                                     .problem = "is for what this machine's card does",
                                     .allowed = "--reference cuda with it"});
        }
        arguments.options.record = *arguments.record;
    }
    arguments.options.show_progress = true;
    const auto compared = compare_runs(arguments.options);
    if (!compared) {
        return refuse(compared.error());
    }
    const Agreement agreement = agreement_of(judged_pairs(*compared));
    fmt::print("{}", arguments.json ? json_text(document_of(*compared, agreement, arguments.waves))
                                    : table_of(*compared, agreement));
    return holds(arguments, *compared, agreement) ? kExitDone : kExitFailed;
}

}  // namespace

void add_compare_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<CompareArguments>();
    CLI::App* const command = app.add_subcommand(
        "compare", "Hold simulated times against a card's: this machine's, or one whose times are stored.");
    command->add_option(
        "SCENARIO", arguments->options.scenarios,
        "traversals: files or names of `megabed list scenarios` (default: all of a stored reference)");
    command->add_option("--policies", arguments->options.policies, "policies, with commas between them")
        ->delimiter(',')
        ->allow_extra_args(false);
    command->add_option("--device", arguments->options.device, "profile that the simulation is by, calibrated")
        ->capture_default_str();
    command
        ->add_option("--reference", arguments->options.reference,
                     "cuda: measure on this machine's card; else the folder of a stored record")
        ->capture_default_str();
    command
        ->add_option("--set", arguments->options.settings,
                     "KEY=VALUE of the scenarios, as `megabed run` takes it")
        ->allow_extra_args(false);
    command->add_option("--repetitions", arguments->options.repetitions, "of every run on the card")
        ->check(CLI::Range(1U, 1000U))
        ->capture_default_str();
    command->add_option("--record", arguments->record, "folder that takes what the card did, for --reference");
    const auto share = CLI::Range(0.0, 1e6);
    command
        ->add_option("--max-error", arguments->max_error,
                     "exit 1 if the median absolute error is larger; 0.1 is 10 %")
        ->check(share);
    command
        ->add_option("--max-p90", arguments->max_p90, "exit 1 if the 90th percentile of the errors is larger")
        ->check(share);
    command
        ->add_option("--min-tau", arguments->min_tau,
                     "exit 1 if Kendall's tau of the policies' order, the mean over scenarios, is less")
        ->check(CLI::Range(-1.0, 1.0));
    command
        ->add_option("--min-sign", arguments->min_sign,
                     "exit 1 if fewer of the differences beyond the noise have the same sign; 0.95 is 95 %")
        ->check(CLI::Range(0.0, 1.0));
    command->add_flag("--waves", arguments->waves, "with --json: the times of every launch, too");
    command->add_flag("--json", arguments->json, "one JSON document on stdout and nothing else");
    command->footer(
        "Example: megabed compare --reference bench/results/h200/waves --max-error 0.1 --min-tau 0.9");
    command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace megabed
