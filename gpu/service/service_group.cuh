#pragma once

#include "gpu/ring/device_atomics.cuh"
#include "gpu/ring/warp_team.cuh"
#include "gpu/service/service_layout.h"
#include "sim/threads/service_words.h"

#include <cuda/atomic>

namespace megabed {

/// The device's clock in ns; its steps are 32 ns on Hopper and up to about 1 us on older cards.
__device__ inline std::uint64_t device_clock() {
    std::uint64_t now = 0;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    return now;
}

__device__ inline std::uint64_t wide(std::uint32_t low, std::uint32_t high) {
    return std::uint64_t{high} << 32 | low;
}

/// What is counted of an item, taken from its words while the slot is still its own.
struct ItemTimes {
    std::uint64_t came = 0;
    std::uint64_t entered = 0;
    std::uint64_t begun = 0;
    std::uint64_t done = 0;
};

__device__ inline std::uint64_t after(std::uint64_t from, std::uint64_t to) {
    return to > from ? to - from : 0;
}

/// Adds one item to what a worker has seen. Many may count for one entry at a time, one for a tally.
/// `warm_up`: its end.
__device__ inline void count_item(LatencyCounts& counts, WorkerTally& tally, std::uint64_t warm_up,
                                  std::uint32_t flags, const ItemTimes& times) {
    if ((flags & kMeasured) != 0) {
        const std::uint64_t latency = after(times.came, times.done);
        const std::size_t bucket = Histogram::bucket_of(latency);
        DeviceAtomics::note(counts.bucket[bucket < kLatencyBuckets ? bucket : kLatencyBuckets - 1],
                            std::uint64_t{1});
        DeviceAtomics::note(counts.sum, latency);
        cuda::atomic_ref<std::uint64_t, cuda::thread_scope_device>(counts.least)
            .fetch_min(latency, cuda::memory_order_relaxed);
        cuda::atomic_ref<std::uint64_t, cuda::thread_scope_device>(counts.greatest)
            .fetch_max(latency, cuda::memory_order_relaxed);
    }
    const auto since = [&](std::uint64_t from) { return after(from > warm_up ? from : warm_up, times.done); };
    DeviceAtomics::note(tally.in_flight, since(times.came));
    DeviceAtomics::note(tally.in_ring, since(times.entered));
    DeviceAtomics::note(tally.at_work, since(times.begun));
}

/// Tells the host that the item of a waiting publisher is done. One word, so it needs no order.
__device__ inline void send_notice(const ServiceState& state, NoticeBox box, std::uint64_t ticket,
                                   std::uint32_t publisher) {
    const std::uint32_t log2 = state.mail.notice_log2;
    const std::uint64_t place = ticket & ((std::uint64_t{1} << log2) - 1);
    MailWord* const words = state.mail.notices + (std::uint64_t{box} << log2);
    SystemAtomics::store_relaxed(words[place], mail_word(mail_lap(ticket, log2), publisher));
}

/// Opcode table of the interpreter. True: the item is finished; else its handler failed.
__device__ inline bool run_handler(const ServiceState& state, const DeviceRing& ring, const RingSlot& slot,
                                   std::uint64_t begun) {
    const std::uint64_t end = begun + wide(slot.argument[kServiceWork], slot.argument[kServiceWork + 1]);
    switch (static_cast<ServiceHandler>(state.handlers[slot.opcode])) {
    case ServiceHandler::Spin:
        // A long item looks up now and then, so that an abort need not wait for its end.
        for (std::uint32_t look = 1; device_clock() < end; ++look) {
            if (look % 1024 == 0 && ring.shutting_down()) {
                return true;
            }
        }
        return true;
    case ServiceHandler::HangsPolitely:
        while (!ring.shutting_down()) {
            __nanosleep(backoff_ns(~0U));
        }
        return true;
    case ServiceHandler::HangsForever:
        while (true) {
            __nanosleep(backoff_ns(~0U));
        }
    case ServiceHandler::Fails:
    case ServiceHandler::None:
        break;
    }
    return false;
}

/// Notes that a slot of this window was claimed, and counts the window if it was in the epoch before, too.
__device__ inline void touch_window(const ServiceState& state, std::uint32_t slot, std::uint32_t epoch) {
    std::uint32_t& touched = state.window_epoch[slot / state.window_slots];
    const std::uint32_t before = DeviceAtomics::load_relaxed(touched);
    std::uint32_t expected = before;
    if (before != epoch && DeviceAtomics::exchange_if(touched, expected, epoch) && before + 1 == epoch) {
        DeviceAtomics::note(state.memory->hot_windows, 1U);
    }
}

/// A group that serves until it is shut down. It waits at its box for orders: to serve one item, or to wake up
/// and claim batches from the ring until there is nothing more for it. All is done by its first warp, an item's
/// time passes on the warp's first lane, and the others only take their places among the resident lanes.
class ServiceGroup {
public:
    /// What a batch's lanes tell each other. In shared memory.
    struct Board {
        struct Served {
            ItemTimes times;
            std::uint32_t entry;
            std::uint32_t publisher;  ///< who waits for the item, where the flags say so
            std::uint32_t flags;
        };
        ClaimedSlot item[kRingBatch];
        Served served[kRingBatch];
    };

    __device__ ServiceGroup(const ServiceState& state, Board& board, std::uint32_t me)
        : state_(state), board_(board), ring_(state.ring), me_(me) {}

    /// Called by one whole warp.
    __device__ void serve() {
        for (std::uint32_t parity = 1;; parity ^= 1U) {
            const std::uint64_t order = await_order(order_tag(parity));
            if (order == 0) {
                if (team_.leads()) {
                    DeviceAtomics::note_after(state_.memory->groups_gone, 1U);
                }
                return;
            }
            const auto what = static_cast<std::uint32_t>(order);
            if (what == kWakeOrder) {
                serve_ring();
            } else {
                serve_straight(what);
            }
            if (team_.leads()) {
                DeviceAtomics::flip_after(state_.finished[me_ / 32], 1U << me_ % 32);
            }
        }
    }

private:
    static constexpr std::uint32_t kLeave = ~0U;
    /// Finished items of a batch are handed over together, but none waits longer than this.
    static constexpr std::uint64_t kHandOver = 10'000;
    /// The first groups, which get orders first, wait with short naps.
    static constexpr std::uint32_t kEagerGroups = 32;
    static constexpr std::uint32_t kEagerRounds = 1;
    /// Looks at an empty ring after which a group goes back to its box.
    static constexpr std::uint32_t kDryLooks = 4;

    /// The next order, when it has this tag; 0: the service is shut down.
    __device__ std::uint64_t await_order(std::uint32_t tag) {
        const std::uint32_t rounds_max = me_ < kEagerGroups ? kEagerRounds : ~0U;
        std::uint64_t order = 0;
        for (std::uint32_t round = 0;; ++round) {
            std::uint32_t over = 0;
            if (team_.leads()) {
                over = DeviceAtomics::load_relaxed(state_.ring.control->shutdown);
                order = DeviceAtomics::load(state_.boxes[me_].order);
            }
            if (team_.of_leader(over) != 0) {
                return 0;
            }
            order = team_.of_leader(order);
            if (static_cast<std::uint32_t>(order >> 32) == tag) {
                return order;
            }
            __nanosleep(backoff_ns(round < rounds_max ? round : rounds_max));
        }
    }

    /// One item that the steward has claimed for this group.
    __device__ void serve_straight(std::uint32_t index) {
        if (team_.leads()) {
            board_.item[0] = {index, SlotStatus{DeviceAtomics::load_relaxed(state_.ring.slots[index].status)}};
        }
        team_.sync();
        // Else the watchdog was faster than this group, and the item is not its own any more.
        if (board_.item[0].status.state() == SlotState::Claimed) {
            std::uint64_t told = 0;
            if (team_.leads()) {
                told = serve_item(0);
                ring_.note_end(me_);
            }
            hand_over((team_.of_leader(told) & kFinished) != 0 ? 1U : 0U);
        } else if (team_.leads()) {
            ring_.note_end(me_);
        }
        ring_.leave(team_);
    }

    /// Claims as long as there is something.
    __device__ void serve_ring() {
        for (std::uint32_t dry = 0; dry < kDryLooks;) {
            ClaimedShare<WarpTeam> mine;
            const std::uint32_t wanted = look();
            if (wanted == kLeave) {
                return;
            }
            const std::uint32_t count = wanted == 0 ? 0 : ring_.claim(team_, wanted, mine);
            if (count == 0) {
                __nanosleep(backoff_ns(dry++));
                continue;
            }
            dry = 0;
            const std::uint32_t place = team_.sum_before(mine.count);
            if (mine.count != 0) {
                board_.item[place] = mine.item[0];
            }
            team_.sync();
            serve_batch(count);
            ring_.leave(team_);
        }
    }

    /// How many items to claim; `kLeave` at the end. A share of what waits, so that the last items are spread
    /// over all.
    __device__ std::uint32_t look() {
        std::uint32_t wanted = 0;
        if (team_.leads()) {
            // On their way together: each of these may be late anyway, and claiming asks again.
            RingControl& control = *state_.ring.control;
            const std::uint32_t over = DeviceAtomics::load_relaxed(control.shutdown);
            const std::uint32_t workers = DeviceAtomics::load_relaxed(control.workers_wanted);
            const std::uint64_t waiting = ring_.waiting();
            if (over != 0) {
                wanted = kLeave;
            } else if (me_ < workers && waiting != 0) {
                const std::uint64_t share = waiting / (2 * std::uint64_t{workers});
                const std::uint64_t most = share < kRingBatch ? share : kRingBatch;
                wanted = most < 1 ? 1 : static_cast<std::uint32_t>(most);
            }
        }
        return static_cast<std::uint32_t>(team_.of_leader(wanted));
    }

    __device__ void serve_batch(std::uint32_t count) {
        std::uint32_t finished = 0;                             // bit: done and not handed over
        std::uint64_t since = team_.of_leader(device_clock());  // one clock for all lanes
        for (std::uint32_t at = 0; at < count; ++at) {
            std::uint64_t told = 0;
            if (team_.leads()) {
                ring_.note_begin(me_, board_.item[at], device_clock());
                told = serve_item(at);
                ring_.note_end(me_);
            }
            told = team_.of_leader(told);
            finished |= (told & kFinished) != 0 ? 1U << at : 0U;
            const std::uint64_t now = told >> 2;
            if (at + 1 == count || (told & kUrgent) != 0 || now - since > kHandOver) {
                hand_over(finished);
                finished = 0;
                since = now;
            }
        }
    }

    /// Called by the first lane. Returns bits below the clock's.
    static constexpr std::uint64_t kFinished = 1;
    static constexpr std::uint64_t kUrgent = 2;
    __device__ std::uint64_t serve_item(std::uint32_t at) {
        const ClaimedSlot claimed = board_.item[at];
        const RingSlot& slot = state_.ring.slots[claimed.slot];
        Board::Served& served = board_.served[at];
        served.times.begun = device_clock();
        if (state_.window_slots != 0) {
            touch_window(state_, claimed.slot, ring_.epoch());
        }
        served.times.came = wide(slot.argument[kServiceCame], slot.argument[kServiceCame + 1]);
        served.times.entered = wide(slot.argument[kServiceEntered], slot.argument[kServiceEntered + 1]);
        served.publisher = slot.argument[kServicePublisher];
        served.flags = slot.argument[kServiceFlags];
        served.entry = state_.entry_of[slot.tenant];
        const bool has_lock = slot.argument[kArgLock] != 0;
        const bool ran = run_handler(state_, ring_, slot, served.times.begun);
        served.times.done = device_clock();
        if (!ran) {
            const bool known = state_.handlers[slot.opcode] != static_cast<std::uint32_t>(ServiceHandler::None);
            ring_.fail(claimed, known ? FaultReason::HandlerFailed : FaultReason::UnknownOpcode);
            return served.times.done << 2;
        }
        const bool urgent = has_lock || (served.flags & kWaitedFor) != 0;
        return served.times.done << 2 | kFinished | (urgent ? kUrgent : 0);
    }

    /// Items are marked before anybody hears of them, and counted after: what the watchdog has given up, nobody
    /// hears of, and whoever waits need not wait for the counting.
    __device__ void hand_over(std::uint32_t finished) {
        team_.sync();
        const std::uint32_t lane = team_.rank();
        const bool mine = (finished >> lane & 1U) != 0;
        const ClaimedSlot item = board_.item[lane];
        const Board::Served& served = board_.served[lane];
        bool counts = false;
        ring_.complete(team_, &item, mine ? 1U : 0U, [&](std::uint32_t /*at*/) {
            counts = true;
            if ((served.flags & kWaitedFor) != 0) {
                const std::uint64_t ticket =
                    DeviceAtomics::add_relaxed(state_.memory->notice[kWorkerNotices], std::uint64_t{1});
                send_notice(state_, kWorkerNotices, ticket, served.publisher);
            }
        });
        if (counts) {
            count_item(state_.latencies[served.entry], state_.tallies[me_],
                       DeviceAtomics::load_relaxed(state_.memory->warm_up), served.flags, served.times);
        }
        team_.sync();
    }

    const ServiceState& state_;
    Board& board_;
    DeviceRing ring_;
    WarpTeam team_;
    std::uint32_t me_;
};

}  // namespace megabed
