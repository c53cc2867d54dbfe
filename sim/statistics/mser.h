#pragma once

#include "sim/statistics/doubling_batches.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace megabed {

/// Where a series is cut so that what remains no longer shows how it began.
struct Truncation {
    std::uint64_t leave_out = 0;  ///< numbers at the front to leave out, a multiple of the batch length
    bool sufficient = false;      ///< the series is long enough for the cut to mean something
    double mean = 0;              ///< of the complete batches that remain
    double statistic = 0;         ///< the least value of the test statistic, in squared units of the series
};

/// Numbers in a batch of MSER-5.
inline constexpr std::size_t kMserBatch = 5;
/// Batches at the end that are never the first to remain: a handful of batches may agree by accident.
inline constexpr std::size_t kMserTail = 5;

/// The cut by the rule of the minimal standard error, over means of batches: of all cuts, the one that makes
/// (1/m^2) * sum of (batch mean - mean of the rest)^2 least over the m batches that remain; of equal ones, the
/// first. The series is insufficient when that cut leaves out more than half of the batches, or when there are
/// fewer than twice `kMserTail` batches: then run longer and do not use the mean.
/// Numbers at the end that do not fill a batch are not looked at. Linear in the length.
/// Requires: batch >= 1.
/// Source: White, Simulation 69 (1997); White, Cobb and Spratt, Winter Simulation Conference 2000; Franklin and
/// White, Winter Simulation Conference 2008; the tail left out as in Hoad, Robinson and Davies, Journal of the
/// Operational Research Society 61 (2010).
[[nodiscard]] Truncation mser(std::span<const double> series, std::size_t batch = kMserBatch);

/// As above, for a run of any length in bounded memory: batches of five first, twice as long whenever there are
/// `batches_max` of them. The cut is as fine as one batch, so at most 2 / batches_max of the run; up to
/// 5 * batches_max - 1 numbers it is exactly that of `mser`, and beyond that the one of `mser` with the batch
/// length reached.
class StreamingMser {
public:
    static constexpr std::size_t kBatchesMax = 2048;

    explicit StreamingMser(std::size_t batches_max = kBatchesMax) : batches_(kMserBatch, batches_max) {}

    void add(double value) { batches_.add(value); }
    [[nodiscard]] std::uint64_t count() const { return batches_.count(); }
    [[nodiscard]] std::uint64_t batch_length() const { return batches_.length(); }
    [[nodiscard]] Truncation truncation() const;

    /// For checkpoints.
    template <class Archive>
    void serialize(Archive& archive, unsigned version) {
        batches_.serialize(archive, version);
    }

private:
    DoublingBatches batches_;
};

}  // namespace megabed
