#include "sim/statistics/batch_means.h"

#include <cmath>

namespace megabed {
namespace {

RunningMoments moments_of(std::span<const double> series) {
    RunningMoments moments;
    for (const double value : series) {
        moments.add(value);
    }
    return moments;
}

}  // namespace

double autocorrelation(std::span<const double> series, std::size_t lag) {
    if (series.size() <= lag) {
        return 0;
    }
    const double mean = moments_of(series).mean();
    double with_later = 0;
    double with_itself = 0;
    for (std::size_t at = 0; at < series.size(); ++at) {
        const double distance = series[at] - mean;
        with_itself += distance * distance;
        if (at + lag < series.size()) {
            with_later += distance * (series[at + lag] - mean);
        }
    }
    return with_itself > 0 ? with_later / with_itself : 0;
}

std::optional<Interval> BatchMeans::interval(BasisPoints confidence) const {
    if (means().size() < kBatchesMin) {
        return std::nullopt;
    }
    return confidence_interval(moments_of(means()), confidence);
}

std::optional<bool> BatchMeans::independent() const {
    if (means().size() < kBatchesMin) {
        return std::nullopt;
    }
    constexpr double kNormalQuantile95 = 1.645;
    return autocorrelation(means(), 1) <= kNormalQuantile95 / std::sqrt(static_cast<double>(means().size()));
}

}  // namespace megabed
