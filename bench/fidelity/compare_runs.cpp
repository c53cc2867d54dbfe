#include "bench/fidelity/compare_runs.h"

#include "bench/calibrate/micro_measurements.h"
#include "bench/calibrate/wave_samples.h"
#include "bench/progress_line.h"
#include "gpu/cuda_backend.h"
#include "gpu/device_policy.h"
#include "scenarios/scenario_loader.h"
#include "scenarios/workload_tables.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <variant>

namespace megabed {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCard = "cuda";
constexpr std::string_view kProbes = "probes";  ///< what profiles are fitted to

Refusal refused(std::string where, std::string problem, std::string allowed) {
    return Refusal(InputError{.where = std::move(where),
                              .line = {},
                              .key = {},
                              .problem = std::move(problem),
                              .allowed = std::move(allowed)});
}

std::vector<std::string> unique(std::vector<std::string> names) {
    std::set<std::string> seen;
    std::erase_if(names, [&](const std::string& name) { return !seen.insert(name).second; });
    return names;
}

/// "road" of "road/from-the-edge".
std::string file_of(const std::string& label) { return label.substr(0, label.find('/')); }

std::vector<RecordedLaunch> recorded(const std::vector<MeasuredLaunch>& launches) {
    std::vector<RecordedLaunch> all;
    all.reserve(launches.size());
    for (const MeasuredLaunch& launch : launches) {
        all.push_back(
            {std::string(to_string(launch.recommendation.topology)), launch.queue_len, launch.busy_ns});
    }
    return all;
}

/// The median of every launch over the repetitions. Requires: a repetition; all have as many launches.
RecordedRun record_of(const std::string& label, const std::string& policy,
                      const std::vector<MeasuredRun>& runs) {
    RecordedRun record{label, policy, {}, recorded(runs.front().launches)};
    for (const MeasuredRun& run : runs) {
        record.busy_ns.push_back(run.busy_ns());
    }
    for (std::size_t at = 0; at < record.launches.size(); ++at) {
        std::vector<std::int64_t> times;
        times.reserve(runs.size());
        for (const MeasuredRun& run : runs) {
            times.push_back(run.launches[at].busy_ns);
        }
        std::sort(times.begin(), times.end());
        record.launches[at].ns = times[times.size() / 2];
    }
    return record;
}

class Comparer {
public:
    explicit Comparer(const CompareOptions& options)
        : options_(options), progress_(options.show_progress, "compare") {}

    Loaded<ComparedRuns> compare() {
        for (const auto step : {&Comparer::open_reference, &Comparer::compare_all, &Comparer::store}) {
            if (const auto done = (this->*step)(); !done) {
                return Refusal(done.error());
            }
        }
        return std::move(compared_);
    }

private:
    [[nodiscard]] bool on_card() const { return options_.reference == kCard; }

    Loaded<void> open_reference() {
        if (on_card()) {
            if (const auto device = cuda_device_name(); !device) {
                return Refusal(device.error());
            }
            auto context = card_provenance();
            if (!context) {
                return Refusal(context.error());
            }
            reference_.context = *std::move(context);
        } else {
            auto record = load_record(options_.reference);
            if (!record) {
                return Refusal(record.error());
            }
            reference_ = *std::move(record);
        }
        compared_.context = reference_.context;
        scenarios_ = options_.scenarios;
        policies_ = options_.policies;
        if (on_card()) {
            policies_ = policies_.empty() ? default_policies() : policies_;
        } else {
            std::vector<std::string> files;
            std::vector<std::string> known;
            for (const RecordedRun& run : reference_.runs) {
                files.push_back(file_of(run.scenario));
                known.push_back(run.policy);
            }
            scenarios_ = scenarios_.empty() ? unique(files) : scenarios_;
            policies_ = policies_.empty() ? unique(known) : policies_;
        }
        if (scenarios_.empty()) {
            return refused("compare", "no scenario is named",
                           "one or more files or catalog names, or a stored --reference");
        }
        return {};
    }

    Loaded<void> compare_all() {
        for (const std::string& scenario : scenarios_) {
            for (const std::string& policy : policies_) {
                ScenarioOverrides overrides;
                overrides.settings = {fmt::format("device.profile={}", options_.device)};
                overrides.settings.insert(overrides.settings.end(), options_.settings.begin(),
                                          options_.settings.end());
                overrides.policy = policy;
                // A profile's own runs are in a folder of the catalog.
                const auto file = load_scenario(
                    scenario == kProbes ? std::string("calibration/probes") : scenario, overrides);
                if (!file) {
                    return Refusal(file.error());
                }
                for (Scenario run : file->runs) {
                    const std::string label =
                        fmt::format("{}/{}", fs::path(file->path).stem().string(), run.name);
                    run.decide = cuda_decision_place(run);
                    if (auto done = compare_run(run, label); !done) {
                        return done;
                    }
                }
            }
        }
        if (compared_.runs.empty()) {
            return refused("compare", "the reference has none of these runs", "runs that it has");
        }
        return {};
    }

    Loaded<void> compare_run(const Scenario& scenario, const std::string& label) {
        if (!std::holds_alternative<TraversalWorkload>(scenario.workload)) {
            return refused(scenario.file,
                           fmt::format("run {} has [run.{}]", scenario.name, workload_table(scenario.workload)),
                           "traversals: their launches take as long as their waves");
        }
        progress_.show(fmt::format("{} under {}", label, scenario.policy));
        const auto measured = measured_run(scenario, label);
        if (!measured) {
            return Refusal(measured.error());
        }
        if (*measured == nullptr) {
            return {};
        }
        const auto simulated = measure_launches(scenario, "sim", true, graphs_);
        if (!simulated) {
            return Refusal(simulated.error());
        }
        compared_.device = scenario.device.name;
        compared_.runs.push_back(pair_of(label, scenario, *simulated, **measured));
        return {};
    }

    /// Null: the stored reference does not have it.
    Loaded<const RecordedRun*> measured_run(const Scenario& scenario, const std::string& label) {
        if (on_card()) {
            std::vector<MeasuredRun> runs;
            for (unsigned repetition = 0; repetition < options_.repetitions; ++repetition) {
                auto run = measure_launches(scenario, std::string(kCard), true, graphs_);
                if (!run) {
                    return Refusal(run.error());
                }
                runs.push_back(*std::move(run));
            }
            reference_.runs.push_back(record_of(label, scenario.policy, runs));
            return &reference_.runs.back();
        }
        const auto found = std::ranges::find_if(reference_.runs, [&](const RecordedRun& run) {
            return run.scenario == label && run.policy == scenario.policy;
        });
        return found == reference_.runs.end() ? nullptr : &*found;
    }

    static ComparedRun pair_of(const std::string& label, const Scenario& scenario, const MeasuredRun& simulated,
                               const RecordedRun& measured) {
        ComparedRun run;
        std::vector<double> times(measured.busy_ns.begin(), measured.busy_ns.end());
        const auto [least, most] = std::minmax_element(times.begin(), times.end());
        run.time = {label,
                    scenario.policy,
                    static_cast<double>(simulated.busy_ns()),
                    0,
                    *most - *least,
                    std::ranges::any_of(scenario.device.fitted_to, [&](const std::string& fitted) {
                        return fitted == label || fitted == file_of(label);
                    })};
        run.time.measured_ns = quantile(times, 0.5);
        const auto ours = recorded(simulated.launches);
        for (std::size_t at = 0; at < std::max(ours.size(), measured.launches.size()); ++at) {
            if (at >= ours.size() || at >= measured.launches.size() ||
                ours[at].topology != measured.launches[at].topology ||
                ours[at].queue_len != measured.launches[at].queue_len) {
                run.differs_at = at;
                break;
            }
            run.topologies.push_back(ours[at].topology);
            run.simulated_ns.push_back(ours[at].ns);
            run.measured_ns.push_back(measured.launches[at].ns);
        }
        return run;
    }

    Loaded<void> store() {
        return options_.record && on_card() ? write_record(*options_.record, reference_) : Loaded<void>{};
    }

    const CompareOptions& options_;
    ProgressLine progress_;
    GraphStore graphs_{4};
    HardwareRecord reference_;
    std::vector<std::string> scenarios_;
    std::vector<std::string> policies_;
    ComparedRuns compared_;
};

}  // namespace

std::vector<std::string> default_policies() {
    return {"reference", "hardened", "fixed:sparse", "fixed:hybrid", "fixed:dense",
            "gap",       "arcs",     "cugraph",      "gunrock"};
}

double ComparedRun::wave_error() const {
    std::vector<double> errors;
    for (std::size_t at = 0; at < simulated_ns.size(); ++at) {
        const auto measured = static_cast<double>(std::max<std::int64_t>(measured_ns[at], 1));
        errors.push_back(std::abs(static_cast<double>(simulated_ns[at]) - measured) / measured);
    }
    return errors.empty() ? 0 : quantile(errors, 0.5);
}

Loaded<ComparedRuns> compare_runs(const CompareOptions& options) { return Comparer(options).compare(); }

}  // namespace megabed
