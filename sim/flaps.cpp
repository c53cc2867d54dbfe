#include "sim/flaps.h"

#include <algorithm>

namespace megabed {
namespace {

constexpr int kNoReading = -1;

/// 0 below the band, 1 inside, 2 above.
int place(int reading, int band_low, int band_high) {
    return (reading >= band_low ? 1 : 0) + (reading > band_high ? 1 : 0);
}

int density_cell(const LaunchPolicyParameters& parameters, std::optional<BasisPoints> density) {
    if (!density) {
        return kNoReading;
    }
    const int sparse = parameters.sparse_frontier_threshold.value();
    const int dense = parameters.dense_frontier_threshold.value();
    const int reading = density->value();
    return place(reading, sparse - kFlapHalfWidthBps, sparse + kFlapHalfWidthBps) +
           place(reading, dense - kFlapHalfWidthBps, dense + kFlapHalfWidthBps);
}

int pressure_cell(const LaunchPolicyParameters& parameters, std::optional<BasisPoints> pressure) {
    if (!pressure) {
        return kNoReading;
    }
    const int threshold = parameters.memory_pressure_threshold.value();
    return place(pressure->value(), threshold - kFlapHalfWidthBps, threshold);
}

}  // namespace

void FlapCounter::add(DispatchTopology topology, std::optional<BasisPoints> density,
                      std::optional<BasisPoints> pressure) {
    if (topology == DispatchTopology::Empty) {
        return;
    }
    const Launch launch{topology, density_cell(parameters_, density), pressure_cell(parameters_, pressure)};
    const std::uint64_t known = std::min<std::uint64_t>(launches_, kWindow);
    const auto earlier = [this](std::uint64_t back) -> const Launch& {
        return recent_[(launches_ - back) % kWindow];
    };
    if (known > 0 && earlier(1).topology != topology) {
        ++switches_;
        for (std::uint64_t back = 1; back <= known; ++back) {
            const Launch& then = earlier(back);
            if (then.density_cell != launch.density_cell || then.pressure_cell != launch.pressure_cell) {
                break;
            }
            if (then.topology == topology) {
                ++flaps_;
                break;
            }
        }
    }
    recent_[launches_ % kWindow] = launch;
    ++launches_;
}

}  // namespace megabed
