#include "sim/replicate.h"

#include "sim/engine/counter_random.h"
#include "sim/engine/digest.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace megabed {
namespace {

std::optional<double> of_latencies(const RunSummary& summary, double (*read)(const Histogram& latencies)) {
    if (!summary.service) {
        return std::nullopt;
    }
    const Histogram latencies = summary.service->sum().latency_ns;
    return latencies.empty() ? std::nullopt : std::optional(read(latencies));
}

template <std::uint32_t Percent>
std::optional<double> latency_quantile(const RunSummary& summary) {
    return of_latencies(summary, [](const Histogram& latencies) {
        return static_cast<double>(latencies.quantile(Percent / 100.0));
    });
}

constexpr std::array<MetricRow, kMetricCount> kMetrics{
    MetricRow{
        ReplicationMetric::Makespan, "makespan", true, false,
        [](const RunSummary& summary) { return std::optional(static_cast<double>(summary.makespan.value())); }},
    MetricRow{ReplicationMetric::TopologySwitches, "topology_switches", false, false,
              [](const RunSummary& summary) {
                  return std::optional(static_cast<double>(summary.topology_switches));
              }},
    MetricRow{ReplicationMetric::Flaps, "flaps", false, false,
              [](const RunSummary& summary) { return std::optional(static_cast<double>(summary.flaps)); }},
    MetricRow{ReplicationMetric::LatencyMean, "latency_mean", true, true,
              [](const RunSummary& summary) {
                  return of_latencies(summary, [](const Histogram& latencies) { return latencies.mean(); });
              }},
    MetricRow{ReplicationMetric::LatencyP50, "latency_p50", true, true, latency_quantile<50>},
    MetricRow{ReplicationMetric::LatencyP99, "latency_p99", true, true, latency_quantile<99>},
    MetricRow{ReplicationMetric::ItemsRejected, "items_rejected", false, true,
              [](const RunSummary& summary) {
                  return summary.service ? std::optional(static_cast<double>(summary.service->sum().rejected))
                                         : std::nullopt;
              }},
};
static_assert([] {
    for (std::size_t at = 0; at < kMetrics.size(); ++at) {
        if (static_cast<std::size_t>(kMetrics[at].metric) != at) {
            return false;
        }
    }
    return true;
}());

std::optional<double> value_of(const Replication& replication, ReplicationMetric metric) {
    return replication.metrics[static_cast<std::size_t>(metric)];
}

/// Calls `work(i)` for i from `first` to `end` - 1, from several threads where there are any to be had. What a
/// call throws is thrown again here.
template <class Work>
void for_each_in_parallel(std::uint32_t first, std::uint32_t end, unsigned jobs, Work work) {
    std::atomic<std::uint32_t> next = first;
    std::exception_ptr failure;
    std::mutex failing;
    const auto loop = [&] {
        for (std::uint32_t at = next++; at < end; at = next++) {
            try {
                work(at);
            } catch (...) {
                const std::scoped_lock lock(failing);
                failure = std::current_exception();
                next = end;
            }
        }
    };
    {
        std::vector<std::jthread> threads;
        try {
            for (unsigned job = 1; job < jobs && job < end - first; ++job) {
                threads.emplace_back(loop);
            }
        } catch (const std::system_error&) {  // the system has no more threads: the ones there are do the work
        }
        loop();
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

/// Runs replications and keeps them in order.
class Replicator {
public:
    Replicator(const ReplicationSettings& settings, std::uint64_t seed, const RunReplication& run,
               const ReplicateOptions& options)
        : settings_(settings), seed_(seed), run_(run), options_(options) {}

    Loaded<Replications> replicate() {
        const bool has_target = settings_.relative_half_width > BasisPoints(0);
        const StoppingRule rule{settings_.count, settings_.count_max, settings_.relative_half_width,
                                settings_.confidence};
        RunningMoments moments;
        std::uint32_t looked_at = 0;
        for (std::uint32_t wanted = settings_.count;;) {
            run_up_to(wanted);
            for (; looked_at < wanted; ++looked_at) {
                if (!results_[looked_at].has_value()) {
                    return Refusal(results_[looked_at].error());
                }
                if (const auto value = value_of(*results_[looked_at], settings_.metric)) {
                    moments.add(*value);
                }
                const std::uint32_t count = looked_at + 1;
                if (count >= settings_.count &&
                    (!has_target || count >= settings_.count_max || is_sharp(moments, rule))) {
                    return first(count);
                }
            }
            const std::uint32_t more = std::min(std::max(options_.jobs, 1U), settings_.count_max - wanted);
            wanted += more;
        }
    }

private:
    void run_up_to(std::uint32_t wanted) {
        const auto done = static_cast<std::uint32_t>(results_.size());
        results_.resize(wanted);
        for_each_in_parallel(done, wanted, options_.jobs, [this](std::uint32_t at) {
            const std::uint64_t seed = replication_seed(seed_, at);
            Loaded<RunSummary> summary = run_(at, seed);
            if (!summary) {
                results_[at] = Refusal(summary.error());
                return;
            }
            Replication replication{seed, summary->digest, {}, summary->stopped_by};
            for (const MetricRow& row : kMetrics) {
                replication.metrics[static_cast<std::size_t>(row.metric)] = row.read(*summary);
            }
            results_[at] = std::move(replication);
            if (at == 0) {
                first_ = *std::move(summary);
            }
            const std::scoped_lock lock(progressing_);
            ++finished_;
            if (options_.progress) {
                options_.progress(finished_);
            }
        });
    }

    Replications first(std::uint32_t count) {
        Replications replications{std::move(first_), {}};
        replications.all.reserve(count);
        for (std::uint32_t at = 0; at < count; ++at) {
            replications.all.push_back(*std::move(results_[at]));
        }
        return replications;
    }

    const ReplicationSettings& settings_;
    std::uint64_t seed_;
    const RunReplication& run_;
    const ReplicateOptions& options_;
    std::vector<Loaded<Replication>> results_;
    RunSummary first_;
    std::mutex progressing_;
    std::uint32_t finished_ = 0;
};

MetricEstimate estimate_of(ReplicationMetric metric, const RunningMoments& moments, BasisPoints confidence) {
    return {metric, confidence_interval(moments, confidence), moments.least(), moments.greatest()};
}

/// The metric of every replication in order; empty if one has none.
std::vector<double> values_of(const Replications& replications, ReplicationMetric metric) {
    std::vector<double> values;
    for (const Replication& replication : replications.all) {
        const auto value = value_of(replication, metric);
        if (!value) {
            return {};
        }
        values.push_back(*value);
    }
    return values;
}

}  // namespace

std::span<const MetricRow, kMetricCount> metric_rows() { return kMetrics; }

std::uint64_t replication_seed(std::uint64_t seed, std::uint32_t replication) {
    constexpr std::uint64_t kStream = 0x7265'706C'6963'6174;  // "replicat", far from the streams inside a run
    return replication == 0 ? seed : CounterRandom(seed, kStream + replication).next() >> 1;
}

std::uint64_t Replications::digest() const {
    if (all.size() == 1) {
        return all.front().digest;
    }
    Digest digest;
    for (const Replication& replication : all) {
        digest.add(replication.digest);
    }
    return digest.value();
}

Loaded<Replications> replicate(const ReplicationSettings& settings, std::uint64_t seed,
                               const RunReplication& run, const ReplicateOptions& options) {
    assert(settings.count >= 1 && settings.count <= settings.count_max);
    return Replicator(settings, seed, run, options).replicate();
}

std::vector<MetricEstimate> estimates(const Replications& replications, BasisPoints confidence) {
    std::vector<MetricEstimate> found;
    for (const MetricRow& row : kMetrics) {
        RunningMoments moments;
        for (const double value : values_of(replications, row.metric)) {
            moments.add(value);
        }
        if (moments.count() >= 2) {
            found.push_back(estimate_of(row.metric, moments, confidence));
        }
    }
    return found;
}

std::vector<MetricEstimate> paired_estimates(const Replications& left, const Replications& right,
                                             BasisPoints confidence) {
    assert(left.all.size() == right.all.size());
    std::vector<MetricEstimate> found;
    for (const MetricRow& row : kMetrics) {
        const std::vector<double> of_left = values_of(left, row.metric);
        const std::vector<double> of_right = values_of(right, row.metric);
        if (of_left.size() == of_right.size() && of_left.size() >= 2) {
            found.push_back(estimate_of(row.metric, paired_differences(of_left, of_right), confidence));
        }
    }
    return found;
}

std::optional<bool> target_met(const Replications& replications, const ReplicationSettings& settings) {
    if (settings.relative_half_width == BasisPoints(0)) {
        return std::nullopt;
    }
    RunningMoments moments;
    for (const Replication& replication : replications.all) {
        if (const auto value = value_of(replication, settings.metric)) {
            moments.add(*value);
        }
    }
    return is_sharp(moments,
                    {settings.count, settings.count_max, settings.relative_half_width, settings.confidence});
}

}  // namespace megabed
