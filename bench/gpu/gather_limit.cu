#include "bench/gpu/event_timer.h"
#include "bench/gpu/gather_limit.h"
#include "gpu/memory/cuda_check.h"
#include "gpu/memory/device_pool.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>

namespace megabed {
namespace {

constexpr std::uint32_t kLanes = 256;
constexpr std::uint32_t kBlocks = 4096;
constexpr std::uint32_t kTogether = 16;  ///< reads in flight of a thread
constexpr std::uint32_t kRounds = 8;

/// Scatters numbers, so that neighbours do not read together. Source: lowbias32 of C. Wellons's
/// hash-prospector.
[[nodiscard]] __device__ std::uint32_t scattered(std::uint32_t number) {
    number = (number ^ number >> 16) * 0x7FEB'352DU;
    number = (number ^ number >> 15) * 0x846C'A68BU;
    return number ^ number >> 16;
}

__global__ void __launch_bounds__(kLanes)
    gather_words(const std::uint32_t* from, std::uint32_t words, std::uint32_t seed, std::uint32_t* sink) {
    const std::uint32_t thread = blockIdx.x * kLanes + threadIdx.x;
    std::uint32_t sum = 0;
    for (std::uint32_t round = 0; round < kRounds; ++round) {
        std::uint32_t read[kTogether];
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            const std::uint32_t number = (round * kTogether + at) * (kBlocks * kLanes) + thread + seed;
            read[at] = from[__umulhi(scattered(number), words)];
        }
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            sum += read[at];
        }
    }
    if (sum != 0) {  // never, as all words are 0: but the compiler has to read them
        *sink = sum;
    }
}

Loaded<double> measure(Bytes footprint) {
    constexpr std::uint64_t kWordsMost = std::numeric_limits<std::uint32_t>::max();
    auto pool = DevicePool::on_device(std::nullopt);
    if (!pool) {
        return Refusal(pool.error());
    }
    const std::uint64_t words = std::min(footprint.value() / sizeof(std::uint32_t), kWordsMost);
    auto array = pool->buffer<std::uint32_t>(words, "the array that is gathered from");
    auto sink = pool->buffer<std::uint32_t>(1, "a word");
    if (!array || !sink) {
        return Refusal(array ? sink.error() : array.error());
    }
    if (const auto cleared = array->fill_bytes(std::byte{0}); !cleared) {
        return Refusal(cleared.error());
    }
    const EventTimer timer;
    double best = std::numeric_limits<double>::infinity();
    constexpr std::uint32_t kTimes = 6;  // the first one warms up
    for (std::uint32_t time = 0; time < kTimes; ++time) {
        const double seconds = timer.time([&] {
            gather_words<<<kBlocks, kLanes>>>(array->data(), static_cast<std::uint32_t>(words),
                                              time * 0x9E37'79B9U, sink->data());
        });
        if (const auto ran = cuda_check(cudaGetLastError(), "the kernel that gathers"); !ran) {
            return Refusal(ran.error());
        }
        best = time == 0 ? best : std::min(best, seconds);
    }
    return double{kRounds} * kTogether * kBlocks * kLanes / best;
}

}  // namespace

Loaded<double> gathers_a_second(Bytes footprint) {
    static std::map<std::uint64_t, double> measured;
    if (const auto known = measured.find(footprint.value()); known != measured.end()) {
        return known->second;
    }
    const auto rate = measure(footprint);
    if (rate) {
        measured.emplace(footprint.value(), *rate);
    }
    return rate;
}

}  // namespace megabed
