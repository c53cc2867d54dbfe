#include "bench/summary_json.h"

#include "bench/replication_output.h"
#include "bench/version.h"
#include "sim/engine/digest.h"

#include <filesystem>
#include <optional>

namespace megabed {
namespace {

using Json = nlohmann::ordered_json;

template <class Value>
Json or_null(const std::optional<Value>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json launches_by_topology(const RunSummary& summary) {
    Json launches = Json::object();
    for (const DispatchTopology topology : kAllTopologies) {
        launches[std::string(to_string(topology))] =
            summary.by_topology[static_cast<std::size_t>(topology)].launches;
    }
    return launches;
}

Json run_json(const FinishedRun& run) {
    const RunSummary& summary = run.summary;
    const auto items = [&](std::uint64_t TenantTotals::*member) {
        return summary.service ? Json(summary.service->sum().*member) : Json(nullptr);
    };
    Json json;
    json["name"] = summary.name;
    json["scenario"] = run.scenario.file;
    json["policy"] = summary.policy;
    json["backend"] = summary.backend;
    json["decide"] = summary.decide == DecisionPlace::Host ? "host" : "device";
    json["seed"] = summary.seed;
    json["digest"] = hex(summary.digest);
    json["levels"] = summary.levels;
    json["waves"] = summary.waves;
    json["launches"] = summary.launches;
    json["makespan_ns"] = summary.makespan.value();
    json["topology_switches"] = summary.topology_switches;
    json["flaps"] = summary.flaps;
    json["launches_by_topology"] = launches_by_topology(summary);
    json["worker_groups_mean"] = summary.worker_groups_mean;
    json["peak_bytes"] = summary.peak.value();
    json["budget_bytes"] = summary.budget ? Json(summary.budget->value()) : Json(nullptr);
    json["oom_rejections"] = summary.oom_rejections;
    json["items_published"] = items(&TenantTotals::published);
    json["items_done"] = items(&TenantTotals::done);
    json["items_rejected"] = items(&TenantTotals::rejected);
    json["items_requeued"] = items(&TenantTotals::requeued);
    json["latency_ns"] =
        summary.latency
            ? Json{{"p50", summary.latency->p50}, {"p99", summary.latency->p99}, {"max", summary.latency->max}}
            : Json(nullptr);
    json["regret"] = nullptr;
    json["relaunch_ns"] = summary.relaunch.value();
    json["compilation_ns"] = summary.compilation.value();
    json["waiting_ns"] = summary.waiting.value();
    json["stopped_by"] = or_null(summary.stopped_by);
    json["replications"] = replications_json(run);
    json["comparison"] = comparison_json(run);
    return json;
}

}  // namespace

nlohmann::ordered_json summary_json(const ScenarioFile& file, const ScenarioOverrides& overrides,
                                    const std::vector<FinishedRun>& runs) {
    Json json;
    json["version"] = version();
    json["revision"] = revision();
    json["digest"] = hex(combined_digest(runs));
    json["runs"] = Json::array();
    for (const FinishedRun& run : runs) {
        json["runs"].push_back(run_json(run));
    }
    Json replay;
    replay["backend"] = runs.empty() ? "sim" : runs.front().summary.backend;
    replay["path"] = std::filesystem::absolute(file.path).lexically_normal().string();
    replay["set"] = overrides.settings;
    replay["policy"] = or_null(overrides.policy);
    replay["seed"] = or_null(overrides.seed);
    replay["decide"] =
        overrides.decide ? Json(*overrides.decide == DecisionPlace::Host ? "host" : "device") : Json(nullptr);
    replay["replications"] = or_null(overrides.replications);
    replay["text"] = file.text;
    json["replay"] = std::move(replay);
    return json;
}

}  // namespace megabed
