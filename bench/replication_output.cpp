#include "bench/replication_output.h"

#include "bench/summary_table.h"
#include "sim/engine/digest.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>
#include <vector>

namespace megabed {
namespace {

using Json = nlohmann::ordered_json;

const MetricRow& row_of(ReplicationMetric metric) { return metric_rows()[static_cast<std::size_t>(metric)]; }

/// `latency_p99` as `latency p99`.
std::string spoken(const MetricRow& row) {
    std::string name(row.name);
    std::replace(name.begin(), name.end(), '_', ' ');
    return name;
}

/// One unit for a mean and what belongs to it, so that they can be compared by eye.
struct DisplayUnit {
    double size = 1;
    std::string_view name;
};
DisplayUnit unit_for(bool is_time, double value) {
    constexpr std::array kUnits{DisplayUnit{1e9, " s"}, DisplayUnit{1e6, " ms"}, DisplayUnit{1e3, " us"},
                                DisplayUnit{1, " ns"}};
    if (!is_time) {
        return {};
    }
    const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(), [value](const DisplayUnit& candidate) {
        return std::abs(value) >= candidate.size;
    });
    return unit == kUnits.end() ? kUnits.back() : *unit;
}

/// Three decimals, or none where they would say nothing.
int decimals(const MetricRow& row, double value) {
    constexpr double kManyItems = 10'000;
    return !row.is_time && std::abs(value) >= kManyItems ? 0 : 3;
}

std::string with_half_width(const MetricRow& row, const Interval& interval) {
    const DisplayUnit unit = unit_for(row.is_time, std::max(std::abs(interval.mean), interval.half_width));
    return fmt::format("{:.{}f} +- {:.{}f}{}", interval.mean / unit.size, decimals(row, interval.mean),
                       interval.half_width / unit.size, decimals(row, interval.mean), unit.name);
}

std::string bare(const MetricRow& row, double value) {
    const DisplayUnit unit = unit_for(row.is_time, value);
    return fmt::format("{:.{}f}{}", value / unit.size, row.is_time ? 3 : 0, unit.name);
}

/// `slower` for a makespan that is longer, and so on.
std::string_view direction(const MetricRow& row, bool more) {
    if (row.metric == ReplicationMetric::Makespan) {
        return more ? "slower" : "faster";
    }
    if (row.is_time) {
        return more ? "longer" : "shorter";
    }
    return more ? "more" : "fewer";
}

double percent(BasisPoints share) { return share.value() / 100.0; }

bool all_equal(const Replications& replications) {
    return std::all_of(replications.all.begin(), replications.all.end(), [&](const Replication& replication) {
        return replication.digest == replications.all.front().digest;
    });
}

void append_comparison(std::string& text, const FinishedRun& run) {
    const ReplicationSettings& settings = run.scenario.replications;
    auto out = std::back_inserter(text);
    fmt::format_to(out, "  {} against {}, each pair with the same random numbers:\n", run.summary.policy,
                   run.comparison->policy);
    for (const MetricEstimate& estimate :
         paired_estimates(run.replications, run.comparison->replications, settings.confidence)) {
        const MetricRow& row = row_of(estimate.metric);
        Interval interval = estimate.interval;
        if (interval.contains(0)) {
            const bool same = estimate.least == 0 && estimate.greatest == 0;
            fmt::format_to(out, "    {:<17} {}\n", spoken(row),
                           same ? "the same in every pair"
                                : fmt::format("no difference shown: {}", with_half_width(row, interval)));
            continue;
        }
        const std::string_view words = direction(row, interval.mean > 0);
        interval.mean = std::abs(interval.mean);
        fmt::format_to(out, "    {:<17} {} {}\n", spoken(row), with_half_width(row, interval), words);
    }
}

Json metrics_json(const std::vector<MetricEstimate>& estimates) {
    Json metrics = Json::object();
    for (const MetricEstimate& estimate : estimates) {
        const MetricRow& row = row_of(estimate.metric);
        metrics[fmt::format("{}{}", row.name, row.is_time ? "_ns" : "")] = {
            {"mean", estimate.interval.mean},
            {"half_width", estimate.interval.half_width},
            {"min", estimate.least},
            {"max", estimate.greatest}};
    }
    return metrics;
}

Json digests_json(const Replications& replications) {
    Json digests = Json::array();
    for (const Replication& replication : replications.all) {
        digests.push_back(hex(replication.digest));
    }
    return digests;
}

}  // namespace

void append_replications(std::string& text, const FinishedRun& run) {
    const ReplicationSettings& settings = run.scenario.replications;
    if (run.replications.all.size() < 2) {
        return;
    }
    auto out = std::back_inserter(text);
    fmt::format_to(out, "  {} replications ({:g} % confidence); above is the first{}\n",
                   with_commas(run.replications.all.size()), percent(settings.confidence),
                   all_equal(run.replications) ? "; all are equal, nothing in this run is random" : "");
    for (const MetricEstimate& estimate : estimates(run.replications, settings.confidence)) {
        const MetricRow& row = row_of(estimate.metric);
        fmt::format_to(out, "    {:<17} {:<28} from {} to {}\n", spoken(row),
                       with_half_width(row, estimate.interval), bare(row, estimate.least),
                       bare(row, estimate.greatest));
    }
    if (const auto met = target_met(run.replications, settings)) {
        fmt::format_to(out, "    target: {} to within {:g} %: {}\n", spoken(row_of(settings.metric)),
                       percent(settings.relative_half_width), *met ? "met" : "NOT MET");
    }
    if (run.comparison) {
        append_comparison(text, run);
    }
}

Json replications_json(const FinishedRun& run) {
    if (run.replications.all.size() < 2) {
        return nullptr;
    }
    const ReplicationSettings& settings = run.scenario.replications;
    const auto met = target_met(run.replications, settings);
    Json seeds = Json::array();
    for (const Replication& replication : run.replications.all) {
        seeds.push_back(replication.seed);
    }
    return {{"count", run.replications.all.size()},
            {"confidence", settings.confidence.value() / static_cast<double>(kWholeBps)},
            {"target_met", met ? Json(*met) : Json(nullptr)},
            {"metrics", metrics_json(estimates(run.replications, settings.confidence))},
            {"seeds", std::move(seeds)},
            {"digests", digests_json(run.replications)}};
}

Json comparison_json(const FinishedRun& run) {
    if (!run.comparison) {
        return nullptr;
    }
    const BasisPoints confidence = run.scenario.replications.confidence;
    return {{"policy", run.comparison->policy},
            {"count", run.comparison->replications.all.size()},
            {"confidence", confidence.value() / static_cast<double>(kWholeBps)},
            {"differences",
             metrics_json(paired_estimates(run.replications, run.comparison->replications, confidence))},
            {"digests", digests_json(run.comparison->replications)}};
}

}  // namespace megabed
