#include "bench/commands/commands.h"
#include "bench/exit_code.h"
#include "bench/json_text.h"
#include "bench/progress_line.h"
#include "bench/scenario_runner.h"
#include "bench/study/tune.h"
#include "bench/summary_table.h"
#include "bench/version.h"
#include "sim/file_output.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

namespace megabed {
namespace {

using Json = nlohmann::ordered_json;

struct TuneArguments {
    std::string file;
    std::optional<std::string> out;
    unsigned jobs = 0;
    bool json = false;
};

/// `policy.arcs.work_per_lane=2` as table, key and value.
struct Setting {
    std::string table;
    std::string key;
    std::string value;
};

Setting parts_of(const std::string& setting) {
    const std::size_t equals = setting.find('=');
    const std::string dotted = setting.substr(0, equals);
    const std::size_t dot = dotted.rfind('.');
    return {dot == std::string::npos ? "" : dotted.substr(0, dot), dotted.substr(dot + 1),
            setting.substr(equals + 1)};
}

/// The file that `--settings` and a study take: the tuned parameters, and where they come from.
std::string settings_toml(const TunePlan& plan, const TuneResult& result) {
    const Study& study = plan.tuned_on;
    std::string text = fmt::format(
        "# Parameters of the policy {0}, found by `megabed tune`. Run any scenario under them:\n"
        "#   megabed run SCENARIO --settings THIS_FILE\n"
        "format = 1\nsummary = \"{1}\"\n\n[policy]\nname = \"{0}\"\n",
        study.policies[kTunedPolicy].name, study.summary);
    std::map<std::string, std::string> tables;
    for (const std::string& setting : result.best) {
        const Setting parts = parts_of(setting);
        const std::string line = fmt::format("{} = {}\n", parts.key, parts.value);
        if (parts.table == "policy") {
            text += line;
        } else {
            tables[parts.table] += line;
        }
    }
    for (const auto& [table, lines] : tables) {
        text += fmt::format("\n[{}]\n{}", table, lines);
    }
    return text + fmt::format(
                      "\n[provenance]\nmegabed = \"{} ({})\"\nplan = \"{}\"\nplan_digest = \"{}\"\nseed = {}\n"
                      "candidates = {}\nruns = {}\nspeedup_tuned_on = {:.4f}\nspeedup_held_out = {:.4f}\n"
                      "speedup_held_out_of_defaults = {:.4f}\nbaseline = \"{}\"\n",
                      version(), revision(), study.name, study.digest, plan.seed, plan.candidates, result.runs,
                      result.tuned_on.speedup(), result.held_out.speedup(), result.defaults_held_out.speedup(),
                      study.policies[kTuneBaseline].name);
}

Json json_of(const TunePlan& plan, const TuneResult& result) {
    Json best = Json::object();
    for (const std::string& setting : result.best) {
        const std::size_t equals = setting.find('=');
        const auto value = Json::parse(setting.substr(equals + 1), nullptr, false);
        best[setting.substr(0, equals)] = value.is_discarded() ? Json(setting.substr(equals + 1)) : value;
    }
    Json rungs = Json::array();
    for (const TuneRung& rung : result.rungs) {
        rungs.push_back(
            {{"candidates", rung.candidates}, {"points", rung.points}, {"best_speedup", rung.best_speedup}});
    }
    Json scenarios = Json::array();
    for (const ScenarioVerdict& row : result.verdict) {
        scenarios.push_back(
            {{"scenario", row.label}, {"speedup", row.tuned}, {"speedup_of_defaults", row.defaults}});
    }
    return {{"policy", plan.tuned_on.policies[kTunedPolicy].name},
            {"baseline", plan.tuned_on.policies[kTuneBaseline].name},
            {"best", best},
            {"score", result.tuned_on.makespan_ns},
            {"baseline_score", result.tuned_on.baseline_ns},
            {"held_out_score", result.held_out.makespan_ns},
            {"held_out_baseline_score", result.held_out.baseline_ns},
            {"speedup", result.tuned_on.speedup()},
            {"held_out_speedup", result.held_out.speedup()},
            {"speedup_of_defaults", result.defaults_tuned_on.speedup()},
            {"held_out_speedup_of_defaults", result.defaults_held_out.speedup()},
            {"rungs", rungs},
            {"held_out", scenarios},
            {"runs", result.runs}};
}

std::string table_of(const TunePlan& plan, const TuneResult& result) {
    const Study& study = plan.tuned_on;
    std::string text = fmt::format("{}: {} runs of {} over {}\n", study.name, with_commas(result.runs),
                                   study.policies[kTunedPolicy].name, study.policies[kTuneBaseline].name);
    auto out = std::back_inserter(text);
    for (const TuneRung& rung : result.rungs) {
        fmt::format_to(out, "  {:>5} candidates on {:>4} points: the best is {:.3f} times as fast as {}\n",
                       rung.candidates, rung.points, rung.best_speedup, study.policies[kTuneBaseline].name);
    }
    text += result.best.empty() ? "  best: the policy's own parameters\n" : "  best:\n";
    for (const std::string& setting : result.best) {
        fmt::format_to(out, "    {}\n", setting);
    }
    fmt::format_to(out, "\n  {:<32} {:>10} {:>10}\n", "held out, speed-up over baseline", "tuned", "defaults");
    for (const ScenarioVerdict& row : result.verdict) {
        fmt::format_to(out, "  {:<32} {:>10.3f} {:>10.3f}\n", row.label, row.tuned, row.defaults);
    }
    fmt::format_to(out, "  {:<32} {:>10.3f} {:>10.3f}\n  {:<32} {:>10.3f} {:>10.3f}\n",
                   "geometric mean, held out", result.held_out.speedup(), result.defaults_held_out.speedup(),
                   "geometric mean, tuned on", result.tuned_on.speedup(), result.defaults_tuned_on.speedup());
    return text;
}

int run(const TuneArguments& arguments) {
    const auto plan = load_tune_plan(arguments.file);
    if (!plan) {
        return refuse(plan.error());
    }
    TuneOptions options;
    options.jobs = arguments.jobs != 0 ? arguments.jobs : std::max(1U, std::thread::hardware_concurrency());
    options.stop = stop_on_interrupt();
    std::optional<TuneResult> result;
    {
        ProgressLine progress(true, plan->tuned_on.name);
        options.progress = [&progress](const std::string& text) { progress.show(text); };
        auto tuned = tune(*plan, options);
        if (!tuned) {
            return refuse(tuned.error());
        }
        result = *std::move(tuned);
    }
    if (arguments.out) {
        if (const auto written = write_file(*arguments.out, settings_toml(*plan, *result)); !written) {
            return refuse(written.error());
        }
    }
    fmt::print("{}", arguments.json ? json_text(json_of(*plan, *result)) : table_of(*plan, *result));
    return kExitDone;
}

}  // namespace

void add_tune_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<TuneArguments>();
    CLI::App* const command =
        app.add_subcommand("tune", "Search for a policy's parameters; the verdict is on scenarios held out.");
    command
        ->add_option("FILE", arguments->file, "what to tune, and on what (.toml); keys: bench/study/STUDIES.md")
        ->required();
    command->add_option("--out", arguments->out,
                        "settings file to write, for `megabed run --settings` and for studies");
    command->add_option("--jobs", arguments->jobs, "threads; 0: one a core. The result does not depend on it")
        ->capture_default_str()
        ->check(CLI::Range(0U, 1024U));
    command->add_flag("--json", arguments->json, "one JSON document on stdout and nothing else; times in ns");
    command->footer("Example: megabed tune bench/studies/tune-arcs.toml --out tuned.toml");
    command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace megabed
