#include "bench/launch_files.h"

#include <fmt/format.h>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace megabed {
namespace {

using Row = std::back_insert_iterator<std::string>;

struct Column {
    LaunchColumn documentation;
    void (*write)(Row row, const LaunchRecord& record);
};

template <class Value>
void write_if(Row row, const std::optional<Value>& value) {
    if (value) {
        fmt::format_to(row, "{}", value->value());
    }
}

/// Runs `write` on the recommendation, or leaves the cell empty for a refused launch.
template <auto Write>
void of_answer(Row row, const LaunchRecord& record) {
    if (record.decision) {
        Write(row, record.decision->recommendation);
    }
}

constexpr std::array kColumns{
    Column{{"launch", "number of the launch, from 0"},
           [](Row row, const LaunchRecord& record) { fmt::format_to(row, "{}", record.index); }},
    Column{
        {"start_ns", "when it was asked for, ns"},
        [](Row row, const LaunchRecord& record) { fmt::format_to(row, "{}", record.outcome.start.value()); }},
    Column{{"duration_ns",
            "decision, relaunch, compilation and waves, ns; of a refused launch, the pause after it"},
           [](Row row, const LaunchRecord& record) {
               fmt::format_to(row, "{}", record.outcome.duration.value());
           }},
    Column{{"relaunch_ns", "part of duration_ns"},
           [](Row row, const LaunchRecord& record) {
               fmt::format_to(row, "{}", record.outcome.relaunch.value());
           }},
    Column{{"compilation_ns", "part of duration_ns"},
           [](Row row, const LaunchRecord& record) {
               fmt::format_to(row, "{}", record.outcome.compilation.value());
           }},
    Column{{"queue_len", "frontier vertices or ring items when asked"},
           [](Row row, const LaunchRecord& record) {
               fmt::format_to(row, "{}", record.observation.request.queue_len);
           }},
    Column{{"density_bps", "frontier density reading, basis points"},
           [](Row row, const LaunchRecord& record) {
               write_if(row, record.observation.request.frontier_density);
           }},
    Column{
        {"pressure_bps", "memory pressure reading, basis points"},
        [](Row row, const LaunchRecord& record) { write_if(row, record.observation.request.memory_pressure); }},
    Column{{"resident_bytes", "device bytes in use when asked"},
           [](Row row, const LaunchRecord& record) {
               fmt::format_to(row, "{}", record.observation.request.resident_device_bytes.value());
           }},
    Column{{"topology", "empty, sparse, hybrid, dense, fused, memory; empty cell: refused"},
           of_answer<[](Row row, const LaunchRecommendation& answer) {
               fmt::format_to(row, "{}", to_string(answer.topology));
           }>},
    Column{{"rule", "the first rule that matched"},
           [](Row row, const LaunchRecord& record) {
               if (record.decision) {
                   fmt::format_to(row, "{}", to_string(record.decision->rule));
               }
           }},
    Column{{"hold", "the hysteresis that kept an earlier topology, or none"},
           [](Row row, const LaunchRecord& record) {
               if (record.decision) {
                   fmt::format_to(row, "{}", to_string(record.decision->hold));
               }
           }},
    Column{{"worker_groups", "groups recommended"}, of_answer<[](Row row, const LaunchRecommendation& answer) {
               fmt::format_to(row, "{}", answer.worker_groups);
           }>},
    Column{{"workgroup_size_x", "lanes a group"}, of_answer<[](Row row, const LaunchRecommendation& answer) {
               fmt::format_to(row, "{}", answer.geometry.workgroup_size_x);
           }>},
    Column{{"grid_x", "groups to dispatch"}, of_answer<[](Row row, const LaunchRecommendation& answer) {
               fmt::format_to(row, "{}", answer.geometry.dispatch_grid[0]);
           }>},
    Column{
        {"granted_groups", "of grid_x, what can be resident"},
        [](Row row, const LaunchRecord& record) { fmt::format_to(row, "{}", record.outcome.granted_groups); }},
    Column{{"slot_count", "ring slots"}, of_answer<[](Row row, const LaunchRecommendation& answer) {
               fmt::format_to(row, "{}", answer.geometry.slot_count.value());
           }>},
    Column{{"hit_capacity", "entries of the output queue"},
           of_answer<[](Row row, const LaunchRecommendation& answer) {
               fmt::format_to(row, "{}", answer.hit_capacity);
           }>},
    Column{{"pressure", "queue pressure: empty, light, balanced, saturated"},
           of_answer<[](Row row, const LaunchRecommendation& answer) {
               fmt::format_to(row, "{}", to_string(answer.pressure));
           }>},
    Column{{"route", "interpreter or jit"}, of_answer<[](Row row, const LaunchRecommendation& answer) {
               fmt::format_to(row, "{}", to_string(answer.execution_mode));
           }>},
    Column{{"peak_bytes", "estimated peak of the launch"},
           of_answer<[](Row row, const LaunchRecommendation& answer) {
               fmt::format_to(row, "{}", answer.estimated_peak_device_bytes.value());
           }>},
    Column{{"waves", "levels or epochs, extra passes of an overflowing hit capacity included"},
           [](Row row, const LaunchRecord& record) { fmt::format_to(row, "{}", record.outcome.waves); }},
    Column{{"items", "frontier vertices expanded or items done"},
           [](Row row, const LaunchRecord& record) { fmt::format_to(row, "{}", record.outcome.items); }},
    Column{{"arcs", "arcs inspected"},
           [](Row row, const LaunchRecord& record) { fmt::format_to(row, "{}", record.outcome.arcs); }},
    Column{{"error", "why the policy refused, or nothing"},
           [](Row row, const LaunchRecord& record) {
               if (record.error) {
                   fmt::format_to(row, "\"{}\"", to_string(*record.error));
               }
           }},
};

constexpr auto kDocumentation = [] {
    std::array<LaunchColumn, kColumns.size()> columns{};
    for (std::size_t at = 0; at < columns.size(); ++at) {
        columns[at] = kColumns[at].documentation;
    }
    return columns;
}();

double microseconds(SimTime time) { return static_cast<double>(time.value()) / 1000.0; }

void append_event(std::string& text, const nlohmann::json& event) {
    text += ",\n";
    text += event.dump();
}

enum Track : int { kLaunches = 1, kDecisions = 2 };

nlohmann::json name_of(std::string_view kind, int track, std::string_view name) {
    return {{"ph", "M"}, {"pid", 1}, {"tid", track}, {"name", kind}, {"args", {{"name", name}}}};
}

nlohmann::json counter(SimTime time, std::string_view name, std::uint64_t value) {
    return {{"ph", "C"}, {"pid", 1}, {"ts", microseconds(time)}, {"name", name}, {"args", {{"value", value}}}};
}

}  // namespace

std::span<const LaunchColumn> launch_columns() { return kDocumentation; }

LaunchesCsv::LaunchesCsv() {
    for (const Column& column : kColumns) {
        text_ += text_.empty() ? "" : ",";
        text_ += column.documentation.name;
    }
    text_ += '\n';
}

void LaunchesCsv::record(const LaunchRecord& record) {
    bool first = true;
    for (const Column& column : kColumns) {
        if (!std::exchange(first, false)) {
            text_ += ',';
        }
        column.write(std::back_inserter(text_), record);
    }
    text_ += '\n';
}

TraceJson::TraceJson(std::string_view run_name) {
    text_ = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
    text_ += name_of("process_name", 0, run_name).dump();
    append_event(text_, name_of("thread_name", kLaunches, "launches"));
    append_event(text_, name_of("thread_name", kDecisions, "decisions"));
}

void TraceJson::record(const LaunchRecord& record) {
    const LaunchOutcome& outcome = record.outcome;
    const LaunchRequest& request = record.observation.request;
    append_event(text_, counter(outcome.start, "queue", request.queue_len));
    if (request.frontier_density) {
        append_event(text_, counter(outcome.start, "density (bps)", request.frontier_density->value()));
    }
    if (request.memory_pressure) {
        append_event(text_, counter(outcome.start, "memory pressure (bps)", request.memory_pressure->value()));
    }
    if (!record.decision) {
        append_event(text_, {{"ph", "i"},
                             {"s", "t"},
                             {"pid", 1},
                             {"tid", static_cast<int>(kDecisions)},
                             {"ts", microseconds(outcome.start)},
                             {"name", "refused"},
                             {"args", {{"error", record.error ? to_string(*record.error) : std::string()}}}});
        return;
    }
    const Decision& decision = *record.decision;
    const LaunchRecommendation& answer = decision.recommendation;
    append_event(text_, counter(outcome.start, "worker groups", answer.worker_groups));
    append_event(text_, {{"ph", "X"},
                         {"pid", 1},
                         {"tid", static_cast<int>(kLaunches)},
                         {"ts", microseconds(outcome.start)},
                         {"dur", microseconds(outcome.duration)},
                         {"name", to_string(answer.topology)},
                         {"args",
                          {{"launch", record.index},
                           {"waves", outcome.waves},
                           {"items", outcome.items},
                           {"arcs", outcome.arcs},
                           {"groups granted", outcome.granted_groups},
                           {"route", to_string(answer.execution_mode)},
                           {"relaunch_ns", outcome.relaunch.value()},
                           {"compilation_ns", outcome.compilation.value()}}}});
    append_event(text_, {{"ph", "i"},
                         {"s", "t"},
                         {"pid", 1},
                         {"tid", static_cast<int>(kDecisions)},
                         {"ts", microseconds(outcome.start)},
                         {"name", to_string(decision.rule)},
                         {"args", {{"launch", record.index}, {"hold", to_string(decision.hold)}}}});
}

std::string TraceJson::take() {
    text_ += "\n]}\n";
    return std::move(text_);
}

}  // namespace megabed
