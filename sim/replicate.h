#pragma once

#include "policy/units.h"
#include "sim/input_error.h"
#include "sim/run_scenario.h"
#include "sim/scenario.h"
#include "sim/statistics/confidence.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

/// One figure of a run: its name in files, whether it is a time in ns, and how it is read off a summary; absent
/// where the run has no such thing, as a traversal has no latencies.
struct MetricRow {
    ReplicationMetric metric{};
    std::string_view name;
    bool is_time = false;
    bool of_service = false;  ///< only a service workload has it
    std::optional<double> (*read)(const RunSummary& summary) = nullptr;
};
inline constexpr std::size_t kMetricCount = 7;
/// All of them, indexed by `ReplicationMetric`.
[[nodiscard]] std::span<const MetricRow, kMetricCount> metric_rows();

/// The seed of a replication: the scenario's own for the first, and for number r the first word, halved so that
/// `--seed` can name it, of the stream "replicat" + r of that seed (`CounterRandom`). It depends on nothing
/// else: the policies of a comparison meet the same arrivals, and adding replications changes none before.
[[nodiscard]] std::uint64_t replication_seed(std::uint64_t seed, std::uint32_t replication);

/// What is kept of one replication.
struct Replication {
    std::uint64_t seed = 0;
    std::uint64_t digest = 0;
    std::array<std::optional<double>, kMetricCount> metrics{};  ///< indexed by `ReplicationMetric`
    std::optional<std::string> stopped_by{};
};

/// All replications of a run, in order, and the whole summary of the first.
struct Replications {
    RunSummary first;
    std::vector<Replication> all;

    /// Of one: its own. Of more: a digest of theirs in order.
    [[nodiscard]] std::uint64_t digest() const;
};

/// Runs a replication with that seed. Called from several threads at once, but never twice with a number.
using RunReplication = std::function<Loaded<RunSummary>(std::uint32_t replication, std::uint64_t seed)>;

struct ReplicateOptions {
    unsigned jobs = 1;  ///< threads, the calling one included; the result does not depend on it
    std::function<void(std::uint32_t done)> progress{};  ///< called from one thread at a time
};

/// `count` replications; with a target, further ones up to `count_max` until the half-width of the metric's
/// mean is at most the target's share of it. Whether that is so is asked after each in order, and what other
/// threads have run beyond it is dropped. Errors: of the first replication, in order, that has one. Requires: 1
/// <= count <= count_max.
[[nodiscard]] Loaded<Replications> replicate(const ReplicationSettings& settings, std::uint64_t seed,
                                             const RunReplication& run, const ReplicateOptions& options = {});

/// The mean of a figure over replications, or of its difference between two policies.
struct MetricEstimate {
    ReplicationMetric metric{};
    Interval interval{};
    double least = 0;
    double greatest = 0;
};

/// Of every metric that all replications have. Requires: at least two replications.
[[nodiscard]] std::vector<MetricEstimate> estimates(const Replications& replications, BasisPoints confidence);

/// Left less right, replication by replication (paired-t over common random numbers), for every metric that all
/// of both have. Requires: as many of each, at least two, with the same seeds.
[[nodiscard]] std::vector<MetricEstimate> paired_estimates(const Replications& left, const Replications& right,
                                                           BasisPoints confidence);

/// Whether the target was met; absent where there is none.
[[nodiscard]] std::optional<bool> target_met(const Replications& replications,
                                             const ReplicationSettings& settings);

}  // namespace megabed
