#include "bench/calibrate/micro_measurements.h"

#include "bench/gpu/card_context.h"
#include "bench/gpu/event_timer.h"
#include "gpu/megakernel/device_words.cuh"
#include "gpu/memory/cuda_check.h"
#include "gpu/memory/device_pool.h"
#include "gpu/memory/mapped_memory.h"

#include <cuda_runtime.h>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace megabed {
namespace {

using gpu::DeviceWord;
using gpu::SystemWord;
using gpu::WordOrder;

constexpr std::uint32_t kLanes = 256;
constexpr std::uint32_t kWarp = 32;
constexpr std::uint32_t kTogether = 8;  ///< accesses in flight of a thread
constexpr int kRepetitions = 7;

/// Scatters numbers, so that neighbours do not read together. Source: lowbias32 of C. Wellons's
/// hash-prospector.
[[nodiscard]] __device__ std::uint32_t scattered(std::uint32_t number) {
    number = (number ^ number >> 16) * 0x7FEB'352DU;
    number = (number ^ number >> 15) * 0x846C'A68BU;
    return number ^ number >> 16;
}

__global__ void stream(const uint4* from, std::uint64_t count, std::uint32_t* sink) {
    std::uint32_t sum = 0;
    const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
    for (std::uint64_t at = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; at < count; at += step) {
        const uint4 read = from[at];
        sum += read.x + read.y + read.z + read.w;
    }
    if (sum == 1) {  // never, as all words are 0
        *sink = sum;
    }
}

/// kAtomic: atomicMin with its result, else reads.
template <bool kAtomic>
__global__ void roam(std::uint32_t* words, std::uint32_t count, std::uint32_t rounds, std::uint32_t seed,
                     std::uint32_t* sink) {
    const std::uint32_t thread = blockIdx.x * blockDim.x + threadIdx.x;
    const std::uint32_t threads = gridDim.x * blockDim.x;
    std::uint32_t sum = 0;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        std::uint32_t read[kTogether];
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            const std::uint32_t number = (round * kTogether + at) * threads + thread + seed;
            std::uint32_t* const word = words + __umulhi(scattered(number), count);
            read[at] = kAtomic ? atomicMin(word, number & 1) : *word;
        }
#pragma unroll
        for (std::uint32_t at = 0; at < kTogether; ++at) {
            sum += read[at];
        }
    }
    if (sum == 1) {
        *sink = sum;
    }
}

__global__ void take_tickets(std::uint32_t* counter, std::uint32_t rounds) {
    if (threadIdx.x % kWarp == 0) {
        for (std::uint32_t round = 0; round < rounds; ++round) {
            atomicAdd(counter, 1U);
        }
    }
}

/// The megakernel's barrier: a release add and acquire loads by one thread of every block.
__global__ void meet(std::uint32_t* arrived, std::uint32_t rounds) {
    const DeviceWord<std::uint32_t> word(*arrived);
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        __syncthreads();
        if (threadIdx.x == 0) {
            word.fetch_add<WordOrder::Release>(1);
            while (word.load<WordOrder::Acquire>() < round * gridDim.x) {
            }
        }
        __syncthreads();
    }
}

__global__ void chase(const std::uint32_t* next, std::uint32_t steps, std::uint32_t* sink) {
    std::uint32_t at = 0;
    for (std::uint32_t step = 0; step < steps; ++step) {
        at = next[at];
    }
    *sink = at;
}

__global__ void link(std::uint32_t* next, std::uint32_t count) {
    const std::uint32_t at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) {
        next[at] = (at + 1048573) % count;  // both odd and even places come: the stride is prime
    }
}

__global__ void do_nothing() {}

struct Bell {
    std::uint32_t asked;
    std::uint32_t answered;
};

__global__ void answer_bell(Bell* bell, std::uint32_t rounds) {
    const SystemWord<std::uint32_t> asked(bell->asked);
    const SystemWord<std::uint32_t> answered(bell->answered);
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        while (asked.load<WordOrder::Acquire>() != round) {
        }
        answered.store<WordOrder::Release>(round);
    }
}

struct Sample {
    double median = 0;
    double spread = 0;
};

Sample summary_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const double median = values[values.size() / 2];
    return {median, (values.back() - values.front()) / median};
}

/// Seconds, by CUDA events; the first of the times warms up.
Sample timed(const std::function<void(std::uint32_t)>& launch) {
    const EventTimer timer;
    std::vector<double> seconds;
    for (std::uint32_t time = 0; time <= kRepetitions; ++time) {
        const double taken = timer.time([&] { launch(time); });
        if (time > 0) {
            seconds.push_back(taken);
        }
    }
    return summary_of(std::move(seconds));
}

class CardMeasurement {
public:
    explicit CardMeasurement(DevicePool pool) : pool_(std::move(pool)) {}

    Loaded<std::vector<MicroMeasurement>> take() {
        if (const auto read = read_properties(); !read) {
            return Refusal(read.error());
        }
        for (const auto part : {&CardMeasurement::measure_memory, &CardMeasurement::measure_waits,
                                &CardMeasurement::measure_bell}) {
            if (const auto done = (this->*part)(); !done) {
                return Refusal(done.error());
            }
        }
        return std::move(found_);
    }

private:
    void note(std::string name, double at, double value, double spread, std::string method) {
        found_.push_back({std::move(name), at, value, spread, std::move(method)});
    }

    Loaded<void> read_properties() {
        int device = 0;
        cudaDeviceProp properties{};
        if (const auto read = cuda_check(cudaGetDevice(&device), "cudaGetDevice"); !read) {
            return read;
        }
        if (const auto read =
                cuda_check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
            !read) {
            return read;
        }
        multiprocessors_ = static_cast<std::uint32_t>(properties.multiProcessorCount);
        const auto limit = [&](std::string name, double value) {
            note("limits." + name, 0, value, 0,
                 "data sheet: device properties as the CUDA runtime reports them");
        };
        limit("multiprocessors", multiprocessors_);
        limit("max_workgroup_size_x", properties.maxThreadsDim[0]);
        limit("max_compute_invocations_per_workgroup", properties.maxThreadsPerBlock);
        limit("resident_lanes_per_multiprocessor", properties.maxThreadsPerMultiProcessor);
        limit("resident_groups_per_multiprocessor", properties.maxBlocksPerMultiProcessor);
        return {};
    }

    Loaded<void> measure_memory() {
        constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
        constexpr std::uint64_t kLargest = 4096 * kMiB;
        std::size_t free = 0;
        std::size_t all = 0;
        if (const auto read = cuda_check(cudaMemGetInfo(&free, &all), "cudaMemGetInfo"); !read) {
            return read;
        }
        const std::uint64_t largest = std::min<std::uint64_t>(kLargest, free / 2);
        auto array =
            pool_.buffer<std::uint32_t>(largest / sizeof(std::uint32_t), "the array that is roamed over");
        auto sink = pool_.buffer<std::uint32_t>(1, "a word");
        if (!array || !sink) {
            return Refusal(array ? sink.error() : array.error());
        }
        if (const auto cleared = array->fill_bytes(std::byte{0}); !cleared) {
            return cleared;
        }
        const std::uint32_t blocks = multiprocessors_ * 16;
        const std::uint64_t vectors = largest / sizeof(uint4);
        const Sample streamed = timed([&](std::uint32_t) {
            stream<<<blocks, kLanes>>>(reinterpret_cast<const uint4*>(array->data()), vectors, sink->data());
        });
        note("rates.read_bytes_per_second", 0, static_cast<double>(largest) / streamed.median, streamed.spread,
             "measured: streaming reads");
        for (const std::uint64_t footprint : {4 * kMiB, 32 * kMiB, 256 * kMiB, largest}) {
            roam_over<false>(footprint, blocks, array->data(), sink->data(), "rates.gather",
                             "measured: random 4-byte reads");
        }
        for (const std::uint64_t footprint : {4 * kMiB, 32 * kMiB, 256 * kMiB, largest}) {
            roam_over<true>(footprint, blocks, array->data(), sink->data(), "rates.atomic",
                            "measured: random atomicMin with return");
        }
        find_saturation(array->data(), sink->data());
        constexpr std::uint32_t kRounds = 64;
        const std::uint32_t warps = blocks * kLanes / kWarp;
        const Sample tickets =
            timed([&](std::uint32_t) { take_tickets<<<blocks, kLanes>>>(array->data(), kRounds); });
        note("rates.tickets_per_second", 0, double{kRounds} * warps / tickets.median, tickets.spread,
             "measured: one counter, one ticket a warp");
        return cuda_check(cudaGetLastError(), "kernels that roam over memory");
    }

    template <bool kAtomic>
    void roam_over(std::uint64_t footprint, std::uint32_t blocks, std::uint32_t* words, std::uint32_t* sink,
                   std::string name, std::string method) {
        constexpr std::uint32_t kRounds = 8;
        const Sample seconds = timed([&](std::uint32_t time) {
            roam<kAtomic><<<blocks, kLanes>>>(words, static_cast<std::uint32_t>(footprint / sizeof(*words)),
                                              kRounds, time * 0x9E37'79B9U, sink);
        });
        note(std::move(name), static_cast<double>(footprint),
             double{kRounds} * kTogether * blocks * kLanes / seconds.median, seconds.spread, std::move(method));
    }

    /// Warps from which random reads of 32 MiB get no more than a tenth faster.
    void find_saturation(std::uint32_t* words, std::uint32_t* sink) {
        constexpr std::uint32_t kRounds = 64;
        constexpr std::uint32_t kWords = 8U << 20;
        constexpr double kNoFaster = 1.1;
        double before = 0;
        std::uint32_t warps = multiprocessors_;
        for (std::uint32_t of_multiprocessor = 1; of_multiprocessor <= 32; of_multiprocessor *= 2) {
            const Sample seconds = timed([&](std::uint32_t time) {
                roam<false>
                    <<<multiprocessors_, of_multiprocessor * kWarp>>>(words, kWords, kRounds, time, sink);
            });
            const double rate = of_multiprocessor / seconds.median;
            if (rate < before * kNoFaster) {
                break;
            }
            warps = of_multiprocessor * multiprocessors_;
            before = rate;
        }
        note("rates.saturating_warps", 0, warps, 0,
             "measured: warps from which random reads get no more than a tenth faster");
    }

    Loaded<void> measure_waits() {
        auto word = pool_.buffer<std::uint32_t>(1, "a word");
        constexpr std::uint32_t kPlaces = 4U << 20;
        auto places = pool_.buffer<std::uint32_t>(kPlaces, "places that lead to each other");
        if (!word || !places) {
            return Refusal(word ? places.error() : word.error());
        }
        constexpr std::uint32_t kRounds = 256;
        for (const std::uint32_t blocks : {2U, multiprocessors_ / 4, multiprocessors_ / 2, multiprocessors_}) {
            std::uint32_t* arrived = word->data();
            std::uint32_t rounds = kRounds;
            void* arguments[] = {&arrived, &rounds};
            const Sample seconds = timed([&](std::uint32_t) {
                (void)cudaMemsetAsync(arrived, 0, sizeof(*arrived));
                (void)cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(&meet), dim3(blocks),
                                                  dim3(1024), arguments, 0, nullptr);
            });
            note("costs.barrier", blocks, seconds.median / kRounds * 1e9, seconds.spread,
                 "measured: a barrier between blocks of 1,024 lanes");
        }
        link<<<(kPlaces + kLanes - 1) / kLanes, kLanes>>>(places->data(), kPlaces);
        constexpr std::uint32_t kSteps = 4096;
        const Sample chased =
            timed([&](std::uint32_t) { chase<<<1, 1>>>(places->data(), kSteps, word->data()); });
        constexpr double kChain = 3;  // offset, column, distance
        note("costs.dependent_access", 0, chased.median / kSteps * kChain * 1e9, chased.spread,
             "measured: three reads within 16 MiB, one after the other");
        std::vector<double> launches;
        for (int time = 0; time < 200; ++time) {
            const auto begin = std::chrono::steady_clock::now();
            do_nothing<<<1, kWarp>>>();
            (void)cudaDeviceSynchronize();
            launches.push_back(
                std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count());
        }
        const Sample launch = summary_of({launches.begin() + 20, launches.end()});
        note("costs.relaunch", 0, launch.median, launch.spread, "measured: launch and synchronise");
        return cuda_check(cudaGetLastError(), "kernels that wait");
    }

    Loaded<void> measure_bell() {
        auto memory = MappedMemory::make(Bytes(sizeof(Bell)));
        if (!memory) {
            return Refusal(memory.error());
        }
        auto* const bell = reinterpret_cast<Bell*>(memory->host());
        constexpr std::uint32_t kRounds = 2000;
        answer_bell<<<1, 1>>>(reinterpret_cast<Bell*>(memory->device()), kRounds);
        if (const auto launched = cuda_check(cudaGetLastError(), "the kernel that answers"); !launched) {
            return launched;
        }
        std::vector<double> trips;
        for (std::uint32_t round = 1; round <= kRounds; ++round) {
            const auto begin = std::chrono::steady_clock::now();
            __atomic_store_n(&bell->asked, round, __ATOMIC_RELEASE);
            while (__atomic_load_n(&bell->answered, __ATOMIC_ACQUIRE) != round) {
                if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(2)) {
                    memory->abandon();
                    return cuda_refusal("calibrate", "the card does not answer over mapped memory",
                                        "a card that shares memory with the host");
                }
            }
            trips.push_back(
                std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count());
        }
        const Sample trip = summary_of({trips.begin() + 100, trips.end()});
        note("doorbell", 0, trip.median, 0, "measured: there and back over mapped memory");
        return cuda_check(cudaDeviceSynchronize(), "the kernel that answers");
    }

    DevicePool pool_;
    std::uint32_t multiprocessors_ = 1;
    std::vector<MicroMeasurement> found_;
};

}  // namespace

Loaded<std::vector<MicroMeasurement>> measure_card() {
    auto pool = DevicePool::on_device(std::nullopt);
    if (!pool) {
        return Refusal(pool.error());
    }
    return CardMeasurement(*std::move(pool)).take();
}

Loaded<std::map<std::string, std::string>> card_provenance() {
    const CardClocks clocks;
    return card_context(clocks);
}

}  // namespace megabed
