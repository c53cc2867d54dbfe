#include "gpu/device_policy.h"
#include "gpu/memory/device_pool.h"
#include "gpu/ring/device_atomics.cuh"
#include "gpu/ring/device_ring.h"
#include "gpu/ring/warp_team.cuh"
#include "sim/ring/host_atomics.h"

#include <cuda_runtime.h>
#include <gtest/gtest.h>
#include <cstdio>
#include <memory>
#include <ostream>
#include <vector>

// The laws B1 to B3 of the ring on a card: every item is finished exactly once, none is lost, and the end is
// known exactly, whoever publishes, claims and completes, alone or by warps, with delays in between.
namespace megabed {
namespace {

#define SKIP_WITHOUT_GPU()                                           \
    do {                                                             \
        if (const auto device = cuda_device_name(); !device) {       \
            GTEST_SKIP() << "no GPU: " << to_string(device.error()); \
        }                                                            \
    } while (false)

/// A hash, so that every thread has its own delays (Steele, Lea and Flood, SplitMix64).
__host__ __device__ std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ value >> 30) * 0xbf58'476d'1ce4'e5b9ULL;
    value = (value ^ value >> 27) * 0x94d0'49bb'1331'11ebULL;
    return value ^ value >> 31;
}

/// The device's atomics, and delays between the steps.
class ShakenAtomics : public DeviceAtomics {
public:
    __host__ __device__ static void at(RingPoint point) {
        NV_IF_TARGET(NV_IS_DEVICE,
                     (const std::uint64_t draw =
                          mixed(static_cast<std::uint64_t>(clock64()) * 64 + static_cast<std::uint64_t>(point) +
                                (std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x) * 0x9e37'79b9ULL);
                      if (draw % 4 == 0) { __nanosleep(static_cast<unsigned>(draw >> 32) % 4000); }),
                     ((void)point;))
    }
};

struct StressPlan {
    std::uint32_t items = 0;        ///< published from outside; each has word 0 = its number
    std::uint32_t child_of = 0;     ///< every so many have a child, number + items
    std::uint32_t put_back_of = 0;  ///< every so many are put back once
    std::uint32_t tenants = 1;
    std::uint32_t locks = 0;
};

struct StressTable {
    std::uint32_t* finished = nullptr;  ///< of 2 x items
    std::uint32_t* inside = nullptr;    ///< of each lock
    std::uint32_t* next = nullptr;      ///< next item to publish
    std::uint32_t* clashes = nullptr;   ///< times a lock was shared
    std::uint32_t* children = nullptr;
    std::uint32_t* late = nullptr;     ///< completions that failed
    std::uint32_t* outside = nullptr;  ///< items published from outside
};

__device__ RingItem stress_item(const StressPlan& plan, std::uint32_t number) {
    RingItem item;
    item.opcode = number % 2;
    item.tenant = number % plan.tenants;
    item.priority = number % kRingClasses;
    item.lock = plan.locks != 0 && number % 5 == 0 ? 1 + number % plan.locks : 0;
    item.argument[0] = number;
    return item;
}

/// Runs one claimed item. True: finished; false: to be put back.
template <class Atomics>
__device__ bool stress_work(Ring<Atomics>& ring, const StressPlan& plan, const StressTable& table,
                            const ClaimedSlot& claimed) {
    RingSlot& slot = ring.view().slots[claimed.slot];
    const std::uint32_t number = slot.argument[0];
    const std::uint32_t lock = slot.argument[kArgLock];
    if (lock != 0 && atomicAdd(&table.inside[lock - 1], 1U) != 0) {
        atomicAdd(table.clashes, 1U);
    }
    const bool again = plan.put_back_of != 0 && number % plan.put_back_of == 1 && slot.argument[1]++ == 0;
    if (lock != 0) {
        atomicSub(&table.inside[lock - 1], 1U);
    }
    if (again) {
        return false;
    }
    if (plan.child_of != 0 && number < plan.items && number % plan.child_of == 0) {
        RingItem child = stress_item(plan, number);
        child.argument[0] = number + plan.items;
        child.lock = 0;
        if (ring.publish(child) == PublishResult::Published) {
            atomicAdd(table.children, 1U);
        }
    }
    atomicAdd(&table.finished[number], 1U);
    return true;
}

/// Publishes, and claims and completes, until it is told that all is over. `Team` is a warp or a thread.
template <class Team, class Atomics>
__device__ void stress_worker(const Team& team, Ring<Atomics>& ring, const StressPlan& plan,
                              const StressTable& table) {
    std::uint32_t idle = 0;
    RingItem waiting;
    bool has = false;
    ClaimedShare<Team> mine;
    while (team.of_leader(ring.shutting_down() ? 1 : 0) == 0) {
        if (!has && *reinterpret_cast<volatile std::uint32_t*>(table.next) < plan.items) {
            const std::uint32_t number = atomicAdd(table.next, 1U);
            has = number < plan.items;
            if (has) {
                waiting = stress_item(plan, number);
            }
        }
        PublishResult result = PublishResult::Full;
        ring.publish(team, &waiting, has ? 1U : 0U, &result);
        if (has && result == PublishResult::Published) {
            has = false;
            DeviceAtomics::note_after(*table.outside, 1U);  // after it was raised in flight
        }
        if (ring.claim(team, kRingBatch, mine) == 0) {
            __nanosleep(backoff_ns(idle++));
            continue;
        }
        idle = 0;
        std::uint32_t done = 0;
        for (std::uint32_t at = 0; at < mine.count; ++at) {
            if (stress_work(ring, plan, table, mine.item[at])) {
                mine.item[done++] = mine.item[at];
            } else if (!ring.put_back(mine.item[at])) {
                atomicAdd(table.late, 1U);
            }
        }
        if (ring.complete(team, mine.item, done) != team.sum(done)) {
            if (team.leads()) {
                atomicAdd(table.late, 1U);
            }
        }
        ring.leave(team);
    }
}

/// Runs launches until all is over, as a service's steward does: what was put back is mostly published again
/// with the gate open, by all lanes.
template <class Atomics>
__device__ void run_launches(const WarpTeam& team, Ring<Atomics>& ring, const StressPlan& plan,
                             const StressTable& table) {
    constexpr std::uint32_t kClaims = 20'000;
    constexpr std::uint32_t kLooks = 4;  // at what was put back, in one launch
    const auto open = [&] {
        if (team.leads()) {
            ring.lift_aged(2);
            ring.open(gridDim.x, kClaims);
        }
        team.sync();
    };
    open();
    std::uint32_t looks = 0;
    while (true) {
        // The count first: each of these was raised in flight before. Children do not count here, since they
        // would end the test while somebody still holds an item that found no slot.
        const bool over = team.leads() && ring.word(*table.outside) == plan.items && ring.in_flight() == 0;
        if (team.of_leader(over ? 1 : 0) != 0) {
            break;
        }
        if (team.of_leader(ring.claims_left()) == 0 || looks == kLooks) {
            looks = 0;
            if (team.leads()) {
                ring.close();
                while (ring.busy() != 0) {
                    __nanosleep(backoff_ns(2));
                }
            }
            team.sync();
            ring.republish(team);
            open();
        } else if (team.of_leader(ring.deferred()) != 0) {
            ++looks;
            ring.republish(team);
        }
        __nanosleep(backoff_ns(4));
    }
    if (team.leads()) {
        ring.shut_down();
    }
}

/// Block 0 runs launches; of the others, even ones are warps and odd ones single threads.
template <class Atomics>
__global__ void stress(RingView view, StressPlan plan, StressTable table) {
    Ring<Atomics> ring(view);
    if (threadIdx.x >= WarpTeam::kLanes) {
        return;
    }
    if (blockIdx.x != 0) {
        if (blockIdx.x % 2 == 0) {
            stress_worker(WarpTeam{}, ring, plan, table);
        } else if (threadIdx.x == 0) {
            stress_worker(SoloTeam{}, ring, plan, table);
        }
        return;
    }
    run_launches(WarpTeam{}, ring, plan, table);
}

DevicePool& test_pool() {
    static DevicePool pool = DevicePool::on_device(std::nullopt).value();
    return pool;
}

/// Device memory of a test, all 0.
template <class Value>
struct Cleared {
    explicit Cleared(std::size_t count) : buffer(test_pool().buffer<Value>(count, "a test").value()) {
        EXPECT_TRUE(buffer.fill_bytes(std::byte{0}));
        data = buffer.data();
    }
    [[nodiscard]] std::vector<Value> read(std::size_t count) const {
        std::vector<Value> values(count);
        EXPECT_TRUE(buffer.download(values));
        return values;
    }
    DeviceBuffer<Value> buffer;
    Value* data = nullptr;
};

struct Stress {
    std::uint32_t slots;
    std::uint32_t blocks;
    std::uint32_t quota;
    bool shaken;
};

std::ostream& operator<<(std::ostream& out, const Stress& stress) {
    return out << stress.slots << " slots, " << stress.blocks << " blocks, quota " << stress.quota
               << (stress.shaken ? ", shaken" : "");
}

class DeviceRingStress : public ::testing::TestWithParam<Stress> {};

TEST_P(DeviceRingStress, B1_every_item_is_finished_exactly_once_and_the_end_is_exact) {
    SKIP_WITHOUT_GPU();
    const Stress stress_case = GetParam();
    StressPlan plan;
    plan.items = 20'000;
    plan.child_of = 7;
    plan.put_back_of = 11;
    plan.tenants = 3;
    plan.locks = 4;
    const RingSize size{stress_case.slots, 3, 2, 4, stress_case.blocks};
    auto storage = DeviceRingStorage::make(size, test_pool());
    ASSERT_TRUE(storage) << to_string(storage.error());
    ASSERT_EQ(cudaMemcpy(&storage->view().tenants[1].quota, &stress_case.quota, sizeof(std::uint32_t),
                         cudaMemcpyHostToDevice),
              cudaSuccess);
    const Cleared<std::uint32_t> finished(std::size_t{2} * plan.items);
    const Cleared<std::uint32_t> words(16);
    StressTable table{finished.data,  words.data + 8, words.data,    words.data + 1,
                      words.data + 2, words.data + 3, words.data + 4};
    RingView view = storage->view();
    void* arguments[] = {&view, &plan, &table};
    const void* const kernel = stress_case.shaken ? reinterpret_cast<const void*>(&stress<ShakenAtomics>)
                                                  : reinterpret_cast<const void*>(&stress<DeviceAtomics>);
    ASSERT_EQ(cudaLaunchCooperativeKernel(kernel, dim3(stress_case.blocks), dim3(64), arguments, 0, nullptr),
              cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);

    const std::vector<std::uint32_t> results = words.read(16);
    EXPECT_EQ(results[1], 0U) << "a lock was shared";
    EXPECT_EQ(results[3], 0U) << "a completion failed";
    const std::uint32_t children = results[2];
    const std::vector<std::uint32_t> times = finished.read(std::size_t{2} * plan.items);
    for (std::uint32_t number = 0; number < plan.items; ++number) {
        ASSERT_EQ(times[number], 1U) << number;
        ASSERT_LE(times[number + plan.items], number % plan.child_of == 0 ? 1U : 0U) << number;
    }
    RingStorage image(size);
    ASSERT_TRUE(storage->read(image));
    const RingControl& control = *image.view().control;
    EXPECT_EQ(control.in_flight, 0U);
    EXPECT_EQ(control.faults, 0U);
    EXPECT_EQ(control.published, plan.items + children);
    EXPECT_EQ(control.done, control.published);
    EXPECT_EQ(control.claimed, control.done + control.requeued);
    EXPECT_GE(control.requeued, plan.items / plan.put_back_of);
    EXPECT_EQ(control.queues[kFreeQueue].items, stress_case.slots);
    for (std::uint32_t slot = 0; slot < stress_case.slots; ++slot) {
        ASSERT_EQ(SlotStatus{image.view().slots[slot].status}.state(), SlotState::Empty) << slot;
    }
    for (std::uint32_t tenant = 0; tenant < 3; ++tenant) {
        EXPECT_EQ(image.view().tenants[tenant].published, image.view().tenants[tenant].done);
    }
    std::printf("%u slots, %u blocks: %llu items, %llu put back, %u epochs\n", stress_case.slots,
                stress_case.blocks, static_cast<unsigned long long>(control.done),
                static_cast<unsigned long long>(control.requeued), control.epoch);
}

INSTANTIATE_TEST_SUITE_P(Sizes, DeviceRingStress,
                         ::testing::Values(Stress{1, 3, 0, false}, Stress{33, 9, 500, false},
                                           Stress{4096, 65, 0, false}, Stress{1 << 16, 129, 5000, false},
                                           Stress{5, 4, 0, true}, Stress{64, 17, 300, true},
                                           Stress{1000, 65, 0, true}));

// ---- B2 and B3: what the host's ring does with the same steps ----

/// One thread, a fixed sequence of steps; what came out, in order.
template <class AnyRing>
__host__ __device__ void scripted(AnyRing ring, std::uint32_t* order, std::uint32_t& count) {
    std::uint32_t number = 0;
    for (std::uint32_t round = 0; round < 40; ++round) {
        ring.open(1, 5 + round % 4);
        for (std::uint32_t at = 0; at < round % 7; ++at) {
            RingItem item;
            item.tenant = number % 2;
            item.priority = number * 3 % kRingClasses;
            item.lock = number % 4 == 0 ? 1 : 0;
            item.argument[0] = number++;
            ring.publish(item);
        }
        ClaimedSlot claimed[4];
        const std::uint32_t got = ring.claim(1 + round % 4, claimed);
        for (std::uint32_t at = 0; at < got; ++at) {
            order[count++] = ring.view().slots[claimed[at].slot].argument[0];
            if (round % 5 == 4 && at == 0) {
                ring.put_back(claimed[at]);
            } else {
                ring.complete(claimed[at]);
            }
        }
        if (got != 0) {
            ring.leave();
        }
        ring.close();
        ring.republish();
        ring.lift_aged(3);
    }
}

__global__ void run_script(RingView view, std::uint32_t* order, std::uint32_t* count) {
    std::uint32_t found = 0;
    scripted(DeviceRing(view), order, found);
    *count = found;
}

TEST(DeviceRingTest, B3_the_same_steps_give_the_same_order_as_on_the_host) {
    SKIP_WITHOUT_GPU();
    const RingSize size{16, 2, 1, 1, 1};
    RingStorage host(size);
    host.view().tenants[1].quota = 2;
    std::vector<std::uint32_t> expected(1000);
    std::uint32_t expected_count = 0;
    scripted(HostRing(host.view()), expected.data(), expected_count);
    expected.resize(expected_count);
    ASSERT_GT(expected_count, 50U);

    auto storage = DeviceRingStorage::make(size, test_pool());
    ASSERT_TRUE(storage);
    const std::uint32_t quota = 2;
    ASSERT_EQ(cudaMemcpy(&storage->view().tenants[1].quota, &quota, sizeof(quota), cudaMemcpyHostToDevice),
              cudaSuccess);
    const Cleared<std::uint32_t> order(1000);
    const Cleared<std::uint32_t> count(1);
    run_script<<<1, 1>>>(storage->view(), order.data, count.data);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    ASSERT_EQ(count.read(1)[0], expected_count);
    EXPECT_EQ(order.read(expected_count), expected);
    RingStorage image(size);
    ASSERT_TRUE(storage->read(image));
    EXPECT_EQ(image.view().control->requeued, host.view().control->requeued);
    EXPECT_EQ(image.view().control->claimed, host.view().control->claimed);
    EXPECT_EQ(image.view().control->in_flight, host.view().control->in_flight);
}

// ---- faults ----

__global__ void claim_bad_items(RingView view, std::uint32_t* ran) {
    DeviceRing ring(view);
    const WarpTeam team;
    RingItem item;
    item.opcode = threadIdx.x == 5 ? 9 : 0;
    item.lock = threadIdx.x == 6 ? 3 : 0;
    item.tenant = threadIdx.x == 7 ? 99 : 0;
    item.argument[0] = threadIdx.x;
    PublishResult result{};
    ring.publish(team, &item, threadIdx.x < 8 ? 1U : 0U, &result);
    if (threadIdx.x == 7 && result == PublishResult::UnknownTenant) {
        ring.refuse(item, FaultReason::UnknownTenant);
    }
    team.sync();
    if (team.leads()) {
        ring.open(1, 100);
    }
    team.sync();
    ClaimedShare<WarpTeam> mine;
    const std::uint32_t count = ring.claim(team, kRingBatch, mine);
    ring.complete(team, mine.item, mine.count);
    if (count != 0) {
        ring.leave(team);
    }
    *ran = count;
}

TEST(DeviceRingTest, Bad_items_are_faults_and_the_others_of_their_batch_are_done) {
    SKIP_WITHOUT_GPU();
    const RingSize size{16, 2, 2, 1, 1};
    auto storage = DeviceRingStorage::make(size, test_pool());
    ASSERT_TRUE(storage);
    const Cleared<std::uint32_t> ran(1);
    claim_bad_items<<<1, 32>>>(storage->view(), ran.data);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(ran.read(1)[0], 5U);
    RingStorage image(size);
    ASSERT_TRUE(storage->read(image));
    const RingControl& control = *image.view().control;
    EXPECT_EQ(control.done, 5U);
    EXPECT_EQ(control.faults, 3U);
    EXPECT_EQ(control.in_flight, 2U);  // one was never published
    EXPECT_EQ(control.gate & ~DeviceRing::kOpen, 0U);
    EXPECT_EQ(control.first_fault.slot, kNoSlot);
    EXPECT_EQ(control.first_fault.tenant, 99U);
    EXPECT_EQ(SlotStatus{image.view().slots[5].status}.state(), SlotState::Fault);
    EXPECT_EQ(SlotStatus{image.view().slots[6].status}.state(), SlotState::Fault);
}

/// The watchdog and a worker that comes too late meet at one slot.
__global__ void give_up_and_finish(RingView view, std::uint32_t* finished) {
    DeviceRing ring(view);
    ring.publish(RingItem{});
    ring.publish(RingItem{});
    ring.open(1, 100);
    ClaimedSlot claimed[2];
    ring.claim(2, claimed);
    ring.note_begin(0, claimed[0], 100);
    finished[0] = ring.give_up_stuck(1000, 50);
    finished[1] = ring.complete(claimed[0]) ? 1 : 0;
    finished[2] = ring.complete(claimed[1]) ? 1 : 0;
    finished[3] = ring.is_stuck(0) ? 1 : 0;
    ring.leave();
}

TEST(DeviceRingTest, The_watchdog_gives_up_a_stuck_item_and_its_late_worker_changes_nothing) {
    SKIP_WITHOUT_GPU();
    const RingSize size{4, 1, 1, 0, 1};
    auto storage = DeviceRingStorage::make(size, test_pool());
    ASSERT_TRUE(storage);
    const Cleared<std::uint32_t> finished(4);
    give_up_and_finish<<<1, 1>>>(storage->view(), finished.data);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(finished.read(4), (std::vector<std::uint32_t>{1, 0, 1, 1}));
    RingStorage image(size);
    ASSERT_TRUE(storage->read(image));
    EXPECT_EQ(image.view().control->done, 1U);
    EXPECT_EQ(image.view().control->in_flight, 1U);
    EXPECT_EQ(image.view().control->first_fault.reason, static_cast<std::uint32_t>(FaultReason::StuckWorker));
}

}  // namespace
}  // namespace megabed
