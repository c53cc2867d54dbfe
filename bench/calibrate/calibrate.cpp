#include "bench/calibrate/calibrate.h"

#include "bench/calibrate/micro_measurements.h"
#include "bench/calibrate/wave_samples.h"
#include "bench/fidelity/hardware_record.h"
#include "bench/json_text.h"
#include "bench/progress_line.h"
#include "bench/python_program.h"
#include "bench/run_outputs.h"
#include "gpu/device_policy.h"
#include "policy/compiled_policy.h"
#include "scenarios/catalog.h"
#include "scenarios/scenario_loader.h"
#include "sim/file_output.h"
#include "sim/graphs/line_reader.h"

#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace megabed {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Policies that between them carry waves out in every way.
constexpr std::array<const char*, 7> kProbePolicies{"reference",   "hardened", "fixed:sparse", "fixed:hybrid",
                                                    "fixed:dense", "gap",      "arcs"};
/// Whose decision is also measured in a kernel that is compiled for the run, which takes seconds each.
constexpr std::array<const char*, 4> kCompiledPolicies{"reference", "hardened", "fixed:hybrid", "arcs"};
constexpr const char* kDecisionProbe = "bfs-ribbon";
constexpr const char* kCompiledProbe = "bfs-small-world";
constexpr int kRepetitions = 2;

fs::path probes_file() { return catalog_directory() / "calibration" / "probes.toml"; }

/// Times and terms of a run's launches.
Loaded<json> sample_of(const Scenario& scenario, const std::vector<MeasuredLaunch>& launches, bool compiles,
                       GraphStore& graphs) {
    const auto graph = graphs.get(scenario.graph);
    if (!graph) {
        return Refusal(graph.error());
    }
    const auto terms = terms_of(scenario, **graph, launches, compiles);
    json rows = json::array();
    for (std::size_t at = 0; at < launches.size(); ++at) {
        json amounts = json::object();
        for (std::size_t term = 0; term < kWaveTerms; ++term) {
            if (terms[at].terms.amounts[term] != 0) {
                amounts[std::string(wave_term_names()[term].key)] = terms[at].terms.amounts[term];
            }
        }
        const WaveSet set = terms[at].terms.set;
        rows.push_back({{"set", fmt::format("{}.{}", kind_name(set.kind), mode_name(set.mode))},
                        {"compiled", terms[at].compiled},
                        {"ns", launches[at].busy_ns},
                        {"terms", std::move(amounts)}});
    }
    return json{{"run", scenario.name},
                {"policy", scenario.policy},
                {"compiles", compiles},
                {"launches", std::move(rows)}};
}

class Calibration {
public:
    explicit Calibration(bool show_progress) : progress_(show_progress, "calibrate") {}

    Loaded<json> measure() {
        progress_.show("measuring the card's constants");
        const auto constants = measure_card();
        if (!constants) {
            return Refusal(constants.error());
        }
        json document;
        for (const MicroMeasurement& one : *constants) {
            document["constants"].push_back({{"name", one.name},
                                             {"at", one.at},
                                             {"value", one.value},
                                             {"spread", one.spread},
                                             {"method", one.method}});
        }
        for (const auto part : {&Calibration::measure_waves, &Calibration::measure_compiled,
                                &Calibration::measure_decisions, &Calibration::measure_host}) {
            if (const auto done = (this->*part)(); !done) {
                return Refusal(done.error());
            }
        }
        std::sort(gaps_.begin(), gaps_.end());
        document["constants"].push_back({{"name", "costs.compile"},
                                         {"at", 0},
                                         {"value", gaps_[gaps_.size() / 2]},
                                         {"spread", 0},
                                         {"method", "measured"}});
        document["samples"] = std::move(samples_);
        document["host"] = std::move(host_);
        return document;
    }

private:
    Loaded<void> measure_waves() {
        for (const char* const policy : kProbePolicies) {
            progress_.show(fmt::format("waves under {}", policy));
            if (auto done = sample_runs(policy, {}, false, {}); !done) {
                return done;
            }
        }
        return {};
    }
    Loaded<void> measure_compiled() {
        for (const char* const policy : kCompiledPolicies) {
            progress_.show(fmt::format("compiled waves under {}", policy));
            if (auto done = sample_runs(policy, kCompiledProbe, true, {}); !done) {
                return done;
            }
        }
        return {};
    }
    /// Of the other policies that the device can decide.
    Loaded<void> measure_decisions() {
        for (const std::string_view name : compiled_policy_names()) {
            const std::string policy(name);
            const bool known =
                std::ranges::any_of(kProbePolicies, [&](const char* one) { return policy == one; });
            if (known) {
                continue;
            }
            progress_.show(fmt::format("decisions of {}", policy));
            if (auto done = sample_runs(policy, kDecisionProbe, false, {}); !done) {
                return done;
            }
        }
        return {};
    }
    /// What a launch takes longer that the host decides.
    Loaded<void> measure_host() {
        progress_.show("decisions of the host");
        return sample_runs("fixed:hybrid", kDecisionProbe, false, DecisionPlace::Host);
    }

    /// `only`: one run of the probes; all where it is empty.
    Loaded<void> sample_runs(const std::string& policy, const std::string& only, bool compiles,
                             std::optional<DecisionPlace> decide) {
        ScenarioOverrides overrides;
        overrides.policy = policy;
        overrides.decide = decide;
        const auto file = load_scenario(probes_file(), overrides);
        if (!file) {
            return Refusal(file.error());
        }
        for (const Scenario& scenario : file->runs) {
            if (!only.empty() && scenario.name != only) {
                continue;
            }
            auto done = sample_run(scenario, compiles);
            if (!done) {
                return done;
            }
        }
        return {};
    }

    Loaded<void> sample_run(const Scenario& scenario, bool compiles) {
        std::vector<MeasuredLaunch> launches;
        for (int repetition = 0; repetition < kRepetitions; ++repetition) {
            auto measured = measure_launches(scenario, "cuda", compiles, graphs_);
            if (!measured) {
                return Refusal(measured.error());
            }
            if (repetition == 0) {
                if (compiles) {
                    gaps_.push_back(measured->makespan_ns - measured->busy_ns());
                }
                launches = std::move(measured->launches);
                continue;
            }
            for (std::size_t at = 0; at < launches.size() && at < measured->launches.size(); ++at) {
                launches[at].busy_ns = std::min(launches[at].busy_ns, measured->launches[at].busy_ns);
            }
        }
        const auto sample = sample_of(scenario, launches, compiles, graphs_);
        if (!sample) {
            return Refusal(sample.error());
        }
        json& into = scenario.decide == DecisionPlace::Host ? host_ : samples_;
        into.push_back(*sample);
        return {};
    }

    ProgressLine progress_;
    GraphStore graphs_{32};
    json samples_ = json::array();
    json host_ = json::array();
    std::vector<std::int64_t> gaps_;  ///< in which kernels were compiled
};

/// A folder that is there for as long as this: for samples, and for kernels, which are to be compiled anew.
class ScratchFolder {
public:
    ScratchFolder() : path_(fs::temp_directory_path() / fmt::format("megabed-calibration-{}", ::getpid())) {}
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

/// Of a plain or gzip file.
Loaded<std::string> whole_text(const fs::path& path) {
    auto lines = LineReader::open(path);
    if (!lines) {
        return Refusal(lines.error());
    }
    std::string text;
    while (true) {
        const auto line = lines->next();
        if (!line) {
            return Refusal(line.error());
        }
        if (!*line) {
            return text;
        }
        text += **line;
    }
}

/// The sample with its launches gone through again.
Loaded<json> sample_again(const json& stored, const Scenario& scenario, GraphStore& graphs) {
    const bool compiles = stored.at("compiles").get<bool>();
    auto run = measure_launches(scenario, "sim", compiles, graphs);
    if (!run) {
        return Refusal(run.error());
    }
    const json& times = stored.at("launches");
    if (run->launches.size() != times.size()) {
        return Refusal(InputError{
            .where = scenario.file,
            .line = {},
            .key = fmt::format("run {} under {}", scenario.name, scenario.policy),
            .problem = fmt::format("has {} launches, and its sample {}", run->launches.size(), times.size()),
            .allowed = "samples of these probes and policies: megabed calibrate takes new ones"});
    }
    for (std::size_t at = 0; at < times.size(); ++at) {
        run->launches[at].busy_ns = times[at].at("ns").get<std::int64_t>();
    }
    return sample_of(scenario, run->launches, compiles, graphs);
}

/// Recorded runs as samples.
Loaded<void> add_recorded(const RefitOptions& what, GraphStore& graphs, json& document) {
    if (what.also.empty()) {
        return {};
    }
    const auto record = load_record(what.records);
    if (!record) {
        return Refusal(record.error());
    }
    for (const std::string& label : what.also) {
        bool known = false;
        for (const RecordedRun& run : record->runs) {
            if (run.scenario != label) {
                continue;
            }
            known = true;
            ScenarioOverrides overrides;
            overrides.policy = run.policy;
            const auto file = load_scenario(label.substr(0, label.find('/')), overrides);
            if (!file) {
                return Refusal(file.error());
            }
            for (const Scenario& scenario : file->runs) {
                if (!label.ends_with(fmt::format("/{}", scenario.name))) {
                    continue;
                }
                json stored{{"compiles", true}, {"launches", json::array()}};
                for (const RecordedLaunch& launch : run.launches) {
                    stored["launches"].push_back({{"ns", launch.ns}});
                }
                auto sample = sample_again(stored, scenario, graphs);
                if (!sample) {
                    return Refusal(sample.error());
                }
                (*sample)["run"] = label;
                document["samples"].push_back(*std::move(sample));
            }
        }
        if (!known) {
            return Refusal(InputError{.where = what.records.string(),
                                      .line = {},
                                      .key = {},
                                      .problem = fmt::format("has no run {}", label),
                                      .allowed = "runs that the record has, as FILE/RUN"});
        }
        document["fitted_to"].push_back(label);
    }
    return {};
}

/// Writes samples beside `profile` or where they are wanted, and fits the profile to them.
Loaded<int> fit_profile(const json& document, const CalibrateOptions& options, const fs::path& scratch) {
    const fs::path samples = options.samples.empty() ? scratch / "samples.json" : fs::path(options.samples);
    if (const auto written = write_file(samples, document.dump(0)); !written) {
        return Refusal(written.error());
    }
    return run_python("calibrate/fit_profile.py", {samples.string(), "--out", options.out.string()}, {"scipy"});
}

}  // namespace

Loaded<int> calibrate(const CalibrateOptions& options) {
    if (const auto device = cuda_device_name(); !device) {
        return Refusal(device.error());
    }
    const ScratchFolder scratch;
    if (const auto made = make_folder(scratch.path()); !made) {
        return Refusal(made.error());
    }
    (void)::setenv("MEGABED_CACHE_DIR", scratch.path().c_str(),
                   1);  // NOLINT(concurrency-mt-unsafe): before threads
    auto document = Calibration(options.show_progress).measure();
    if (!document) {
        return Refusal(document.error());
    }
    const auto context = card_provenance();
    if (!context) {
        return Refusal(context.error());
    }
    (*document)["context"] = *context;
    return fit_profile(*document, options, scratch.path());
}

Loaded<int> refit(const RefitOptions& what, const CalibrateOptions& options) {
    const fs::path& samples = what.samples;
    const auto text = whole_text(samples);
    if (!text) {
        return Refusal(text.error());
    }
    const auto refused = [&](std::string problem) {
        return Refusal(InputError{.where = samples.string(),
                                  .line = {},
                                  .key = {},
                                  .problem = std::move(problem),
                                  .allowed = "what `megabed calibrate --samples` wrote, plain or gzip"});
    };
    json document = json::parse(*text, nullptr, false);
    if (!document.is_object()) {
        return refused("is not JSON");
    }
    const ScratchFolder scratch;
    if (const auto made = make_folder(scratch.path()); !made) {
        return Refusal(made.error());
    }
    GraphStore graphs(32);
    ProgressLine progress(options.show_progress, "calibrate");
    try {
        json& samples_of_probes = document.at("samples");
        for (std::size_t at = samples_of_probes.size(); at-- > 0;) {
            if (samples_of_probes[at].at("run").get<std::string>().find('/') != std::string::npos) {
                samples_of_probes.erase(at);  // recorded runs are taken from their record
            }
        }
        for (json& stored : samples_of_probes) {
            ScenarioOverrides overrides;
            overrides.policy = stored.at("policy").get<std::string>();
            const auto file = load_scenario(probes_file(), overrides);
            if (!file) {
                return Refusal(file.error());
            }
            const auto name = stored.at("run").get<std::string>();
            const auto scenario =
                std::ranges::find_if(file->runs, [&](const Scenario& run) { return run.name == name; });
            if (scenario == file->runs.end()) {
                return refused(fmt::format("has a run {}, which {} has not", name, file->path));
            }
            progress.show(fmt::format("{} under {}", name, scenario->policy));
            auto sample = sample_again(stored, *scenario, graphs);
            if (!sample) {
                return Refusal(sample.error());
            }
            stored = *std::move(sample);
        }
    } catch (const json::exception& problem) {
        return refused(fmt::format("is not whole: {}", problem.what()));
    }
    document["fitted_to"] = json::array({"probes"});
    if (const auto added = add_recorded(what, graphs, document); !added) {
        return Refusal(added.error());
    }
    return fit_profile(document, options, scratch.path());
}

}  // namespace megabed
