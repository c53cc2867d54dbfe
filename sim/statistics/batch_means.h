#pragma once

#include "policy/units.h"
#include "sim/statistics/confidence.h"
#include "sim/statistics/doubling_batches.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace megabed {

/// Correlation of a series with itself `lag` places later, from -1 to 1; 0 where it cannot be told, because the
/// series is constant or not longer than the lag.
/// Source: Box and Jenkins, the estimator that divides by the whole length at every lag.
[[nodiscard]] double autocorrelation(std::span<const double> series, std::size_t lag);

/// The mean of one long run of dependent numbers, such as the latencies of successive items, with an interval:
/// the run is cut into a few long batches, whose means are nearly independent and nearly normal.
/// Bounded memory: between 16 and 31 batches, joined in pairs as the run grows.
/// Source: Schmeiser, Operations Research 30 (1982): more than 30 batches gain next to nothing, and short
/// batches cost coverage.
class BatchMeans {
public:
    static constexpr std::size_t kBatchesMax = 32;
    /// Fewer batches than that give no interval.
    static constexpr std::size_t kBatchesMin = 10;

    void add(double value) { batches_.add(value); }

    [[nodiscard]] std::uint64_t count() const { return batches_.count(); }
    [[nodiscard]] std::uint64_t batch_length() const { return batches_.length(); }
    [[nodiscard]] std::span<const double> means() const { return batches_.means(); }

    /// Over the complete batches; absent while there are fewer than `kBatchesMin`.
    [[nodiscard]] std::optional<Interval> interval(BasisPoints confidence) const;

    /// Whether neighbouring batches look independent: their correlation is at most 1.645 / sqrt(batches), the
    /// 95th percentile of what independent ones show. If not, the interval is too narrow and the run too short.
    /// Absent while there are too few batches. Source: the test of von Neumann's ratio, as in Law,
    /// section 9.5.3.
    [[nodiscard]] std::optional<bool> independent() const;

    /// For checkpoints.
    template <class Archive>
    void serialize(Archive& archive, unsigned version) {
        batches_.serialize(archive, version);
    }

private:
    DoublingBatches batches_{1, kBatchesMax};
};

}  // namespace megabed
