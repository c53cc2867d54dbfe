#include "bench/summary_table.h"

#include "bench/replication_output.h"
#include "sim/engine/digest.h"

#include <fmt/format.h>
#include <array>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <variant>

namespace megabed {
namespace {

constexpr double kBarWidth = 20;

std::string_view name_of(TraversalKind kind) {
    switch (kind) {
    case TraversalKind::BreadthFirst:
        return "breadth-first search";
    case TraversalKind::ShortestPaths:
        return "shortest paths";
    case TraversalKind::Components:
        return "connected components";
    case TraversalKind::PageRank:
        return "PageRank";
    }
    return {};
}

std::string work_of(const FinishedRun& run) {
    if (run.graph) {
        const std::string source = run.scenario.graph.find('=') == std::string::npos
                                       ? std::filesystem::path(run.scenario.graph).filename().string()
                                       : run.scenario.graph;
        const auto& workload = std::get<TraversalWorkload>(run.scenario.workload);
        const bool search = workload.traversal.kind == TraversalKind::BreadthFirst;
        return fmt::format("{} on {}: {} vertices, {} edges, {} {}", name_of(workload.traversal.kind), source,
                           with_commas(run.graph->vertices), with_commas(run.graph->undirected_edges),
                           with_commas(run.summary.levels), search ? "levels" : "waves");
    }
    if (std::holds_alternative<SyntheticWorkload>(run.scenario.workload)) {
        return fmt::format("synthetic frontier, {} waves", with_commas(run.summary.levels));
    }
    if (std::holds_alternative<RequestsWorkload>(run.scenario.workload)) {
        return fmt::format("{} listed requests", with_commas(run.summary.levels));
    }
    return fmt::format("service, {} epochs", with_commas(run.summary.levels));
}

double share_of(SimTime part, SimTime whole) {
    return whole.value() == 0 ? 0 : static_cast<double>(part.value()) / static_cast<double>(whole.value());
}

void append_row(std::string& text, std::string_view name, const TopologyShare& share, SimTime makespan) {
    const double part = share_of(share.time, makespan);
    fmt::format_to(std::back_inserter(text), "  {:<9} {:>9} {:>9} {:>11}  {:>5.1f} %  {}\n", name,
                   with_commas(share.launches), with_commas(share.waves), human_time(share.time), part * 100,
                   std::string(static_cast<std::size_t>(std::lround(part * kBarWidth)), '#'));
}

void append_topologies(std::string& text, const RunSummary& summary) {
    auto out = std::back_inserter(text);
    fmt::format_to(out, "  {:<9} {:>9} {:>9} {:>11}  {:>7}\n", "topology", "launches", "waves", "time",
                   "share");
    for (const DispatchTopology topology : kAllTopologies) {
        const TopologyShare& share = summary.by_topology[static_cast<std::size_t>(topology)];
        if (share.launches == 0) {
            continue;
        }
        append_row(text, to_string(topology), share, summary.makespan);
    }
    if (summary.waiting > SimTime(0)) {
        append_row(text, "(waiting)", {summary.oom_rejections, 0, summary.waiting}, summary.makespan);
    }
}

void append_totals(std::string& text, const FinishedRun& run) {
    const RunSummary& summary = run.summary;
    auto out = std::back_inserter(text);
    fmt::format_to(out, "  makespan {}  (relaunches {}, compiling {})\n", human_time(summary.makespan),
                   human_time(summary.relaunch), human_time(summary.compilation));
    if (summary.hindsight) {
        fmt::format_to(out, "  regret {:.1f} %: the best topologies in hindsight take {}\n",
                       100.0 * summary.regret.value_or(0), human_time(*summary.hindsight));
    }
    if (run.adversary) {
        fmt::format_to(out, "  the worst trajectory of {} simulations\n", run.adversary->runs);
    }
    fmt::format_to(out, "  switches {}, flaps {}, worker groups {:.1f} in the mean\n",
                   with_commas(summary.topology_switches), with_commas(summary.flaps),
                   summary.worker_groups_mean);
    if (summary.budget) {
        fmt::format_to(
            out, "  peak {} of {} ({:.1f} %), refused for memory {} times\n", human_bytes(summary.peak),
            human_bytes(*summary.budget),
            100.0 * static_cast<double>(summary.peak.value()) / static_cast<double>(summary.budget->value()),
            summary.oom_rejections);
    } else {
        fmt::format_to(out, "  peak {}, no budget\n", human_bytes(summary.peak));
    }
    if (std::holds_alternative<RequestsWorkload>(run.scenario.workload)) {
        fmt::format_to(out, "  refused {} of {} requests, {} for lack of memory\n", summary.refusals,
                       summary.levels, summary.oom_rejections);
    }
    if (summary.service) {
        fmt::format_to(out, "  items: {} published, {} done, {} rejected, {} requeued\n",
                       with_commas(summary.service->sum().published), with_commas(summary.service->sum().done),
                       with_commas(summary.service->sum().rejected),
                       with_commas(summary.service->sum().requeued));
    }
    if (summary.service && summary.service->tenants.size() > 1) {
        const auto& tenants = std::get<ServiceWorkload>(run.scenario.workload).tenants;
        for (std::size_t at = 0; at < summary.service->tenants.size(); ++at) {
            const TenantTotals& tenant = summary.service->tenants[at];
            fmt::format_to(out, "    {:<12} {:>12} published {:>12} done {:>10} rejected {:>12} requeued\n",
                           tenants[at].name, with_commas(tenant.published), with_commas(tenant.done),
                           with_commas(tenant.rejected), with_commas(tenant.requeued));
        }
    }
    if (summary.latency) {
        fmt::format_to(out, "  latency: p50 {}, p99 {}, max {}\n", human_time(SimTime(summary.latency->p50)),
                       human_time(SimTime(summary.latency->p99)), human_time(SimTime(summary.latency->max)));
    }
    if (summary.stopped_by) {
        fmt::format_to(out, "  NOT FINISHED: {}\n", *summary.stopped_by);
    }
    fmt::format_to(out, "  digest {}\n", hex(summary.digest));
}

}  // namespace

std::string with_commas(std::uint64_t value) {
    const std::string digits = std::to_string(value);
    std::string text;
    for (std::size_t at = 0; at < digits.size(); ++at) {
        if (at != 0 && (digits.size() - at) % 3 == 0) {
            text += ',';
        }
        text += digits[at];
    }
    return text;
}

std::string human_time(SimTime time) {
    struct Unit {
        double nanoseconds;
        const char* name;
    };
    constexpr std::array kUnits{Unit{1e9, "s"}, Unit{1e6, "ms"}, Unit{1e3, "us"}};
    for (const Unit& unit : kUnits) {
        if (static_cast<double>(time.value()) >= unit.nanoseconds) {
            return fmt::format("{:.2f} {}", static_cast<double>(time.value()) / unit.nanoseconds, unit.name);
        }
    }
    return fmt::format("{} ns", time.value());
}

std::string human_bytes(Bytes bytes) {
    constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    constexpr double kStep = 1024;
    auto value = static_cast<double>(bytes.value());
    std::size_t unit = 0;
    while (value >= kStep && unit + 1 < kUnits.size()) {
        value /= kStep;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} B", bytes.value()) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string summary_table(const ScenarioFile& file, const std::vector<FinishedRun>& runs) {
    std::string text = fmt::format("{}\n", file.summary);
    for (const FinishedRun& run : runs) {
        const RunSummary& summary = run.summary;
        fmt::format_to(std::back_inserter(text),
                       "\n{}: {}\n  policy {}, backend {}, device {}, decided on the {}, seed {}\n",
                       summary.name, work_of(run), summary.policy, summary.backend, run.scenario.device.name,
                       summary.decide == DecisionPlace::Host ? "host" : "device", summary.seed);
        append_topologies(text, summary);
        append_totals(text, run);
        append_replications(text, run);
    }
    fmt::format_to(std::back_inserter(text), "\ndigest of all runs {}\n", hex(combined_digest(runs)));
    return text;
}

}  // namespace megabed
