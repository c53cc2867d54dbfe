#include "bench/trace_json.h"

#include <nlohmann/json.hpp>
#include <variant>

namespace megabed {
namespace {

using Json = nlohmann::json;

enum Track : int { kLaunches = 1, kDecisions = 2 };

double microseconds(SimTime time) { return static_cast<double>(time.value()) / 1000.0; }

void append_event(std::string& text, const Json& event) {
    text += ",\n";
    text += event.dump();
}

Json name_of(std::string_view kind, int track, std::string_view name) {
    return {{"ph", "M"}, {"pid", 1}, {"tid", track}, {"name", kind}, {"args", {{"name", name}}}};
}

void append_counter(std::string& text, SimTime time, std::string_view name, Json values) {
    append_event(
        text,
        {{"ph", "C"}, {"pid", 1}, {"ts", microseconds(time)}, {"name", name}, {"args", std::move(values)}});
}

void append_slice(std::string& text, SimTime start, SimTime length, std::string_view name, Json facts) {
    append_event(text, {{"ph", "X"},
                        {"pid", 1},
                        {"tid", static_cast<int>(kLaunches)},
                        {"ts", microseconds(start)},
                        {"dur", microseconds(length)},
                        {"name", name},
                        {"args", std::move(facts)}});
}

void append_decision(std::string& text, SimTime time, std::string_view name, Json facts) {
    append_event(text, {{"ph", "i"},
                        {"s", "t"},
                        {"pid", 1},
                        {"tid", static_cast<int>(kDecisions)},
                        {"ts", microseconds(time)},
                        {"name", name},
                        {"args", std::move(facts)}});
}

/// A reading, and what was true where a fault stands between the two.
template <class Read>
Json seen_and_true(const LaunchRecord& record, Read read) {
    Json values{{"value", read(record.observation.request)}};
    if (record.truth) {
        values["true"] = read(record.truth->request);
    }
    return values;
}

void append_readings(std::string& text, const LaunchRecord& record) {
    const SimTime start = record.outcome.start;
    const LaunchRequest& request = record.observation.request;
    append_counter(text, start, "queue",
                   seen_and_true(record, [](const LaunchRequest& read) { return read.queue_len; }));
    if (request.frontier_density) {
        append_counter(text, start, "density (bps)", seen_and_true(record, [](const LaunchRequest& read) {
                           return read.frontier_density.value_or(BasisPoints(0)).value();
                       }));
    }
    if (request.memory_pressure) {
        append_counter(text, start, "memory pressure (bps)",
                       seen_and_true(record, [](const LaunchRequest& read) {
                           return read.memory_pressure.value_or(BasisPoints(0)).value();
                       }));
    }
    Json memory{{"resident", request.resident_device_bytes.value()}};
    if (request.device_memory_budget) {
        memory["budget"] = request.device_memory_budget->value();
    }
    append_counter(text, start, "memory (bytes)", std::move(memory));
}

/// The launch and, inside it, what its time went into.
void append_launch(std::string& text, const LaunchRecord& record) {
    const LaunchOutcome& outcome = record.outcome;
    const LaunchRecommendation& answer = record.decision->recommendation;
    append_slice(text, outcome.start, outcome.duration, to_string(answer.topology),
                 {{"launch", record.index},
                  {"items", outcome.items},
                  {"arcs", outcome.arcs},
                  {"groups granted", outcome.granted_groups},
                  {"route", to_string(answer.execution_mode)}});
    SimTime at = outcome.start;
    const auto part = [&](SimTime length, std::string_view name, Json facts) {
        if (length > SimTime(0)) {
            append_slice(text, at, length, name, std::move(facts));
            at += length;
        }
    };
    part(outcome.drain, "drain", Json::object());
    part(outcome.relaunch, "relaunch", Json::object());
    part(outcome.compilation, "compile", Json::object());
    part(outcome.start + outcome.duration - at, "waves", {{"waves", outcome.waves}});
}

}  // namespace

TraceJson::TraceJson(const Scenario& scenario) {
    text_ = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
    text_ += name_of("process_name", 0, scenario.name).dump();
    append_event(text_, name_of("thread_name", kLaunches, "launches and their waves"));
    append_event(text_, name_of("thread_name", kDecisions, "decisions"));
    if (const auto* const service = std::get_if<ServiceWorkload>(&scenario.workload)) {
        for (const Tenant& tenant : service->tenants) {
            tenants_.push_back("tenant " + tenant.name);
        }
    }
}

void TraceJson::record(const LaunchRecord& record) {
    const SimTime start = record.outcome.start;
    append_readings(text_, record);
    for (std::size_t tenant = 0; tenant < record.tenants.size(); ++tenant) {
        const TenantTotals& totals = record.tenants[tenant];
        append_counter(text_, start + record.outcome.duration, tenants_[tenant],
                       {{"done", totals.done}, {"in flight", totals.in_flight}, {"rejected", totals.rejected}});
    }
    if (!record.decision) {
        append_decision(text_, start, "refused",
                        {{"error", record.error ? to_string(*record.error) : std::string()}});
        return;
    }
    const Decision& decision = *record.decision;
    append_counter(text_, start, "worker groups", {{"value", decision.recommendation.worker_groups}});
    append_launch(text_, record);
    append_decision(text_, start, to_string(decision.rule),
                    {{"launch", record.index},
                     {"topology", to_string(decision.recommendation.topology)},
                     {"hold", to_string(decision.hold)}});
}

void TraceJson::close() { text_ += "\n]}\n"; }

}  // namespace megabed
