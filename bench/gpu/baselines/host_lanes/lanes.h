#pragma once

#include <algorithm>
#include <array>
#include <barrier>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

/// Lanes of a CUDA grid as threads of the host, for tests of device functions where there is no card: the
/// handful of intrinsics that search_steps.cuh uses. A collective is a barrier of 32 threads, so that one that
/// not all lanes come to hangs here, as it may there. Blocks run one after the other: functions that wait for
/// other blocks cannot be tested so.
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming)
#define __device__
#define __shared__ static

struct LaneIndex {
    unsigned x = 0;
};
inline thread_local LaneIndex threadIdx;
inline LaneIndex blockIdx;
inline LaneIndex blockDim;
inline LaneIndex gridDim;

namespace megabed::host_lanes {

struct Warp {
    std::barrier<> barrier{32};
    std::array<std::uint64_t, 32> value{};
};
struct Block {
    explicit Block(unsigned lanes) : barrier(lanes), warps(lanes / 32) {}
    std::barrier<> barrier;
    std::vector<Warp> warps;
    std::uint64_t sum = 0;
};
inline Block* block = nullptr;

inline Warp& warp() { return block->warps[threadIdx.x / 32]; }

/// What every lane of the warp brings, seen by each. `look` is given the 32 values.
template <class Look>
auto exchanged(std::uint64_t value, Look look) {
    warp().value[threadIdx.x % 32] = value;
    warp().barrier.arrive_and_wait();
    const auto seen = look(warp().value);
    warp().barrier.arrive_and_wait();
    return seen;
}

/// Runs a grid. Requires: lanes are whole warps.
template <class Kernel>
void run_grid(unsigned blocks, unsigned lanes, Kernel kernel) {
    gridDim.x = blocks;
    blockDim.x = lanes;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        Block here(lanes);
        block = &here;
        std::vector<std::thread> threads;
        for (unsigned lane = 0; lane < lanes; ++lane) {
            threads.emplace_back([&kernel, lane] {
                threadIdx.x = lane;
                kernel();
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }
}

}  // namespace megabed::host_lanes

inline std::uint32_t __ballot_sync(std::uint32_t /*mask*/, bool vote) {
    return megabed::host_lanes::exchanged(vote ? 1 : 0, [](const auto& votes) {
        std::uint32_t ballot = 0;
        for (std::uint32_t lane = 0; lane < 32; ++lane) {
            ballot |= static_cast<std::uint32_t>(votes[lane]) << lane;
        }
        return ballot;
    });
}
inline std::uint32_t __shfl_sync(std::uint32_t /*mask*/, std::uint32_t value, int from) {
    return megabed::host_lanes::exchanged(value, [from](const auto& values) {
        return static_cast<std::uint32_t>(values[static_cast<std::size_t>(from)]);
    });
}
inline int __popc(std::uint32_t bits) { return __builtin_popcount(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
template <class Value>
Value __ldg(const Value* address) {
    return *address;
}
inline unsigned long long atomicAdd(unsigned long long* to, unsigned long long value) {
    return __atomic_fetch_add(to, value, __ATOMIC_RELAXED);
}
inline std::uint32_t atomicOr(std::uint32_t* to, std::uint32_t bits) {
    return __atomic_fetch_or(to, bits, __ATOMIC_RELAXED);
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming)
using std::max;
using std::min;
