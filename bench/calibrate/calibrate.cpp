#include "bench/calibrate/calibrate.h"

#include "bench/calibrate/micro_measurements.h"
#include "bench/calibrate/wave_samples.h"
#include "bench/json_text.h"
#include "bench/progress_line.h"
#include "bench/python_program.h"
#include "bench/run_outputs.h"
#include "gpu/device_policy.h"
#include "policy/compiled_policy.h"
#include "scenarios/catalog.h"
#include "scenarios/scenario_loader.h"
#include "sim/file_output.h"

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
            if (const auto done = sample_runs(policy, {}, false, {}); !done) {
                return done;
            }
        }
        return {};
    }
    Loaded<void> measure_compiled() {
        for (const char* const policy : kCompiledPolicies) {
            progress_.show(fmt::format("compiled waves under {}", policy));
            if (const auto done = sample_runs(policy, kCompiledProbe, true, {}); !done) {
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
            if (const auto done = sample_runs(policy, kDecisionProbe, false, {}); !done) {
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
        const auto file = load_scenario(catalog_directory() / "calibration" / "probes.toml", overrides);
        if (!file) {
            return Refusal(file.error());
        }
        for (const Scenario& scenario : file->runs) {
            if (!only.empty() && scenario.name != only) {
                continue;
            }
            const auto done = sample_run(scenario, compiles);
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
        const auto graph = graphs_.get(scenario.graph);
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
        json& into = scenario.decide == DecisionPlace::Host ? host_ : samples_;
        into.push_back({{"run", scenario.name}, {"policy", scenario.policy}, {"launches", std::move(rows)}});
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
    const fs::path samples =
        options.samples.empty() ? scratch.path() / "samples.json" : fs::path(options.samples);
    if (const auto written = write_file(samples, document->dump()); !written) {
        return Refusal(written.error());
    }
    return run_python("calibrate/fit_profile.py", {samples.string(), "--out", options.out.string()}, {"scipy"});
}

}  // namespace megabed
