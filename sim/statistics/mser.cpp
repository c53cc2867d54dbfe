#include "sim/statistics/mser.h"

#include "sim/statistics/running_moments.h"

#include <cassert>
#include <limits>
#include <vector>

namespace megabed {
namespace {

Truncation cut_batches(std::span<const double> means, std::uint64_t length) {
    Truncation best;
    best.statistic = std::numeric_limits<double>::infinity();
    // From the end, so that each batch is added once; `<=` leaves the first of equal cuts.
    RunningMoments rest;
    std::size_t cut = 0;
    for (std::size_t first = means.size(); first-- > 0;) {
        rest.add(means[first]);
        if (rest.count() < kMserTail) {
            continue;
        }
        const auto remaining = static_cast<double>(rest.count());
        const double statistic = rest.variance() * (remaining - 1) / (remaining * remaining);
        if (statistic <= best.statistic) {
            best.statistic = statistic;
            best.mean = rest.mean();
            cut = first;
        }
    }
    if (means.size() < kMserTail) {
        return {};
    }
    best.leave_out = cut * length;
    best.sufficient = means.size() >= 2 * kMserTail && 2 * cut <= means.size();
    return best;
}

}  // namespace

Truncation mser(std::span<const double> series, std::size_t batch) {
    assert(batch >= 1);
    std::vector<double> means;
    means.reserve(series.size() / batch);
    for (std::size_t first = 0; first + batch <= series.size(); first += batch) {
        double sum = 0;
        for (const double value : series.subspan(first, batch)) {
            sum += value;
        }
        means.push_back(sum / static_cast<double>(batch));
    }
    return cut_batches(means, batch);
}

Truncation StreamingMser::truncation() const { return cut_batches(batches_.means(), batches_.length()); }

}  // namespace megabed
