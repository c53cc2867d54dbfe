// The ring on the device: slots claimed one by one and in batches, and how long host and device take to hear of
// each other. Kernels are timed by CUDA events, round trips by the host's clock: the row's label tells; all as
// manual time. --card prints the card's folder under bench/results.
#include "bench/gpu/card_benchmark.h"
#include "bench/gpu/event_timer.h"
#include "gpu/memory/device_pool.h"
#include "gpu/ring/device_atomics.cuh"
#include "gpu/ring/device_ring.h"
#include "gpu/ring/warp_team.cuh"
#include "gpu/service/service_engine.h"

#include <benchmark/benchmark.h>
#include <cuda_runtime.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

namespace megabed {
namespace {

/// Requires: there is a card.
DevicePool& benchmark_pool() {
    static DevicePool pool = DevicePool::on_device(std::nullopt).value();
    return pool;
}

/// How a kernel goes through a full ring.
enum class Claiming : std::uint8_t {
    OneABlock,   ///< one thread of a block, one slot at a time
    OneAThread,  ///< every thread, one slot at a time
    Batches,     ///< every warp, 32 slots at a time
};

__global__ void fill_ring(RingView view) {
    DeviceRing ring(view);
    const WarpTeam team;
    RingItem item;
    item.priority = 1;
    PublishResult result{};
    while (ring.publish(team, &item, 1, &result) != 0) {
    }
}

__global__ void open_ring(RingView view) {
    DeviceRing ring(view);
    ring.close();
    ring.open(~0U, ~0U);
}

/// Claims until nothing is left; completes what it claims if `completes`, else leaves it claimed.
template <Claiming kHow, bool kCompletes>
__global__ void drain_ring(RingView view) {
    DeviceRing ring(view);
    if constexpr (kHow == Claiming::Batches) {
        const WarpTeam team;
        ClaimedShare<WarpTeam> mine;
        while (team.of_leader(ring.waiting()) != 0) {  // all lanes go by one look
            if (ring.claim(team, kRingBatch, mine) != 0) {
                if constexpr (kCompletes) {
                    ring.complete(team, mine.item, mine.count);
                }
                ring.leave(team);
            }
        }
    } else {
        if (kHow == Claiming::OneABlock && threadIdx.x != 0) {
            return;
        }
        ClaimedSlot claimed;
        while (ring.waiting() != 0) {
            if (ring.claim(1, &claimed) != 0) {
                if constexpr (kCompletes) {
                    ring.complete(claimed);
                }
                ring.leave();
            }
        }
    }
}

/// Every warp publishes, claims and completes batches of 32, again and again.
__global__ void cycle_ring(RingView view, std::uint32_t rounds) {
    DeviceRing ring(view);
    const WarpTeam team;
    RingItem item;
    item.priority = 1;
    ClaimedShare<WarpTeam> mine;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        PublishResult result{};
        ring.publish(team, &item, 1, &result);
        if (ring.claim(team, kRingBatch, mine) != 0) {
            ring.complete(team, mine.item, mine.count);
            ring.leave(team);
        }
    }
}

unsigned processors() {
    int count = 0;
    cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0);
    return static_cast<unsigned>(count);
}

/// Arguments: blocks per multiprocessor, threads of a block.
template <Claiming kHow, bool kCompletes>
void claim_slots(benchmark::State& state) {
    const std::uint32_t slots = kHow == Claiming::Batches ? 1U << 22 : 1U << 18;
    const unsigned blocks = processors() * static_cast<unsigned>(state.range(0));
    const auto threads = static_cast<unsigned>(state.range(1));
    const EventTimer timer;
    std::int64_t claimed = 0;
    for ([[maybe_unused]] auto _ : state) {
        const auto ring = DeviceRingStorage::make({slots, 1, 1, 0, 1}, benchmark_pool());
        if (!ring) {
            fail_row(state, to_string(ring.error()));
            return;
        }
        const RingView view = ring->view();
        fill_ring<<<processors(), 256>>>(view);
        open_ring<<<1, 1>>>(view);
        state.SetIterationTime(timer.time([&] { drain_ring<kHow, kCompletes><<<blocks, threads>>>(view); }));
        RingControl control;
        cudaMemcpy(&control, view.control, sizeof(control), cudaMemcpyDeviceToHost);
        if (control.claimed != slots || control.done != (kCompletes ? slots : 0) ||
            cudaGetLastError() != cudaSuccess) {
            fail_row(state, "not every slot was claimed once");
            return;
        }
        claimed += slots;
        look_at_clocks();
    }
    state.SetLabel("CUDA events");
    state.SetItemsProcessed(claimed);
}

void cycle_slots(benchmark::State& state) {
    constexpr std::uint32_t kRounds = 64;
    const unsigned blocks = processors() * static_cast<unsigned>(state.range(0));
    const auto threads = static_cast<unsigned>(state.range(1));
    const EventTimer timer;
    std::int64_t done = 0;
    const auto ring = DeviceRingStorage::make({1U << 20, 1, 1, 0, 1}, benchmark_pool());
    if (!ring) {
        fail_row(state, to_string(ring.error()));
        return;
    }
    const RingView view = ring->view();
    for ([[maybe_unused]] auto _ : state) {
        RingControl before;
        RingControl after;
        cudaMemcpy(&before, view.control, sizeof(before), cudaMemcpyDeviceToHost);
        open_ring<<<1, 1>>>(view);
        state.SetIterationTime(timer.time([&] { cycle_ring<<<blocks, threads>>>(view, kRounds); }));
        cudaMemcpy(&after, view.control, sizeof(after), cudaMemcpyDeviceToHost);
        done += static_cast<std::int64_t>(after.done - before.done);
        if (after.published != after.done + after.in_flight || cudaGetLastError() != cudaSuccess) {
            fail_row(state, "items were lost");
            return;
        }
        look_at_clocks();
    }
    state.SetLabel("CUDA events");
    state.SetItemsProcessed(done);
}

// ---- host and device ----

using Clock = std::chrono::steady_clock;
constexpr SimTime kPatience(5'000'000'000);

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Reports the median and the 99th percentile of the iterations' times.
class Quantiles {
public:
    void add(double seconds) { times_.push_back(seconds * 1e6); }
    void report(benchmark::State& state) {
        if (times_.empty()) {
            return;
        }
        std::sort(times_.begin(), times_.end());
        state.counters["p50_us"] = times_[times_.size() / 2];
        state.counters["p99_us"] = times_[times_.size() * 99 / 100];
        state.counters["max_us"] = times_.back();
        state.SetLabel("host clock");
    }

private:
    std::vector<double> times_;
};

std::unique_ptr<ServiceEngine> running_engine(benchmark::State& state) {
    ServicePlan plan;
    plan.slots = 1024;
    plan.notices = 64;
    plan.deadline = SimTime(20'000'000'000);
    auto engine = ServiceEngine::make(plan, benchmark_pool());
    if (!engine || !(*engine)->run_with(256)) {
        fail_row(state, engine ? (*engine)->failure().value_or("it does not run") : to_string(engine.error()));
        return nullptr;
    }
    return std::move(*engine);
}

/// From an order to its answer.
void time_orders(benchmark::State& state, const ServiceOrder& order) {
    const auto engine = running_engine(state);
    Quantiles quantiles;
    while (engine && state.KeepRunning()) {
        const auto begin = Clock::now();
        const auto answer = engine->give(order, kPatience);
        const double seconds = seconds_since(begin);
        if (!answer) {
            fail_row(state, engine->failure().value_or("no answer"));
            return;
        }
        state.SetIterationTime(seconds);
        quantiles.add(seconds);
        look_at_clocks();
    }
    quantiles.report(state);
}

/// An order that is answered at once.
void doorbell_round_trip(benchmark::State& state) { time_orders(state, {}); }

/// A launch that finds nothing to do: opened, closed and answered.
void empty_launch(benchmark::State& state) {
    ServiceOrder order;
    order.kind = ServiceCommand::Run;
    order.claims = 1000;
    order.end = ~std::uint64_t{0};
    time_orders(state, order);
}

/// An item without work, from when the host sends it until it has the notice. Argument: its ItemRoute: 0,
/// through the ring's queue; 1, straight to a group that waits; 2, by the steward. A second thread keeps a
/// launch on.
void empty_slot_service(benchmark::State& state) {
    const auto engine = running_engine(state);
    if (!engine) {
        return;
    }
    std::uint64_t end = 0;
    if (const auto answer = engine->give({}, kPatience)) {
        end = answer->clock() + 3'600'000'000'000ULL;
    }
    // Held by a long item of the launch, so that it does not end between two short ones.
    RingItem holder;
    holder.argument[0] = 0xffff'ffff;
    holder.argument[1] = 0xff;
    engine->send(holder, ItemRoute::Ring);
    std::atomic<bool> over = false;
    std::thread launcher([&] {
        ServiceOrder order;
        order.kind = ServiceCommand::Run;
        order.workers = ~0U;
        order.claims = ~0U;
        order.end = end;
        (void)engine->give(order, SimTime(10'000'000'000));
        over = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    RingItem item;
    item.priority = 1;
    item.argument[kServiceFlags] = kWaitedFor;
    Quantiles quantiles;
    while (state.KeepRunning() && !over) {
        const auto begin = Clock::now();
        (void)engine->send(item, static_cast<ItemRoute>(state.range(0)));
        while (!engine->next_notice() && !over) {
        }
        const double seconds = seconds_since(begin);
        state.SetIterationTime(seconds);
        quantiles.add(seconds);
        look_at_clocks();
    }
    quantiles.report(state);
    engine->abort();  // ends the holder, too
    launcher.join();
    if (engine->context_lost()) {
        std::printf("the service could not be ended politely\n");
    }
}

void claim_arguments(benchmark::internal::Benchmark* bench) {
    for (const int blocks : {1, 4, 8}) {
        for (const int threads : {128, 256}) {
            bench->Args({blocks, threads});
        }
    }
    bench->ArgNames({"blocks_per_sm", "threads"})->UseManualTime()->Iterations(10);
}

BENCHMARK_TEMPLATE(claim_slots, Claiming::Batches, false)
    ->Apply(claim_arguments)
    ->Name("slots_claimed/batches");
BENCHMARK_TEMPLATE(claim_slots, Claiming::Batches, true)
    ->Apply(claim_arguments)
    ->Name("slots_claimed_and_completed/batches");
BENCHMARK_TEMPLATE(claim_slots, Claiming::OneABlock, false)
    ->Args({8, 32})
    ->UseManualTime()
    ->Iterations(5)
    ->Name("slots_claimed/one_a_block");
BENCHMARK_TEMPLATE(claim_slots, Claiming::OneAThread, false)
    ->Args({4, 256})
    ->UseManualTime()
    ->Iterations(5)
    ->Name("slots_claimed/one_a_thread");
BENCHMARK(cycle_slots)->Apply(claim_arguments)->Name("slots_published_claimed_completed/batches");
BENCHMARK(doorbell_round_trip)->UseManualTime()->Iterations(20'000);
BENCHMARK(empty_launch)->UseManualTime()->Iterations(5'000);
BENCHMARK(empty_slot_service)->ArgName("route")->Arg(2)->Arg(1)->Arg(0)->UseManualTime()->Iterations(20'000);

}  // namespace
}  // namespace megabed

int main(int argc, char** argv) { return megabed::card_benchmark_main(argc, argv, &megabed::take_no_words); }
