#pragma once

#include "sim/ring/ring_team.h"

#include <cstdint>
#include <nv/target>

namespace megabed {

/// A whole warp as a team: every lane has one item of a batch. All 32 lanes call every function together, as
/// `SoloTeam` says. The functions are declared for the host too, since the ring's are; only a device calls
/// them.
class WarpTeam {
public:
    static constexpr std::uint32_t kLanes = 32;
    static constexpr std::uint32_t kShare = kRingBatch / kLanes;
    static_assert(kShare == 1, "sums below are counts of lanes");

    [[nodiscard]] __host__ __device__ std::uint32_t rank() const {
        NV_IF_TARGET(NV_IS_DEVICE, (return threadIdx.x % kLanes;), (return 0;))
    }
    [[nodiscard]] __host__ __device__ bool leads() const { return rank() == 0; }
    [[nodiscard]] __host__ __device__ std::uint64_t of_leader(std::uint64_t value) const {
        // A shuffle orders no memory; the barrier does.
        NV_IF_TARGET(NV_IS_DEVICE,
                     (const std::uint64_t led = __shfl_sync(kAll, static_cast<unsigned long long>(value), 0);
                      __syncwarp(); return led;),
                     (return value;))
    }
    /// Requires: value <= kShare.
    [[nodiscard]] __host__ __device__ std::uint32_t sum(std::uint32_t value) const {
        NV_IF_TARGET(NV_IS_DEVICE, (return __popc(__ballot_sync(kAll, value != 0));), (return value;))
    }
    /// Requires: value <= kShare.
    [[nodiscard]] __host__ __device__ std::uint32_t sum_before(std::uint32_t value) const {
        NV_IF_TARGET(NV_IS_DEVICE,
                     (return __popc(__ballot_sync(kAll, value != 0) & ((1U << threadIdx.x % kLanes) - 1));),
                     (return value;))
    }
    __host__ __device__ void sync() const { NV_IF_TARGET(NV_IS_DEVICE, (__syncwarp();), ()) }

    template <class Add>
    __host__ __device__ void by_key(const std::uint32_t* keys, std::uint32_t count, Add add) const {
        NV_IF_TARGET(NV_IS_DEVICE,
                     (const unsigned long long key = count != 0 ? keys[0] : kNoKey;
                      const unsigned alike = __match_any_sync(kAll, key);
                      if (count != 0 && __ffs(static_cast<int>(alike)) - 1 == static_cast<int>(rank())) {
                          add(keys[0], static_cast<std::uint32_t>(__popc(alike)));
                      } __syncwarp();),
                     ((void)keys; (void)count; (void)add;))
    }

private:
    static constexpr unsigned kAll = 0xffff'ffff;
    static constexpr unsigned long long kNoKey = 1ULL << 32;
};

}  // namespace megabed
