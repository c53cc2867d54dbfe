#include "bench/commands/commands.h"
#include "bench/exit_code.h"
#include "bench/json_text.h"
#include "bench/overrides_json.h"
#include "bench/scenario_runner.h"
#include "bench/version.h"
#include "properties/counterexample_file.h"
#include "properties/law_search.h"
#include "properties/laws.h"
#include "scenarios/catalog.h"
#include "scenarios/scenario_loader.h"
#include "sim/engine/digest.h"
#include "sim/plugins/plugin_policy.h"
#include "sim/plugins/policy_source.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
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

struct ReplayArguments {
    std::string file;
    std::optional<std::string> policy;
    bool json = false;
};

/// A stored run, as summary.json holds it.
struct StoredRun {
    std::string digest;
    std::string revision;
    std::string backend;
    std::string path;
    std::string text;
    ScenarioOverrides overrides;
    std::vector<std::pair<std::string, std::string>> runs;  ///< names and digests
};

Loaded<StoredRun> load_stored_run(const std::string& file) {
    const auto text = read_text_file(file);
    if (!text) {
        return Refusal(text.error());
    }
    const auto refuse = [&](const std::string& problem) {
        return Refusal(InputError{.where = file,
                                  .line = {},
                                  .key = {},
                                  .problem = problem,
                                  .allowed = "a summary.json that `megabed run --out` wrote"});
    };
    const Json json = Json::parse(*text, nullptr, false);
    if (json.is_discarded()) {
        return refuse("is not JSON");
    }
    try {
        const Json& replay = json.at("replay");
        StoredRun run;
        run.digest = json.at("digest").get<std::string>();
        run.revision = json.at("revision").get<std::string>();
        run.backend = replay.at("backend").get<std::string>();
        run.path = replay.at("path").get<std::string>();
        run.text = replay.at("text").get<std::string>();
        const auto overrides = overrides_from_json(replay);
        if (!overrides) {
            return refuse("is no stored run: what the command line replaced is not readable");
        }
        run.overrides = *overrides;
        for (const Json& stored : json.at("runs")) {
            run.runs.emplace_back(stored.at("name").get<std::string>(), stored.at("digest").get<std::string>());
        }
        return run;
    } catch (const Json::exception&) {
        return refuse("is no stored run");
    }
}

/// Why a policy that a file names cannot be had.
InputError named_in(const std::string& path, const std::string& policy, InputError error) {
    constexpr std::size_t kPathShown = 1000;
    error.where = fmt::format("{}: policy.name", path);
    if (is_plugin_path(policy)) {
        error.problem = fmt::format("{}: {}", printable(policy, kPathShown), error.problem);
        error.allowed += "; --policy tells where it is now";
    }
    return error;
}

/// Judges a counterexample again: the same decisions, and the law still broken.
int replay_counterexample(const ReplayArguments& arguments, const std::string& text) {
    const std::string& path = arguments.file;
    auto stored = parse_counterexample(text, path);
    if (!stored) {
        return refuse(stored.error());
    }
    stored->policy = arguments.policy.value_or(stored->policy);
    const auto subject = find_policy_source(stored->policy);
    if (!subject) {
        return refuse(arguments.policy ? subject.error() : named_in(path, stored->policy, subject.error()));
    }
    const Law& law = *find_law(stored->law);
    if (law.applies != nullptr && !law.applies(subject->parts)) {
        return refuse(
            InputError{.where = path,
                       .line = {},
                       .key = "policy.name",
                       .problem = fmt::format("{} has no part that {} speaks of", stored->policy, law.id),
                       .allowed = "the policy that broke the law"});
    }
    const std::uint64_t digest = case_digest(*subject, law, stored->input);
    const Judgement judgement = judge_case(*subject, law, stored->input);
    const bool broken = judgement.outcome == CaseOutcome::Breaks;
    const bool same = digest == stored->digest && broken;
    if (arguments.json) {
        fmt::print("{}", json_text(Json{{"digest", hex(digest)},
                                        {"expected_digest", hex(stored->digest)},
                                        {"same", same},
                                        {"law", stored->law},
                                        {"policy", stored->policy},
                                        {"breaks", broken}}));
        return same ? kExitDone : kExitFailed;
    }
    fmt::print("law {}: {}\n{}{} {}: {}\n", law.id, law.sentence, case_as_table(*subject, stored->input),
               stored->policy, broken ? "breaks it" : "does not break it",
               broken ? judgement.why : stored->why);
    fmt::print("{}: digest {}, expected {}: {}\n", path, hex(digest), hex(stored->digest),
               digest == stored->digest ? "the same" : "DIFFERENT");
    return same ? kExitDone : kExitFailed;
}

int replay(const ReplayArguments& arguments) {
    const std::string& path = arguments.file;
    // A summary is JSON and starts with a brace; anything else is read as a counterexample, so that what is
    // wrong in one is named with its line.
    if (const auto text = read_text_file(path); text && text->find_first_not_of(" \t\r\n") != text->find('{')) {
        return replay_counterexample(arguments, *text);
    }
    const auto stored = load_stored_run(path);
    if (!stored) {
        return refuse(stored.error());
    }
    if (arguments.policy) {
        return refuse(InputError{.where = "--policy",
                                 .line = {},
                                 .key = {},
                                 .problem = fmt::format("{} is a stored run", printable(path)),
                                 .allowed = "a counterexample with it; `megabed run --policy` runs another"});
    }
    if (const auto known = check_backend(stored->backend); !known) {
        return refuse(known.error());
    }
    auto file = parse_scenario(stored->text, stored->path, stored->overrides);
    if (!file) {
        InputError error = file.error();
        error.where = fmt::format("{}: {}", path, error.where);
        return refuse(error);
    }
    if (const auto loaded = load_policies(*file); !loaded) {
        return refuse(loaded.error());
    }
    RunnerOptions options;
    options.backend = stored->backend;
    options.show_progress = true;
    options.jobs = std::max(1U, std::thread::hardware_concurrency());
    options.stop = stop_on_interrupt();
    // A run with --only stored that one alone.
    std::erase_if(file->runs, [&](const Scenario& run) {
        return std::none_of(stored->runs.begin(), stored->runs.end(),
                            [&](const auto& known) { return known.first == run.name; });
    });
    const auto finished = run_all(*file, options);
    if (!finished) {
        return refuse(finished.error());
    }
    if (finished->interrupted) {
        return refuse(*finished->interrupted);
    }
    const std::vector<FinishedRun>& runs = finished->runs;
    const std::string digest = hex(combined_digest(runs));
    std::vector<std::pair<std::string, std::string>> replayed;
    replayed.reserve(runs.size());
    for (const FinishedRun& run : runs) {
        replayed.emplace_back(run.summary.name, hex(run.summary.digest));
    }
    const bool same = digest == stored->digest && replayed == stored->runs;
    if (arguments.json) {
        const Json document{{"digest", digest}, {"expected_digest", stored->digest}, {"same", same}};
        fmt::print("{}", json_text(document));
    } else {
        fmt::print("{}: digest {}, expected {}: {}\n", path, digest, stored->digest,
                   same ? "the same" : "DIFFERENT");
        if (!same && stored->revision != revision()) {
            fmt::print("stored by revision {}, replayed by {}\n", stored->revision, revision());
        }
    }
    return same ? kExitDone : kExitFailed;
}

}  // namespace

void add_replay_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<ReplayArguments>();
    CLI::App* const command =
        app.add_subcommand("replay", "Run a stored run or judge a counterexample again, and compare.");
    command
        ->add_option(
            "FILE", arguments->file,
            "summary.json of an earlier `run --out`, or a counterexample of `verify --counterexamples`")
        ->required();
    command->add_option(
        "--policy", arguments->policy,
        "judge a counterexample of another policy, or of a plug-in that is elsewhere now: a name "
        "that `megabed list policies` shows, or a path (default: the file's)");
    command->add_flag("--json", arguments->json, "one JSON document on stdout and nothing else");
    command->footer(
        "Example: megabed replay results/summary.json\nExit status 1 when the digest differs, or when the law "
        "of a counterexample is no longer broken.");
    command->callback([arguments, &action] { action = [arguments] { return replay(*arguments); }; });
}

}  // namespace megabed
