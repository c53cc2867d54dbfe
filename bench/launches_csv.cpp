#include "bench/launches_csv.h"

#include <fmt/format.h>
#include <array>
#include <iterator>
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
            "decision, drain, relaunch, compilation and waves, ns; of a refused launch, the pause after it"},
           [](Row row, const LaunchRecord& record) {
               fmt::format_to(row, "{}", record.outcome.duration.value());
           }},
    Column{
        {"drain_ns", "part of duration_ns: groups finish their items before a relaunch"},
        [](Row row, const LaunchRecord& record) { fmt::format_to(row, "{}", record.outcome.drain.value()); }},
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
        {"granted_groups", "of grid_x, in a service of worker_groups, what can be resident"},
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
    Column{{"true_queue_len", "queue_len before telemetry faults; empty without any"},
           [](Row row, const LaunchRecord& record) {
               if (record.truth) {
                   fmt::format_to(row, "{}", record.truth->request.queue_len);
               }
           }},
    Column{{"true_density_bps", "density_bps before telemetry faults"},
           [](Row row, const LaunchRecord& record) {
               if (record.truth) {
                   write_if(row, record.truth->request.frontier_density);
               }
           }},
    Column{{"true_pressure_bps", "pressure_bps before telemetry faults"},
           [](Row row, const LaunchRecord& record) {
               if (record.truth) {
                   write_if(row, record.truth->request.memory_pressure);
               }
           }},
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

}  // namespace megabed
