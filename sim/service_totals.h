#pragma once

#include "sim/statistics/batch_means.h"
#include "sim/statistics/histogram.h"
#include "sim/statistics/mser.h"

#include <cstdint>
#include <vector>

namespace megabed {

/// What became of the items of one entry of the scenario's list of tenants.
/// Always: published = done + rejected + waiting + in flight, and `in_flight` counts both of the last.
struct TenantTotals {
    std::uint64_t published = 0;
    std::uint64_t done = 0;
    std::uint64_t rejected = 0;   ///< by a full ring
    std::uint64_t requeued = 0;   ///< times an item was claimed and put back, for its quota or for contention
    std::uint64_t starved = 0;    ///< items that waited longer than the scenario's `starvation_age`
    std::uint64_t in_flight = 0;  ///< published and not yet done or rejected
    Histogram latency_ns{};       ///< of every item done, from when it came to when it was done

    bool operator==(const TenantTotals&) const = default;

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& published& done& rejected& requeued& starved& in_flight& latency_ns;
    }
};

/// Item counts of a service workload, one entry for each entry of `ServiceWorkload::tenants`.
struct ServiceTotals {
    std::vector<TenantTotals> tenants;
    double ring_depth_mean = 0;  ///< waiting items, averaged over time from the end of the warm-up
    double in_flight_mean = 0;   ///< held back, waiting or being worked on, averaged likewise
    /// Latencies of all tenants, in order of completion: where a warm-up would end, and how sure their mean is.
    StreamingMser latency_order{};
    BatchMeans latency_batches{};
    double workers_busy_mean = 0;  ///< groups at work, averaged likewise

    [[nodiscard]] TenantTotals sum() const;
};

}  // namespace megabed
