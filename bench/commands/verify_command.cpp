#include "bench/commands/commands.h"
#include "bench/commands/whole_number.h"
#include "bench/exit_code.h"
#include "bench/json_text.h"
#include "bench/scenario_runner.h"
#include "bench/settings_file.h"
#include "properties/expectation_file.h"
#include "properties/laws.h"
#include "properties/prove.h"
#include "properties/verify.h"
#include "scenarios/run_reader.h"
#include "scenarios/scenario_loader.h"
#include "sim/engine/digest.h"
#include "sim/file_output.h"
#include "sim/plugins/plugin_policy.h"
#include "sim/plugins/policy_source.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace megabed {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct VerifyArguments {
    std::string policy = "reference";
    std::optional<std::string> settings;
    std::vector<std::string> laws;
    std::uint64_t cases = 200'000;
    std::optional<double> budget;
    std::uint64_t seed = 1;
    unsigned jobs = 0;
    std::optional<std::string> expectations;
    std::optional<std::string> pin;
    std::optional<std::string> junit;
    std::optional<std::string> counterexamples;
    bool prove = false;
    bool json = false;
};

InputError flag_error(std::string flag, std::string problem, std::string allowed) {
    return {.where = std::move(flag),
            .line = {},
            .key = {},
            .problem = std::move(problem),
            .allowed = std::move(allowed)};
}

std::optional<InputError> unknown_law(const std::vector<std::string>& laws) {
    std::vector<std::string_view> ids;
    for (const Law& law : known_laws()) {
        ids.push_back(law.id);
    }
    for (const std::string& law : laws) {
        if (find_law(law) == nullptr) {
            const auto guess = nearest(law, ids);
            return flag_error("--law",
                              guess ? fmt::format("{} is no law; did you mean {}?", printable(law), *guess)
                                    : fmt::format("{} is no law", printable(law)),
                              listed(ids));
        }
    }
    return std::nullopt;
}

Json law_as_json(const LawReport& report) {
    Json classes = Json::object();
    for (const auto& [name, cases] : report.classes) {
        classes[name] = cases;
    }
    Json law{{"id", report.law->id},
             {"sentence", report.law->sentence},
             {"verdict", to_string(report.verdict)},
             {"cases", report.cases},
             {"seconds", report.seconds},
             {"counterexample", nullptr},
             {"note", report.note.empty() ? Json(nullptr) : Json(report.note)},
             {"classes", classes}};
    if (report.counterexample) {
        law["counterexample"] = {{"why", report.counterexample->why},
                                 {"digest", hex(report.counterexample->digest)},
                                 {"scenario", counterexample_as_toml(*report.counterexample)}};
    }
    return law;
}

std::string_view verdict_of(const EnumeratedLaw& law, const Expectations& expectations) {
    const bool pinned = ProveReport::is_pinned(law, expectations);
    return law.broken > 0 ? (pinned ? "pinned" : "breaks") : (pinned ? "unpinned" : "holds");
}

std::string_view verdict_of(const ProofResult& result) {
    switch (result.verdict) {
    case ProofResult::Verdict::Proved:
        return "proved";
    case ProofResult::Verdict::Refuted:
        return "refuted";
    case ProofResult::Verdict::Unknown:
        break;
    }
    return "unknown";
}

Json prove_as_json(const ProveReport& report, const Expectations& expectations) {
    Json enumerated = Json::array();
    for (const EnumeratedLaw& law : report.enumerated) {
        enumerated.push_back({{"id", law.law},
                              {"verdict", verdict_of(law, expectations)},
                              {"classes", law.classes},
                              {"decisions", law.decisions},
                              {"broken", law.broken},
                              {"seconds", law.seconds}});
    }
    Json statements = Json::array();
    for (const ProofResult& result : report.proved) {
        statements.push_back(
            {{"id", result.id},
             {"statement", result.statement},
             {"verdict", verdict_of(result)},
             {"counterexample", result.counterexample.empty() ? Json(nullptr) : Json(result.counterexample)},
             {"seconds", result.seconds}});
    }
    return Json{{"enumerated", enumerated},
                {"statements", statements},
                {"tie", {{"cases", report.tie.cases}, {"differences", report.tie.differences}}}};
}

/// What was shown, and plainly of what.
std::string prove_as_text(const Subject& subject, const ProveReport& report, const Expectations& expectations) {
    std::string text =
        "\nOver every equivalence class that the standard parameters' comparisons define, from every kind of "
        "state:\n";
    for (const EnumeratedLaw& law : report.enumerated) {
        fmt::format_to(std::back_inserter(text),
                       "{:<4} {:<14} {:>11} classes {:>11} decisions {:>7.2f} s  {}\n", law.law,
                       verdict_of(law, expectations), law.classes, law.decisions, law.seconds,
                       law.broken > 0 ? fmt::format("breaks in {} of them", law.broken) : "");
        if (law.first_broken && verdict_of(law, expectations) == "breaks") {
            text += case_as_table(subject, *law.first_broken);
        }
    }
    if (!report.has_model) {
        return text + "No model of this policy: nothing was proved for all parameters.\n";
    }
    double seconds = 0.0;
    std::size_t proved = 0;
    for (const ProofResult& result : report.proved) {
        seconds += result.seconds;
        if (result.verdict == ProofResult::Verdict::Proved) {
            ++proved;
        } else {
            fmt::format_to(std::back_inserter(text), "{} {}: {}: {}\n", result.id, verdict_of(result),
                           result.statement, result.counterexample);
        }
    }
    fmt::format_to(
        std::back_inserter(text),
        "\nFor all valid parameters and all signals, by Z3, about a model of {}:\n"
        "{} of {} statements proved in {:.2f} s: every arithmetic result fits its type or is a typed error or "
        "a\n"
        "documented saturation, and readings inside a band cannot alternate the topology (--json lists them).\n"
        "Model and code are tied by testing: {} cases through both, {} differences.\n",
        subject.name, proved, report.proved.size(), seconds, report.tie.cases, report.tie.differences);
    if (report.tie.differences > 0) {
        text += report.tie.first_difference + "\n";
    }
    return text;
}

std::string report_as_json(const VerifyReport& report, const std::optional<ProveReport>& proofs,
                           const Expectations& expectations) {
    Json laws = Json::array();
    for (const LawReport& law : report.laws) {
        laws.push_back(law_as_json(law));
    }
    Json document{{"policy", report.policy}, {"seed", report.seed}, {"laws", laws}};
    if (proofs) {
        document["prove"] = prove_as_json(*proofs, expectations);
    }
    return json_text(document);
}

/// One line a law, and the counterexample below it where one broke.
std::string law_as_text(const Subject& subject, const LawReport& report) {
    std::string text =
        fmt::format("{:<4} {:<14} {:>11} cases {:>7.2f} s  {}\n", report.law->id, to_string(report.verdict),
                    report.cases, report.seconds, report.law->sentence);
    const bool failed = report.verdict == Verdict::Breaks || report.verdict == Verdict::Unpinned;
    if (!report.note.empty()) {
        fmt::format_to(std::back_inserter(text), "     {}\n", report.note);
    }
    if (failed && report.counterexample) {
        fmt::format_to(std::back_inserter(text), "     {}\n{}", report.counterexample->why,
                       case_as_table(subject, report.counterexample->input));
    }
    return text;
}

std::string closing_line(const VerifyReport& report) {
    const auto count = [&](Verdict verdict) {
        return std::count_if(report.laws.begin(), report.laws.end(),
                             [&](const LawReport& law) { return law.verdict == verdict; });
    };
    std::uint64_t cases = 0;
    double seconds = 0.0;
    for (const LawReport& law : report.laws) {
        cases += law.cases;
        seconds += law.seconds;
    }
    return fmt::format(
        "{}: {} hold, {} pinned, {} break, {} unpinned, {} not applicable; {} cases in {:.1f} s, seed {}\n",
        report.policy, count(Verdict::Holds), count(Verdict::Pinned), count(Verdict::Breaks),
        count(Verdict::Unpinned), count(Verdict::NotApplicable), cases, seconds, report.seed);
}

/// FOLDER/POLICY-LAW.toml for every broken law.
Loaded<std::vector<std::string>> write_counterexamples(const fs::path& folder, const VerifyReport& report) {
    std::error_code code;
    fs::create_directories(folder, code);
    if (code) {
        return Refusal(flag_error(
            "--counterexamples",
            fmt::format("{} cannot be made: {}", printable(folder.string()), code.message()), "a folder"));
    }
    std::vector<std::string> files;
    for (const LawReport& law : report.laws) {
        if (!law.counterexample || law.verdict == Verdict::Unpinned) {
            continue;
        }
        std::string name = fs::path(report.policy).filename().string();
        std::replace(name.begin(), name.end(), ':', '-');
        const fs::path file = folder / fmt::format("{}-{}.toml", name, law.law->id);
        if (const auto written = write_file(file, counterexample_as_toml(*law.counterexample)); !written) {
            return Refusal(written.error());
        }
        if (law.verdict == Verdict::Breaks) {
            files.push_back(file.string());
        }
    }
    return files;
}

Loaded<Expectations> expectations_for(const VerifyArguments& arguments) {
    if (!arguments.expectations) {
        return load_expectations_of(arguments.policy);
    }
    if (*arguments.expectations == "none") {
        return Expectations{arguments.policy, {}};
    }
    return load_expectations(*arguments.expectations);
}

std::optional<InputError> write_pins(const std::string& file, const VerifyReport& report) {
    std::vector<Counterexample> breaks;
    for (const LawReport& law : report.laws) {
        if (law.counterexample && law.verdict != Verdict::Unpinned) {
            breaks.push_back(*law.counterexample);
        }
    }
    const auto written = write_file(file, expectations_as_toml(report.policy, breaks));
    return written ? std::nullopt : std::optional(written.error());
}

/// The proofs as test cases, so that a CI that reads only JUnit sees them.
std::vector<JunitCase> proofs_as_junit(const std::optional<ProveReport>& proofs,
                                       const Expectations& expectations) {
    std::vector<JunitCase> cases;
    if (!proofs) {
        return cases;
    }
    for (const EnumeratedLaw& law : proofs->enumerated) {
        const std::string_view verdict = verdict_of(law, expectations);
        const bool failed = verdict == "breaks" || verdict == "unpinned";
        cases.push_back({fmt::format("{} over every equivalence class", law.law),
                         failed ? fmt::format("{}: {} of {} classes", verdict, law.broken, law.classes) : "",
                         law.seconds});
    }
    for (const ProofResult& result : proofs->proved) {
        const bool proved = result.verdict == ProofResult::Verdict::Proved;
        cases.push_back({fmt::format("{}: {}", result.id, result.statement),
                         proved ? "" : fmt::format("{}: {}", verdict_of(result), result.counterexample),
                         result.seconds});
    }
    if (proofs->has_model) {
        cases.push_back(
            {"model and code agree", proofs->tie.differences == 0 ? "" : proofs->tie.first_difference, 0.0});
    }
    return cases;
}

/// The policy with the tables of a settings file, such as [policy.arcs], fixed in every case. Thresholds of
/// [policy] itself are checked, and drawn by the laws as for any policy. Errors: of the file; a key that is
/// none.
Loaded<Subject> with_settings(Subject subject, const std::string& path) {
    auto settings = load_settings(path);
    if (!settings) {
        return Refusal(settings.error());
    }
    ScenarioOverrides overrides;
    overrides.settings = *std::move(settings);
    constexpr std::string_view kAnyRun =
        "format = 1\nsummary = \"any\"\n[[run]]\nname = \"any\"\n[run.requests]\nlist = [{}]\n";
    const auto file = parse_scenario(kAnyRun, path, overrides);
    if (!file) {
        InputError error = file.error();
        error.where = error.where == kSetFlag ? path : error.where;
        return Refusal(std::move(error));
    }
    subject.make = [make = subject.make,
                    field = file->runs.front().parameters.field](const LaunchPolicyParameters& parameters) {
        LaunchPolicyParameters own = parameters;
        own.field = field;
        return make(own);
    };
    return subject;
}

int verify_policy(const VerifyArguments& arguments) {
    if (const auto error = unknown_law(arguments.laws)) {
        return refuse(*error);
    }
    auto subject = find_policy_source(arguments.policy);
    if (subject && arguments.settings) {
        subject = with_settings(*std::move(subject), *arguments.settings);
    }
    if (!subject) {
        return refuse(subject.error());
    }
    VerifyOptions options;
    auto expectations = expectations_for(arguments);
    if (!expectations) {
        return refuse(expectations.error());
    }
    if (expectations->policy != arguments.policy && !is_plugin_path(arguments.policy)) {
        return refuse(
            flag_error("--expectations",
                       fmt::format("{} is for the policy {}", *arguments.expectations, expectations->policy),
                       arguments.policy));
    }
    auto regressions = load_counterexamples(properties_directory() / "regressions");
    if (!regressions) {
        return refuse(regressions.error());
    }
    options.laws = arguments.laws;
    options.cases = arguments.cases;
    options.seed = arguments.seed;
    options.jobs = subject->plugin       ? 1
                   : arguments.jobs != 0 ? arguments.jobs
                                         : std::max(1U, std::thread::hardware_concurrency());
    options.expectations = *std::move(expectations);
    options.regressions = *std::move(regressions);
    options.stop = stop_on_interrupt();
    if (arguments.budget) {
        constexpr double kNanoseconds = 1e9;
        options.budget = std::chrono::nanoseconds(static_cast<std::int64_t>(*arguments.budget * kNanoseconds));
    }
    const VerifyReport report = verify(*subject, options, [&](const LawReport& law) {
        if (!arguments.json) {
            fmt::print("{}", law_as_text(*subject, law));
            std::fflush(stdout);
        }
    });
    if (report.interrupted) {
        fmt::print(stderr, "megabed: interrupted after {} laws; nothing was written\n", report.laws.size() - 1);
        return kExitInterrupted;
    }
    std::optional<ProveReport> proofs;
    if (arguments.prove) {
        auto proved = prove(*subject, {.seed = options.seed, .jobs = options.jobs, .stop = options.stop});
        if (!proved) {
            return refuse(proved.error());
        }
        if (proved->interrupted) {
            return kExitInterrupted;
        }
        proofs = *std::move(proved);
    }
    if (arguments.junit) {
        if (const auto written =
                write_file(*arguments.junit, junit_xml(report, proofs_as_junit(proofs, options.expectations)));
            !written) {
            return refuse(written.error());
        }
    }
    if (arguments.pin) {
        if (const auto error = write_pins(*arguments.pin, report)) {
            return refuse(*error);
        }
    }
    std::vector<std::string> files;
    if (arguments.counterexamples) {
        auto written = write_counterexamples(*arguments.counterexamples, report);
        if (!written) {
            return refuse(written.error());
        }
        files = *std::move(written);
    }
    if (arguments.json) {
        fmt::print("{}", report_as_json(report, proofs, options.expectations));
    } else {
        if (proofs) {
            fmt::print("{}\n", prove_as_text(*subject, *proofs, options.expectations));
        }
        fmt::print("{}", closing_line(report));
        if (proofs && !proofs->holds(options.expectations)) {
            fmt::print("{}: a proof failed, see above\n", report.policy);
        }
        for (const std::string& file : files) {
            fmt::print("counterexample: {0} (megabed replay {0})\n", file);
        }
    }
    return report.holds() && (!proofs || proofs->holds(options.expectations)) ? kExitDone : kExitFailed;
}

}  // namespace

void add_verify_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<VerifyArguments>();
    CLI::App* const command =
        app.add_subcommand("verify", "Check every law that applies against a policy; exit 1 if one breaks.");
    command
        ->add_option("--policy", arguments->policy,
                     "a name that `megabed list policies` shows, or the path of a plug-in such as ./libmine.so")
        ->capture_default_str();
    command->add_option(
        "--settings", arguments->settings,
        "TOML file, such as `megabed tune` writes: its tables [policy.NAME] hold in every case; "
        "thresholds of [policy] itself are drawn, as for any policy");
    command
        ->add_option("--law", arguments->laws, "check only this law; may be repeated; see `megabed list laws`")
        ->allow_extra_args(false);
    constexpr std::uint64_t kFewestCases = 1000;
    constexpr std::uint64_t kMostCases = 1'000'000'000'000;
    command->add_option("--cases", arguments->cases, "inputs drawn a law; laws with dear cases draw a fiftieth")
        ->capture_default_str()
        ->check(CLI::Range(kFewestCases, kMostCases));
    constexpr double kLongest = 1e6;
    command->add_option("--budget", arguments->budget, "seconds for all laws together, in place of --cases")
        ->check(CLI::Range(0.1, kLongest));
    command->add_option("--seed", arguments->seed, "seed of every draw")
        ->capture_default_str()
        ->check(whole_number(std::numeric_limits<std::int64_t>::max()));
    command
        ->add_option("--jobs", arguments->jobs,
                     "threads; 0: one a core; a plug-in has one. The result does not depend on it")
        ->capture_default_str()
        ->check(CLI::Range(0U, 1024U));
    command->add_option("--expectations", arguments->expectations,
                        "file of known breaks; `none` for none (default: the policy's shipped one)");
    command->add_option("--pin", arguments->pin, "write every break found as an expectation file");
    command
        ->add_flag(
            "--prove", arguments->prove,
            "go beyond sampling: laws over every equivalence class, and statements for all parameters by Z3")
        ->excludes(command->get_option("--settings"));
    command->add_option("--junit", arguments->junit, "write JUnit XML, one test case a law");
    command->add_option("--counterexamples", arguments->counterexamples,
                        "folder for each break as a scenario file that replay and run take");
    command->add_flag("--json", arguments->json, "one JSON document on stdout and nothing else");
    command->footer(
        "Verdicts: holds, breaks, pinned (breaks exactly where the policy's expectation file says), unpinned\n"
        "(expected to break, and held), not-applicable. Exit status 1 on breaks or unpinned.\n"
        "Example: megabed verify --policy hardened --cases 1000000 --junit laws.xml");
    command->callback([arguments, &action] { action = [arguments] { return verify_policy(*arguments); }; });
}

}  // namespace megabed
