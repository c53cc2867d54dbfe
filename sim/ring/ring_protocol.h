#pragma once

#include "sim/ring/ring_layout.h"

#include <cstdint>

namespace megabed {

/// Places between two steps of the protocol where somebody else may come in between.
enum class RingPoint : std::uint8_t {
    BeforePublish,  ///< a slot is taken and in flight, its item not written
    BeforePush,     ///< the item is published, its index in no queue
    BeforePop,      ///< entries were read, the head not yet moved
    AfterPop,       ///< indices were popped, their slots not yet claimed
    BeforeDone,     ///< the work is finished, the slot not marked
    BeforeCount,    ///< the slot is marked, nothing counted
    BeforeFree,     ///< counted, the slot not yet free
    BeforeDefer,    ///< marked as put back, its index in no queue
};

enum class PublishResult : std::uint8_t { Published, Full, UnknownTenant, UnknownClass };

/// How long a thread waits that has found nothing `round` times in a row: 32 ns, doubling up to 4 us.
[[nodiscard]] constexpr std::uint32_t backoff_ns(std::uint32_t round) {
    constexpr std::uint32_t kFirst = 32;
    constexpr std::uint32_t kDoublings = 7;
    return kFirst << (round < kDoublings ? round : kDoublings);
}
static_assert(backoff_ns(0) == 32 && backoff_ns(1) == 64 && backoff_ns(99) == 4096);

/// The bounded ring between publishers and workers, the same source on host and device.
/// `Atomics` gives acquire loads, release stores and acquire-release read-modify-writes of plain words, and
/// `at(RingPoint)`. Nothing here waits, except that `publish` may take over a queue entry's place only after
/// the entry's reader has moved on, which the queues' capacity guarantees. States, orders of memory and the
/// reasons: sim/ring/PROTOCOL.md.
template <class Atomics>
class Ring {
public:
    static constexpr std::uint32_t kOpen = 0x8000'0000;
    static constexpr std::uint32_t kBatchMax = 32;

    constexpr explicit Ring(const RingView& view, Atomics atomics = {}) : view_(view), atomics_(atomics) {}

    // ---- publishers ----

    /// Puts an item into a free slot and its index into the queue of its class. Unknown opcodes are left to
    /// the workers, which answer with Fault: only they know what they can run.
    constexpr PublishResult publish(const RingItem& item) {
        if (item.tenant >= view_.tenant_count) {
            return PublishResult::UnknownTenant;
        }
        if (item.priority >= kRingClasses) {
            return PublishResult::UnknownClass;
        }
        std::uint32_t index = 0;
        if (pop(kFreeQueue, &index, 1) == 0) {
            return PublishResult::Full;
        }
        RingControl& control = *view_.control;
        atomics_.add(control.in_flight, std::uint64_t{1});
        atomics_.at(RingPoint::BeforePublish);
        const std::uint64_t ticket = atomics_.add(control.published, std::uint64_t{1});
        atomics_.add(view_.tenants[item.tenant].published, std::uint64_t{1});
        RingSlot& slot = view_.slots[index];
        slot.opcode = item.opcode;
        slot.tenant = item.tenant;
        slot.priority = item.priority;
        for (std::uint32_t word = 0; word < kHandlerWords; ++word) {
            slot.argument[word] = item.argument[word];
        }
        slot.argument[kArgTicket] = static_cast<std::uint32_t>(ticket);
        slot.argument[kArgPutBack] = 0;
        slot.argument[kArgLock] = item.lock;
        slot.argument[kArgBornEpoch] = atomics_.load(control.epoch);
        const SlotStatus before{atomics_.load(slot.status)};
        atomics_.store(slot.status, SlotStatus::of(SlotState::Published, before.generation() + 1).word);
        atomics_.at(RingPoint::BeforePush);
        push(item.priority, index);
        return PublishResult::Published;
    }

    // ---- workers ----

    /// Whether a worker that looks now would find something. Loads only: polling writes nothing.
    [[nodiscard]] constexpr bool claimable() const {
        RingControl& control = *view_.control;
        return (atomics_.load(control.gate) & kOpen) != 0 && atomics_.load(control.claims_left) != 0 &&
               waiting() != 0;
    }

    /// Enters the gate and claims up to `wanted` items that may run now into `claimed`. Each is to be given
    /// back by `complete`, `put_back` or `fail`; then `leave`, if any was claimed.
    /// Items whose quota is used up or whose lock is taken are put back; bad ones become faults.
    /// Requires: wanted <= kBatchMax.
    constexpr std::uint32_t claim(std::uint32_t wanted, ClaimedSlot* claimed) {
        RingControl& control = *view_.control;
        if (!claimable()) {
            return 0;
        }
        if ((atomics_.add(control.gate, 1U) & kOpen) == 0) {
            leave();
            return 0;
        }
        const std::uint32_t granted = take_claims(wanted);
        std::uint32_t popped = 0;
        std::uint32_t runnable = 0;
        std::uint32_t indices[kBatchMax] = {};
        for (std::uint32_t queue = 0; queue < kRingClasses && popped < granted; ++queue) {
            const std::uint32_t found = pop(queue, indices, granted - popped);
            popped += found;
            atomics_.at(RingPoint::AfterPop);
            for (std::uint32_t at = 0; at < found; ++at) {
                if (claim_slot(indices[at], claimed[runnable])) {
                    ++runnable;
                }
            }
        }
        if (popped < granted) {
            atomics_.add(control.claims_left, granted - popped);
        }
        if (runnable == 0) {
            leave();
        }
        return runnable;
    }

    /// The item is finished, and everything it published is published. False: the watchdog had given it up.
    constexpr bool complete(const ClaimedSlot& claimed) {
        RingSlot& slot = view_.slots[claimed.slot];
        RingControl& control = *view_.control;
        const std::uint32_t opcode = slot.opcode;
        const std::uint32_t tenant = slot.tenant;
        const std::uint32_t lock = slot.argument[kArgLock];
        atomics_.at(RingPoint::BeforeDone);
        if (!change(slot, claimed.status, SlotState::Done)) {
            return false;
        }
        atomics_.at(RingPoint::BeforeCount);
        unlock(lock);
        atomics_.add(view_.done_by_opcode[opcode], std::uint64_t{1});
        atomics_.add(view_.tenants[tenant].done, std::uint64_t{1});
        atomics_.add(control.done, std::uint64_t{1});
        atomics_.at(RingPoint::BeforeFree);
        release(claimed);
        return true;
    }

    /// The item goes on later: after the next `republish`. Its handler's words are as the worker left them.
    /// False: the watchdog had given it up.
    constexpr bool put_back(const ClaimedSlot& claimed) { return put_back(claimed, true); }

    /// Takes a claimed or published item out of circulation; a lock that it holds stays locked, since whoever
    /// is stuck in it may not be finished with what the lock guards. False: it was no longer what `status`
    /// says.
    constexpr bool fail(const ClaimedSlot& item, FaultReason reason) {
        if (!change(view_.slots[item.slot], item.status, SlotState::Fault)) {
            return false;
        }
        RingSlot& slot = view_.slots[item.slot];
        if (slot.tenant < view_.tenant_count) {
            atomics_.add(view_.tenants[slot.tenant].faulted, std::uint64_t{1});
        }
        record_fault(item.slot, reason);
        return true;
    }

    /// To be called once after the items of a `claim` that returned more than 0 are given back.
    constexpr void leave() { atomics_.subtract(view_.control->gate, 1U); }

    /// Tells the watchdog what worker `worker` is at.
    constexpr void note_begin(std::uint32_t worker, const ClaimedSlot& claimed, std::uint64_t now) {
        WorkerRecord& record = view_.workers[worker];
        atomics_.store(record.since, now);
        atomics_.store(record.item, std::uint64_t{claimed.slot} << 32 | claimed.status.word);
    }
    constexpr void note_end(std::uint32_t worker) {
        atomics_.store(view_.workers[worker].item, std::uint64_t{0});
    }

    // ---- the one who runs launches ----

    /// Starts an epoch: quotas begin anew, and `workers` workers may make `claims` claims.
    /// Requires: the gate is closed and nobody inside.
    constexpr void open(std::uint32_t workers, std::uint32_t claims) {
        RingControl& control = *view_.control;
        for (std::uint32_t tenant = 0; tenant < view_.tenant_count; ++tenant) {
            atomics_.store(view_.tenants[tenant].taken, 0U);
        }
        atomics_.add(control.epoch, 1U);
        atomics_.store(control.workers_wanted, workers);
        atomics_.store(control.claims_left, claims);
        atomics_.set_bits(control.gate, kOpen);
    }
    /// No claim begins after this. Those inside go on: see `busy`.
    constexpr void close() { atomics_.clear_bits(view_.control->gate, kOpen); }
    [[nodiscard]] constexpr std::uint32_t busy() const { return atomics_.load(view_.control->gate) & ~kOpen; }

    /// Publishes again what was put back, behind the others of its class. Returns how many.
    /// Requires: one caller at a time.
    constexpr std::uint32_t republish() {
        std::uint32_t count = 0;
        // No more than there are now: with the gate open others may put back what is published here.
        for (std::uint64_t left = length(kDeferredQueue); left != 0; --left, ++count) {
            std::uint32_t index = 0;
            if (pop(kDeferredQueue, &index, 1) == 0) {
                break;
            }
            RingSlot& slot = view_.slots[index];
            const std::uint32_t queue = slot.priority;
            const SlotStatus status{atomics_.load(slot.status)};
            std::uint32_t expected = status.with(SlotState::Requeue).word;
            // A new generation, so that a worker given up on earlier cannot finish the item a second time.
            const SlotStatus again = SlotStatus::of(SlotState::Published, status.generation() + 1);
            if (atomics_.exchange_if(slot.status, expected, again.word)) {  // else the watchdog has given it up
                push(queue, index);
            }
        }
        return count;
    }

    /// Lifts waiting items that were published at least `age` epochs ago by one class, from the heads on.
    /// Returns how many. Requires: the gate is closed and nobody inside; one caller at a time.
    constexpr std::uint32_t lift_aged(std::uint32_t age) {
        std::uint32_t count = 0;
        for (std::uint32_t queue = 1; queue < kRingClasses; ++queue) {
            std::uint32_t index = 0;
            for (std::uint64_t left = length(queue); left != 0 && peek(queue, index); --left) {
                RingSlot& slot = view_.slots[index];
                if (age_of(slot) < age || pop(queue, &index, 1) == 0) {
                    break;
                }
                slot.priority = queue - 1;
                push(queue - 1, index);
                ++count;
            }
        }
        return count;
    }

    /// The greatest age, in epochs, of the items at the heads of the classes. Requires: as `lift_aged`.
    [[nodiscard]] constexpr std::uint32_t head_age() const {
        std::uint32_t oldest = 0;
        for (std::uint32_t queue = 0; queue < kRingClasses; ++queue) {
            std::uint32_t index = 0;
            if (peek(queue, index)) {
                const std::uint32_t age = age_of(view_.slots[index]);
                oldest = age > oldest ? age : oldest;
            }
        }
        return oldest;
    }

    /// Gives up every item that a worker has been at since before `now - deadline`. Returns how many.
    constexpr std::uint32_t give_up_stuck(std::uint64_t now, std::uint64_t deadline) {
        std::uint32_t count = 0;
        for (std::uint32_t worker = 0; worker < view_.worker_count; ++worker) {
            const std::uint64_t item = atomics_.load(view_.workers[worker].item);
            const std::uint64_t since = atomics_.load(view_.workers[worker].since);
            const auto index = static_cast<std::uint32_t>(item >> 32);
            if (item != 0 && index < view_.slot_count && now > since && now - since > deadline) {
                const ClaimedSlot stuck{index, {static_cast<std::uint32_t>(item)}};
                count += fail(stuck, FaultReason::StuckWorker) ? 1U : 0U;
            }
        }
        return count;
    }

    /// Gives up one item after a time without any progress: one that was claimed, else one that waits, else one
    /// that was put back.
    constexpr bool give_up_any() {
        return give_up_first(SlotState::Claimed, FaultReason::StuckWorker) ||
               give_up_first(SlotState::Published, FaultReason::NeverClaimed) ||
               give_up_first(SlotState::Requeue, FaultReason::NeverClaimed);
    }

    /// Puts a slot in Fault back into circulation, its item lost. False: it is not in Fault.
    constexpr bool acknowledge(std::uint32_t index) {
        RingSlot& slot = view_.slots[index];
        const SlotStatus status{atomics_.load(slot.status)};
        if (status.state() != SlotState::Fault || !change(slot, status, SlotState::Done)) {
            return false;
        }
        const std::uint32_t lock = slot.argument[kArgLock];
        if (lock != 0 && lock <= view_.lock_count) {
            std::uint32_t holder = index + 1;
            (void)atomics_.exchange_if(view_.locks[lock - 1], holder, 0U);
        }
        release({index, status});
        return true;
    }

    constexpr void shut_down() { atomics_.store(view_.control->shutdown, 1U); }

    // ---- anybody ----

    [[nodiscard]] constexpr bool shutting_down() const { return atomics_.load(view_.control->shutdown) != 0; }
    [[nodiscard]] constexpr std::uint32_t workers_wanted() const {
        return atomics_.load(view_.control->workers_wanted);
    }
    [[nodiscard]] constexpr std::uint32_t claims_left() const {
        return atomics_.load(view_.control->claims_left);
    }
    [[nodiscard]] constexpr std::uint32_t epoch() const { return atomics_.load(view_.control->epoch); }
    /// Zero: everything that was ever published is done, and its results are visible to the caller.
    [[nodiscard]] constexpr std::uint64_t in_flight() const { return atomics_.load(view_.control->in_flight); }
    [[nodiscard]] constexpr std::uint64_t faults() const { return atomics_.load(view_.control->faults); }
    /// Items that wait in the queues of the classes. A snapshot.
    [[nodiscard]] constexpr std::uint64_t waiting() const {
        std::uint64_t sum = 0;
        for (std::uint32_t queue = 0; queue < kRingClasses; ++queue) {
            sum += length(queue);
        }
        return sum;
    }
    [[nodiscard]] constexpr std::uint64_t deferred() const { return length(kDeferredQueue); }
    /// Grows with everything that happens to items.
    [[nodiscard]] constexpr std::uint64_t progress() const {
        RingControl& control = *view_.control;
        return word(control.done) + word(control.published) + word(control.claimed) + word(control.requeued);
    }
    [[nodiscard]] constexpr const RingView& view() const { return view_; }
    /// Reads a control word that others may be writing.
    template <class Word>
    [[nodiscard]] constexpr Word word(Word& value) const {
        return atomics_.load(value);
    }
    /// The first fault, once there is one and its record is complete; `reason` is None before.
    [[nodiscard]] constexpr FaultRecord first_fault() const {
        FaultRecord& record = view_.control->first_fault;
        return atomics_.load(record.reason) == 0 ? FaultRecord{} : record;
    }

private:
    constexpr bool change(RingSlot& slot, SlotStatus from, SlotState to) {
        std::uint32_t expected = from.word;
        return atomics_.exchange_if(slot.status, expected, from.with(to).word);
    }

    /// Done or acknowledged: the slot is free, and only then is the item out of flight.
    constexpr void release(const ClaimedSlot& claimed) {
        RingSlot& slot = view_.slots[claimed.slot];
        atomics_.store(slot.status, claimed.status.with(SlotState::Empty).word);
        push(kFreeQueue, claimed.slot);
        atomics_.subtract(view_.control->in_flight, std::uint64_t{1});
    }

    /// Takes up to `wanted` of the claims that the launch has left.
    constexpr std::uint32_t take_claims(std::uint32_t wanted) {
        std::uint32_t& left = view_.control->claims_left;
        std::uint32_t now = atomics_.load(left);
        while (true) {
            const std::uint32_t taken = wanted < now ? wanted : now;
            if (taken == 0 || atomics_.exchange_if(left, now, now - taken)) {
                return taken;
            }
        }
    }

    /// Claims a popped slot. False: it was put back or is a fault.
    constexpr bool claim_slot(std::uint32_t index, ClaimedSlot& claimed) {
        if (index >= view_.slot_count) {
            record_fault(index, FaultReason::BadIndex);
            return false;
        }
        RingSlot& slot = view_.slots[index];
        const SlotStatus status{atomics_.load(slot.status)};
        if (status.state() != SlotState::Published || !change(slot, status, SlotState::Claimed)) {
            // The watchdog may have given it up while it waited; anything else is a broken queue.
            if (status.state() != SlotState::Published && status.state() != SlotState::Fault) {
                record_fault(index, FaultReason::BadIndex);
            }
            return false;
        }
        atomics_.add(view_.control->claimed, std::uint64_t{1});
        claimed = {index, status.with(SlotState::Claimed)};
        if (slot.tenant >= view_.tenant_count) {
            fail(claimed, FaultReason::UnknownTenant);
            return false;
        }
        if (slot.argument[kArgLock] > view_.lock_count) {
            fail(claimed, FaultReason::UnknownLock);
            return false;
        }
        if (slot.opcode >= view_.opcode_count) {
            fail(claimed, FaultReason::UnknownOpcode);
            return false;
        }
        return may_run(claimed);
    }

    /// Quota first, then lock: an item that waits for its lock gives its share of the quota back.
    constexpr bool may_run(const ClaimedSlot& claimed) {
        RingSlot& slot = view_.slots[claimed.slot];
        TenantControl& tenant = view_.tenants[slot.tenant];
        const std::uint32_t lock = slot.argument[kArgLock];
        if (tenant.quota != 0 && atomics_.add(tenant.taken, 1U) >= tenant.quota) {
            atomics_.subtract(tenant.taken, 1U);
            put_back(claimed, false);
            return false;
        }
        std::uint32_t holder = 0;
        if (lock != 0 && !atomics_.exchange_if(view_.locks[lock - 1], holder, claimed.slot + 1)) {
            if (tenant.quota != 0) {
                atomics_.subtract(tenant.taken, 1U);
            }
            put_back(claimed, false);
            return false;
        }
        const std::uint32_t starvation = atomics_.load(view_.control->starvation_epochs);
        if (starvation != 0 && age_of(slot) > starvation) {
            atomics_.add(tenant.starved, std::uint64_t{1});
        }
        return true;
    }

    constexpr bool put_back(const ClaimedSlot& claimed, bool holds_lock) {
        RingSlot& slot = view_.slots[claimed.slot];
        RingControl& control = *view_.control;
        const std::uint32_t tenant = slot.tenant;
        const std::uint32_t lock = slot.argument[kArgLock];
        const std::uint32_t age = age_of(slot);
        if (!change(slot, claimed.status, SlotState::Requeue)) {
            return false;
        }
        ++slot.argument[kArgPutBack];
        if (holds_lock) {
            unlock(lock);
        }
        atomics_.add(view_.tenants[tenant].requeued, std::uint64_t{1});
        atomics_.add(control.requeued, std::uint64_t{1});
        std::uint32_t oldest = atomics_.load(control.requeued_age_max);
        while (oldest < age && !atomics_.exchange_if(control.requeued_age_max, oldest, age)) {
        }
        atomics_.at(RingPoint::BeforeDefer);
        push(kDeferredQueue, claimed.slot);
        return true;
    }

    /// Epochs since the item was published.
    [[nodiscard]] constexpr std::uint32_t age_of(const RingSlot& slot) const {
        return atomics_.load(view_.control->epoch) - slot.argument[kArgBornEpoch];
    }

    constexpr void unlock(std::uint32_t lock) {
        if (lock != 0) {
            atomics_.store(view_.locks[lock - 1], 0U);
        }
    }

    constexpr void record_fault(std::uint32_t index, FaultReason reason) {
        RingControl& control = *view_.control;
        FaultRecord& record = control.first_fault;
        std::uint32_t nobody = 0;
        if (atomics_.exchange_if(record.writer, nobody, 1U)) {
            record.slot = index;
            if (index < view_.slot_count) {
                const RingSlot& slot = view_.slots[index];
                record.opcode = slot.opcode;
                record.tenant = slot.tenant;
                record.ticket = slot.argument[kArgTicket];
            }
            atomics_.store(record.reason, static_cast<std::uint32_t>(reason));
        }
        atomics_.add(control.faults, std::uint64_t{1});
    }

    constexpr bool give_up_first(SlotState state, FaultReason reason) {
        for (std::uint32_t index = 0; index < view_.slot_count; ++index) {
            const SlotStatus status{atomics_.load(view_.slots[index].status)};
            if (status.state() == state && fail({index, status}, reason)) {
                return true;
            }
        }
        return false;
    }

    // ---- index queues ----

    [[nodiscard]] constexpr std::uint64_t length(std::uint32_t queue) const {
        QueueTickets& tickets = view_.control->queues[queue];
        // The head first: the tail that is read later is not behind it.
        const std::uint64_t head = atomics_.load(tickets.head);
        return atomics_.load(tickets.tail) - head;
    }

    [[nodiscard]] constexpr std::uint64_t& cell(std::uint32_t queue, std::uint64_t ticket) const {
        const std::uint64_t mask = (std::uint64_t{1} << view_.capacity_log2) - 1;
        return view_.cells[(std::uint64_t{queue} << view_.capacity_log2) + (ticket & mask)];
    }
    [[nodiscard]] constexpr std::uint32_t lap(std::uint64_t ticket) const {
        return static_cast<std::uint32_t>(ticket >> view_.capacity_log2) + 1;
    }

    /// The place of a ticket is free: no more indices are in the queue than it has places, so the index of one
    /// lap earlier was popped, and a popper reads before it pops.
    constexpr void push(std::uint32_t queue, std::uint32_t index) {
        const std::uint64_t ticket = atomics_.add(view_.control->queues[queue].tail, std::uint64_t{1});
        atomics_.store(cell(queue, ticket), std::uint64_t{lap(ticket)} << 32 | index);
    }

    /// The index that the next pop gives, if there is one.
    constexpr bool peek(std::uint32_t queue, std::uint32_t& index) const {
        const std::uint64_t head = atomics_.load(view_.control->queues[queue].head);
        const std::uint64_t entry = atomics_.load(cell(queue, head));
        index = static_cast<std::uint32_t>(entry);
        return static_cast<std::uint32_t>(entry >> 32) == lap(head);
    }

    /// Up to `wanted` indices in the order of their tickets. A ticket whose pusher has not written yet hides
    /// those behind it: the popper goes away instead of waiting.
    constexpr std::uint32_t pop(std::uint32_t queue, std::uint32_t* indices, std::uint32_t wanted) {
        std::uint64_t& head = view_.control->queues[queue].head;
        std::uint64_t first = atomics_.load(head);
        while (true) {
            std::uint32_t found = 0;
            for (; found < wanted; ++found) {
                const std::uint64_t entry = atomics_.load(cell(queue, first + found));
                if (static_cast<std::uint32_t>(entry >> 32) != lap(first + found)) {
                    break;
                }
                indices[found] = static_cast<std::uint32_t>(entry);
            }
            if (found == 0) {
                const std::uint64_t now = atomics_.load(head);
                if (now == first) {
                    return 0;
                }
                first = now;
                continue;
            }
            atomics_.at(RingPoint::BeforePop);
            if (atomics_.exchange_if(head, first, first + found)) {
                return found;
            }
        }
    }

    RingView view_;
    Atomics atomics_;
};

}  // namespace megabed
