#pragma once

#include "sim/ring/ring_layout.h"
#include "sim/ring/ring_queues.h"
#include "sim/ring/ring_team.h"
#include "sim/ring/ring_watch.h"

#include <cstdint>

namespace megabed {

enum class PublishResult : std::uint8_t { Published, Full, UnknownTenant, UnknownClass };

/// The part of a ring that publishers use. `Ring` adds what workers and the one who runs launches do.
template <class Atomics>
class RingPublish : public RingWatch<Atomics> {
    using Watch = RingWatch<Atomics>;

protected:
    using Watch::atomics_;
    using Watch::queues_;
    using Watch::view_;

public:
    constexpr RingPublish(const RingView& view, Atomics atomics) : Watch(view, atomics) {}

    /// Puts an item into a free slot and its index into the queue of its class. Unknown opcodes are left to
    /// the workers, which answer with Fault: only they know what they can run.
    constexpr PublishResult publish(const RingItem& item) {
        PublishResult result{};
        publish(SingleItem{}, &item, 1, &result);
        return result;
    }

    /// Publishes the first `count` of each lane's items, in the order of the lanes; where slots run out, the
    /// first ones get them. Returns how many the team published.
    /// Requires: count <= Team::kShare.
    template <class Team>
    constexpr std::uint32_t publish(const Team& team, const RingItem* items, std::uint32_t count,
                                    PublishResult* results) {
        std::uint32_t valid = 0;
        for (std::uint32_t at = 0; at < count; ++at) {
            results[at] = check(items[at]);
            valid += results[at] == PublishResult::Published ? 1U : 0U;
        }
        std::uint32_t indices[Team::kShare] = {};
        std::uint32_t mine = valid;
        const std::uint32_t total = queues_.pop(team, kFreeQueue, indices, mine);
        for (std::uint32_t at = 0, slots = mine; at < count; ++at) {
            if (results[at] == PublishResult::Published) {
                results[at] = slots != 0 ? PublishResult::Published : PublishResult::Full;
                slots -= slots != 0 ? 1U : 0U;
            }
        }
        if (total == 0) {
            return 0;
        }
        RingControl& control = *view_.control;
        std::uint64_t ticket = 0;
        if (team.leads()) {
            atomics_.note(control.in_flight, std::uint64_t{total});
            ticket = atomics_.add_relaxed(control.published, std::uint64_t{total});
        }
        atomics_.at(RingPoint::BeforePublish);
        ticket = team.of_leader(ticket) + team.sum_before(mine);
        std::uint32_t tenants[Team::kShare] = {};
        std::uint32_t classes[Team::kShare] = {};
        std::uint32_t written = 0;
        for (std::uint32_t at = 0; at < count; ++at) {
            if (results[at] == PublishResult::Published) {
                tenants[written] = items[at].tenant;
                classes[written] = items[at].priority;
                RingSlot& slot = view_.slots[indices[written]];
                fill(slot, items[at], static_cast<std::uint32_t>(ticket + written),
                     atomics_.load_relaxed(control.epoch));
                const SlotStatus before{atomics_.load_relaxed(slot.status)};
                atomics_.store(slot.status, SlotStatus::of(SlotState::Published, before.generation() + 1).word);
                ++written;
            }
        }
        team.by_key(tenants, written, [this](std::uint32_t tenant, std::uint32_t times) {
            atomics_.note(view_.tenants[tenant].published, std::uint64_t{times});
        });
        atomics_.at(RingPoint::BeforePush);
        for (std::uint32_t queue = 0; queue < kRingClasses; ++queue) {
            std::uint32_t of_class[Team::kShare] = {};
            std::uint32_t found = 0;
            for (std::uint32_t at = 0; at < written; ++at) {
                if (classes[at] == queue) {
                    of_class[found++] = indices[at];
                }
            }
            queues_.push(team, queue, of_class, found);
        }
        return total;
    }

    /// Counts items that the publisher carries out itself instead of publishing them, each against a claim
    /// that it has taken with `take_claims`: published, claimed and done at once, without a slot.
    /// Requires: known opcodes and tenants; claims are open, and whoever closes them waits for the caller.
    template <class Team>
    constexpr void count_served(const Team& team, const std::uint32_t* opcodes, const std::uint32_t* tenants,
                                std::uint32_t count) {
        RingControl& control = *view_.control;
        const std::uint32_t total = team.sum(count);
        if (total == 0) {
            return;
        }
        if (team.leads()) {
            atomics_.note(control.published, std::uint64_t{total});
            atomics_.note(control.claimed, std::uint64_t{total});
        }
        // No slot was marked and nobody else's work hangs on it: these counts prove nothing, so they need no
        // order.
        team.by_key(opcodes, count, [this](std::uint32_t opcode, std::uint32_t times) {
            atomics_.note(view_.done_by_opcode[opcode], std::uint64_t{times});
        });
        team.by_key(tenants, count, [this](std::uint32_t tenant, std::uint32_t times) {
            atomics_.note(view_.tenants[tenant].published, std::uint64_t{times});
            atomics_.note(view_.tenants[tenant].done, std::uint64_t{times});
        });
        if (team.leads()) {
            atomics_.note(control.done, std::uint64_t{total});
        }
    }

    /// Takes free slots out of circulation for `issue`; `mine`, `slots`: as an index queue's pop. Returns how
    /// many the team got. They are given back by `return_free`, or the ring is smaller without them.
    template <class Team>
    constexpr std::uint32_t take_free(const Team& team, ClaimedSlot* slots, std::uint32_t& mine) {
        std::uint32_t indices[Team::kShare] = {};
        const std::uint32_t got = queues_.pop(team, kFreeQueue, indices, mine);
        for (std::uint32_t at = 0; at < mine; ++at) {
            slots[at] = {indices[at], SlotStatus{atomics_.load_relaxed(view_.slots[indices[at]].status)}};
        }
        return got;
    }
    template <class Team>
    constexpr void return_free(const Team& team, const ClaimedSlot* slots, std::uint32_t mine) {
        std::uint32_t indices[Team::kShare] = {};
        for (std::uint32_t at = 0; at < mine; ++at) {
            indices[at] = slots[at].slot;
        }
        queues_.push(team, kFreeQueue, indices, mine);
    }

    /// What `issue` need not ask memory for, since its caller alone changes it.
    struct IssueFrom {
        std::uint64_t ticket = 0;  ///< items published so far
        std::uint64_t now = 0;     ///< in the watchdog's clock
        std::uint32_t epoch = 0;
    };
    /// A free slot and the worker that an item is for.
    struct IssuePlace {
        ClaimedSlot slot{};  ///< as `take_free` gave it; then, as the worker claims it
        std::uint32_t worker = 0;
    };

    /// Publishes the first `count` of each lane's items and claims them in the same step, for workers that the
    /// caller has chosen and that are at nothing, each against a claim that it has from `take_claims`. The
    /// watchdog sees the workers at their items, and they are inside the gate: each completes its item or fails
    /// it, and leaves. The caller tells them by a release of its own, which brings everything here along.
    /// Requires: known opcodes and tenants without quota, no locks; the caller alone publishes, closes the
    /// gate, which is open, and watches.
    template <class Team>
    constexpr void issue(const Team& team, const RingItem* items, IssuePlace* places, std::uint32_t count,
                         const IssueFrom& from) {
        RingControl& control = *view_.control;
        const std::uint32_t total = team.sum(count);
        const std::uint64_t ticket = from.ticket + team.sum_before(count);
        if (team.leads()) {
            atomics_.note(control.in_flight, std::uint64_t{total});
            atomics_.note(control.published, std::uint64_t{total});
            atomics_.note(control.claimed, std::uint64_t{total});
            atomics_.note(control.gate, total);
        }
        atomics_.at(RingPoint::BeforePublish);
        std::uint32_t tenants[Team::kShare] = {};
        for (std::uint32_t at = 0; at < count; ++at) {
            ClaimedSlot& claimed = places[at].slot;
            RingSlot& slot = view_.slots[claimed.slot];
            fill(slot, items[at], static_cast<std::uint32_t>(ticket + at), from.epoch);
            claimed.status = SlotStatus::of(SlotState::Claimed, claimed.status.generation() + 1);
            atomics_.store_relaxed(slot.status, claimed.status.word);
            WorkerRecord& record = view_.workers[places[at].worker];
            atomics_.store_relaxed(record.since, from.now);
            atomics_.store_relaxed(record.item, std::uint64_t{claimed.slot} << 32 | claimed.status.word);
            tenants[at] = items[at].tenant;
        }
        team.by_key(tenants, count, [this](std::uint32_t tenant, std::uint32_t times) {
            atomics_.note(view_.tenants[tenant].published, std::uint64_t{times});
        });
        team.sync();
    }

private:
    [[nodiscard]] constexpr PublishResult check(const RingItem& item) const {
        if (item.tenant >= view_.tenant_count) {
            return PublishResult::UnknownTenant;
        }
        return item.priority < kRingClasses ? PublishResult::Published : PublishResult::UnknownClass;
    }

    constexpr void fill(RingSlot& slot, const RingItem& item, std::uint32_t ticket, std::uint32_t epoch) const {
        slot.opcode = item.opcode;
        slot.tenant = item.tenant;
        slot.priority = item.priority;
        for (std::uint32_t word = 0; word < kHandlerWords; ++word) {
            slot.argument[word] = item.argument[word];
        }
        slot.argument[kArgTicket] = ticket;
        slot.argument[kArgPutBack] = 0;
        slot.argument[kArgLock] = item.lock;
        slot.argument[kArgBornEpoch] = epoch;
    }
};

}  // namespace megabed
