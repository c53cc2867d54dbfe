#pragma once

#include "gpu/megakernel/device_words.cuh"
#include "gpu/megakernel/run_layout.h"

#include <cstdint>

/// What the threads of one block have in common, and how blocks wait for each other.
namespace megabed::gpu {

[[nodiscard]] __device__ inline std::uint64_t clock_ns() {
    std::uint64_t now = 0;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    return now;
}

/// The time for a launch's note.
[[nodiscard]] __device__ inline std::uint64_t stamp(const RunArguments& run) {
    return run.host_decides ? clock_ns() : static_cast<std::uint64_t>(clock64());
}

[[nodiscard]] __device__ inline std::uint32_t lane_of_warp() { return threadIdx.x % kWarpLanes; }
[[nodiscard]] __device__ inline std::uint32_t warp_of_block() { return threadIdx.x / kWarpLanes; }

inline constexpr std::uint32_t kAllBlocks = 0xFFFF'FFFF;
inline constexpr std::uint32_t kWholeWarp = 0xFFFF'FFFF;  ///< as a mask of lanes

/// Entries of a frontier queue, a lane each; the last prefix closes the last row.
struct PushTile {
    std::uint32_t prefix[kBlockLanes + 1];
    std::uint32_t base[kBlockLanes];  ///< of the row in the columns, less the prefix
    Vertex from[kBlockLanes];
    std::uint64_t sent[kBlockLanes];
};

/// A frontier that one block keeps: see solo_levels.cuh.
inline constexpr std::uint32_t kSoloVerticesMost = 2048;
struct SoloLists {
    Vertex vertex[kSoloVerticesMost];         ///< until the next level is claimed
    std::uint32_t prefix[kSoloVerticesMost];  ///< units before each vertex, where the frontier is mixed
};

/// Shared memory of a block. Thread 0 writes the first part, between two barriers of the block.
struct BlockShared {
    LoopState state;
    WaveOrders orders;
    Decision decision;
    std::uint64_t launch_start;
    std::uint64_t decided;
    ClockMark begun;
    RunArguments run;  ///< a copy: functions of their own would reach the kernel's parameters in a slow way
    std::uint64_t items;
    std::uint64_t arcs;
    std::uint32_t waves;
    std::uint32_t levels;
    std::uint32_t barrier_target;  ///< arrivals after which this block's next barrier opens
    std::uint32_t calls;           ///< of the leader so far
    bool calls_others;             ///< the orders are for blocks that were outside, too
    bool foreign;                  ///< the kernel was compiled for another run
    bool launched;                 ///< this block decided the launch that is under way
    std::uint32_t blocks_before;   ///< that took part in the launch before
    std::uint32_t leavers;         ///< blocks that the leader's decisions have sent outside so far
    std::uint32_t leavers_before;  ///< the same without the last decision
    std::uint32_t left;            ///< of them, those that are known to have gone
    std::uint32_t failed;
    std::uint32_t found;     ///< position that a search has found
    std::uint64_t total[2];  ///< of the block in this wave: tally of vertices found, arcs inspected

    union {
        PushTile tile;   ///< in a launch that blocks share
        SoloLists solo;  ///< in one that the leader carries out alone
    };
};

/// Counts waits, and ends them all when one takes longer than the deadline.
class Watchdog {
public:
    __device__ Watchdog(const RunArguments& run, const BlockShared& shared)
        : run_(run), wave_(shared.state.wave), start_(0) {}

    /// To be called each time that a wait was in vain. False: the run has failed.
    [[nodiscard]] __device__ bool wait(std::uint32_t arrived, std::uint32_t expected) {
        constexpr std::uint32_t kLookEvery = 1024;
        if (++rounds_ % kLookEvery != 0) {
            return true;
        }
        RunFailure& failure = run_.control->failure;
        const DeviceWord<std::uint32_t> failed(failure.failed);
        if (failed.load<WordOrder::Acquire>() != 0) {
            return false;
        }
        const std::uint64_t now = clock_ns();
        start_ = start_ == 0 ? now : start_;
        if (now - start_ <= run_.deadline_ns) {
            return true;
        }
        constexpr std::uint32_t kBeingWritten = 2;
        if (failed.exchange_if(0, kBeingWritten)) {
            failure.block = blockIdx.x;
            failure.wave = wave_;
            failure.arrived = arrived;
            failure.expected = expected;
            failed.store<WordOrder::Release>(1);
        }
        return false;
    }

private:
    const RunArguments& run_;
    std::uint32_t wave_;
    std::uint32_t rounds_ = 0;
    std::uint64_t start_;
};

/// Opens when all blocks that take part in the wave have come: what they wrote before is then visible to all.
/// To be called by every thread of each of them. After a failure it opens at once.
__device__ inline void wait_for_blocks(const RunArguments& run, BlockShared& shared) {
    __syncthreads();
    if (shared.orders.blocks > 1) {
        if (threadIdx.x == 0 && shared.failed == 0) {
            shared.barrier_target += shared.orders.blocks;
            const std::uint32_t target = shared.barrier_target;
            const DeviceWord<std::uint32_t> arrived(run.control->arrived);
            if (blockIdx.x == run.stuck_block && shared.state.wave == run.stuck_wave) {
                while (read_shared(run.control->failure.failed) == 0) {
                }
            }
            arrived.fetch_add<WordOrder::Release>(1);
            Watchdog watchdog(run, shared);
            std::uint32_t now = arrived.load<WordOrder::Acquire>();
            while (static_cast<std::int32_t>(now - target) < 0) {
                if (!watchdog.wait(now, target)) {
                    shared.failed = 1;
                    break;
                }
                now = arrived.load<WordOrder::Acquire>();
            }
        }
        __syncthreads();
    }
}

/// The sum over the lanes of a warp, in every lane. Requires: the whole warp calls it.
[[nodiscard]] __device__ inline std::uint64_t warp_sum(std::uint64_t value) {
    for (std::uint32_t step = kWarpLanes / 2; step != 0; step /= 2) {
        value += __shfl_xor_sync(kWholeWarp, value, static_cast<int>(step));
    }
    return value;
}

[[nodiscard]] __device__ inline std::uint32_t warp_sum(std::uint32_t value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    return __reduce_add_sync(kWholeWarp, value);
#else
    return static_cast<std::uint32_t>(warp_sum(std::uint64_t{value}));
#endif
}

/// The sum over the lanes of a warp up to this one. Requires: the whole warp calls it.
template <class Value>
[[nodiscard]] __device__ Value warp_sum_up_to(Value value) {
    for (std::uint32_t step = 1; step < kWarpLanes; step *= 2) {
        const Value below = __shfl_up_sync(kWholeWarp, value, step);
        value += lane_of_warp() >= step ? below : 0;
    }
    return value;
}

/// Adds what every lane of the block has found and inspected to the counts of the wave.
/// Requires: all threads call it, once a wave.
__device__ inline void count_block(BlockShared& shared, WaveTally& counts, std::uint64_t found_tally,
                                   std::uint64_t inspected) {
    const std::uint64_t all_found = warp_sum(found_tally);
    const std::uint64_t all_inspected = warp_sum(inspected);
    if (lane_of_warp() == 0 && all_inspected != 0) {
        atomicAdd(reinterpret_cast<unsigned long long*>(&shared.total[0]), all_found);
        atomicAdd(reinterpret_cast<unsigned long long*>(&shared.total[1]), all_inspected);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        DeviceWord<std::uint64_t>(counts.next).fetch_add(shared.total[0]);
        DeviceWord<std::uint64_t>(counts.inspected).fetch_add(shared.total[1]);
        shared.total[0] = 0;
        shared.total[1] = 0;
    }
}

}  // namespace megabed::gpu
