#include "sim/flaps.h"

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
    return place(reading, sparse - kHysteresisBps, sparse + kHysteresisBps) +
           place(reading, dense - kHysteresisBps, dense + kHysteresisBps);
}

int pressure_cell(const LaunchPolicyParameters& parameters, std::optional<BasisPoints> pressure) {
    if (!pressure) {
        return kNoReading;
    }
    const int threshold = parameters.memory_pressure_threshold.value();
    return place(pressure->value(), threshold - kHysteresisBps, threshold);
}

}  // namespace

void FlapCounter::add(DispatchTopology topology, std::optional<BasisPoints> density,
                      std::optional<BasisPoints> pressure) {
    const Launch launch{topology, density_cell(parameters_, density), pressure_cell(parameters_, pressure)};
    const bool switched = !recent_.empty() && recent_.back().topology != topology;
    if (switched) {
        ++switches_;
        for (auto earlier = recent_.rbegin(); earlier != recent_.rend(); ++earlier) {
            const bool same_cells =
                earlier->density_cell == launch.density_cell && earlier->pressure_cell == launch.pressure_cell;
            if (!same_cells) {
                break;
            }
            if (earlier->topology == topology) {
                ++flaps_;
                break;
            }
        }
    }
    recent_.push_back(launch);
    if (recent_.size() > kWindow) {
        recent_.pop_front();
    }
}

}  // namespace megabed
