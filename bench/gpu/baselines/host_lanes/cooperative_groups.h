#pragma once

#include "bench/gpu/baselines/host_lanes/lanes.h"

/// In the place of CUDA's header: what search_steps.cuh uses of it.
namespace cooperative_groups {

struct HostBlock {};
inline HostBlock this_thread_block() { return {}; }

struct HostTile {
    [[nodiscard]] unsigned thread_rank() const { return threadIdx.x % 32; }
    template <class Value>
    [[nodiscard]] Value shfl(Value value, unsigned from) const {
        return megabed::host_lanes::exchanged(
            value, [from](const auto& values) { return static_cast<Value>(values[from]); });
    }
};
template <unsigned kLanes>
HostTile tiled_partition(HostBlock /*block*/) {
    static_assert(kLanes == 32);
    return {};
}

template <class Value>
Value inclusive_scan(const HostTile& tile, Value value) {
    return megabed::host_lanes::exchanged(value, [&tile](const auto& values) {
        std::uint64_t sum = 0;
        for (unsigned lane = 0; lane <= tile.thread_rank(); ++lane) {
            sum += values[lane];
        }
        return static_cast<Value>(sum);
    });
}

}  // namespace cooperative_groups
