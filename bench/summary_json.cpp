#include "bench/summary_json.h"

#include "bench/overrides_json.h"
#include "bench/replication_output.h"
#include "bench/version.h"
#include "sim/engine/digest.h"

#include <filesystem>
#include <optional>
#include <variant>

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

/// Where the latencies stop showing how the run began, by MSER-5, and the interval around their mean by batch
/// means; both leave out the scenario's own warm-up.
Json steady_state_json(const ServiceTotals& totals) {
    constexpr BasisPoints kConfidence{9500};
    const Truncation cut = totals.latency_order.truncation();
    const auto interval = totals.latency_batches.interval(kConfidence);
    const auto independent = totals.latency_batches.independent();
    return {{"mser_leave_out_items", cut.leave_out},
            {"mser_sufficient", cut.sufficient},
            {"mser_latency_mean_ns", cut.sufficient ? Json(cut.mean) : Json(nullptr)},
            {"latency_half_width_ns", interval ? Json(interval->half_width) : Json(nullptr)},
            {"batches_independent", independent ? Json(*independent) : Json(nullptr)},
            {"confidence_bps", kConfidence.value()}};
}

/// Time averages, and what became of every tenant's items.
Json service_json(const FinishedRun& run) {
    if (!run.summary.service) {
        return nullptr;
    }
    const ServiceTotals& totals = *run.summary.service;
    Json json;
    json["ring_depth_mean"] = totals.ring_depth_mean;
    json["in_system_mean"] = totals.in_flight_mean;
    json["workers_busy_mean"] = totals.workers_busy_mean;
    json["steady_state"] = steady_state_json(totals);
    json["tenants"] = Json::array();
    const auto& tenants = std::get<ServiceWorkload>(run.scenario.workload).tenants;
    for (std::size_t at = 0; at < totals.tenants.size(); ++at) {
        const TenantTotals& tenant = totals.tenants[at];
        const Histogram& latency = tenant.latency_ns;
        json["tenants"].push_back(
            {{"name", tenants[at].name},
             {"published", tenant.published},
             {"done", tenant.done},
             {"rejected", tenant.rejected},
             {"requeued", tenant.requeued},
             {"starved", tenant.starved},
             {"in_flight", tenant.in_flight},
             {"latency_mean_ns", latency.empty() ? Json(nullptr) : Json(latency.mean())}});
    }
    return json;
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
    json["latency_ns"] = summary.latency ? Json{{"p50", summary.latency->p50},
                                                {"p99", summary.latency->p99},
                                                {"max", summary.latency->max},
                                                {"mean", summary.latency->mean}}
                                         : Json(nullptr);
    json["regret"] = or_null(summary.regret);
    json["hindsight_ns"] = summary.hindsight ? Json(summary.hindsight->value()) : Json(nullptr);
    json["adversary"] =
        run.adversary ? Json{{"worth", run.adversary->worth}, {"runs", run.adversary->runs}} : Json(nullptr);
    json["service"] = service_json(run);
    json["events"] = summary.events;
    json["device"] = run.scenario.device.name;
    json["device_digest"] = hex(run.scenario.device.digest);
    json["drain_ns"] = summary.drain.value();
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
                                    const std::vector<FinishedRun>& runs, bool complete) {
    Json json;
    json["version"] = version();
    json["revision"] = revision();
    json["digest"] = hex(combined_digest(runs));
    json["complete"] = complete;
    json["runs"] = Json::array();
    for (const FinishedRun& run : runs) {
        json["runs"].push_back(run_json(run));
    }
    Json replay;
    replay["backend"] = runs.empty() ? "sim" : runs.front().summary.backend;
    replay["path"] = std::filesystem::absolute(file.path).lexically_normal().string();
    replay.update(overrides_json(overrides));
    replay["text"] = file.text;
    json["replay"] = std::move(replay);
    return json;
}

}  // namespace megabed
