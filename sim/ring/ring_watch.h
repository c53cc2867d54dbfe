#pragma once

#include "sim/ring/ring_layout.h"
#include "sim/ring/ring_queues.h"

#include <cstdint>

namespace megabed {

/// The part of a ring that looks on: what anybody may read, and what a watchdog does about items that do not
/// come to an end. `Ring` adds what moves them.
template <class Atomics>
class RingWatch {
public:
    constexpr RingWatch(const RingView& view, Atomics atomics)
        : view_(view), atomics_(atomics), queues_(view, atomics) {}

    // ---- anybody ----

    [[nodiscard]] constexpr bool shutting_down() const { return atomics_.load(view_.control->shutdown) != 0; }
    [[nodiscard]] constexpr std::uint32_t workers_wanted() const {
        return atomics_.load(view_.control->workers_wanted);
    }
    [[nodiscard]] constexpr std::uint32_t claims_left() const {
        const std::int32_t left = atomics_.load(view_.control->claims_left);
        return left > 0 ? static_cast<std::uint32_t>(left) : 0;
    }
    [[nodiscard]] constexpr std::uint32_t epoch() const { return atomics_.load(view_.control->epoch); }
    /// Zero: everything that was ever published is done, and its results are visible to the caller.
    [[nodiscard]] constexpr std::uint64_t in_flight() const { return atomics_.load(view_.control->in_flight); }
    [[nodiscard]] constexpr std::uint64_t faults() const { return atomics_.load(view_.control->faults); }
    /// Items that wait in the queues of the classes. A snapshot.
    [[nodiscard]] constexpr std::uint64_t waiting() const {
        std::uint64_t sum = 0;
        for (std::uint32_t queue = 0; queue < kRingClasses; ++queue) {
            sum += queues_.length(queue);
        }
        return sum;
    }
    [[nodiscard]] constexpr std::uint64_t deferred() const { return queues_.length(kDeferredQueue); }
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

    // ---- faults ----

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

    /// An item that `publish` refused, from one who cannot be told: a fault without a slot.
    constexpr void refuse(const RingItem& item, FaultReason reason) {
        RingSlot unpublished;
        unpublished.opcode = item.opcode;
        unpublished.tenant = item.tenant;
        record_fault(kNoSlot, unpublished, reason);
    }

    /// Tells the watchdog what worker `worker` is at.
    constexpr void note_begin(std::uint32_t worker, const ClaimedSlot& claimed, std::uint64_t now) {
        WorkerRecord& record = view_.workers[worker];
        atomics_.store_relaxed(record.since, now);  // the next line brings it along
        atomics_.store(record.item, std::uint64_t{claimed.slot} << 32 | claimed.status.word);
    }
    constexpr void note_end(std::uint32_t worker) {
        atomics_.store_relaxed(view_.workers[worker].item, std::uint64_t{0});
    }

    /// Gives up every item that a worker has been at since before `now - deadline`. Returns how many.
    constexpr std::uint32_t give_up_stuck(std::uint64_t now, std::uint64_t deadline) {
        std::uint32_t count = 0;
        for (std::uint32_t worker = 0; worker < view_.worker_count; ++worker) {
            count += give_up_stuck(worker, now, deadline) ? 1U : 0U;
        }
        return count;
    }
    /// As above, of one worker.
    constexpr bool give_up_stuck(std::uint32_t worker, std::uint64_t now, std::uint64_t deadline) {
        const std::uint64_t item = atomics_.load(view_.workers[worker].item);
        const std::uint64_t since = atomics_.load(view_.workers[worker].since);
        const auto index = static_cast<std::uint32_t>(item >> 32);
        const ClaimedSlot stuck{index, {static_cast<std::uint32_t>(item)}};
        return item != 0 && index < view_.slot_count && now > since && now - since > deadline &&
               fail(stuck, FaultReason::StuckWorker);
    }
    /// Whether the worker is still at an item that was given up.
    [[nodiscard]] constexpr bool is_stuck(std::uint32_t worker) const {
        const std::uint64_t item = atomics_.load(view_.workers[worker].item);
        const auto index = static_cast<std::uint32_t>(item >> 32);
        return item != 0 && index < view_.slot_count &&
               SlotStatus{atomics_.load(view_.slots[index].status)}.state() == SlotState::Fault;
    }

    /// Gives up one item after a time without any progress: one that was claimed, else one that waits, else one
    /// that was put back.
    constexpr bool give_up_any() {
        return give_up_first(SlotState::Claimed, FaultReason::StuckWorker) ||
               give_up_first(SlotState::Published, FaultReason::NeverClaimed) ||
               give_up_first(SlotState::Requeue, FaultReason::NeverClaimed);
    }

protected:
    constexpr bool change(RingSlot& slot, SlotStatus from, SlotState to) {
        std::uint32_t expected = from.word;
        return atomics_.exchange_if(slot.status, expected, from.with(to).word);
    }

    constexpr void record_fault(std::uint32_t index, FaultReason reason) {
        record_fault(index, index < view_.slot_count ? view_.slots[index] : RingSlot{}, reason);
    }
    constexpr void record_fault(std::uint32_t index, const RingSlot& slot, FaultReason reason) {
        RingControl& control = *view_.control;
        FaultRecord& record = control.first_fault;
        std::uint32_t nobody = 0;
        if (atomics_.exchange_if(record.writer, nobody, 1U)) {
            record.slot = index;
            record.opcode = slot.opcode;
            record.tenant = slot.tenant;
            record.ticket = slot.argument[kArgTicket];
            atomics_.store(record.reason, static_cast<std::uint32_t>(reason));
        }
        atomics_.add(control.faults, std::uint64_t{1});
    }

    RingView view_;
    Atomics atomics_;
    RingQueues<Atomics> queues_;

private:
    constexpr bool give_up_first(SlotState state, FaultReason reason) {
        for (std::uint32_t index = 0; index < view_.slot_count; ++index) {
            const SlotStatus status{atomics_.load(view_.slots[index].status)};
            if (status.state() == state && fail({index, status}, reason)) {
                return true;
            }
        }
        return false;
    }
};

}  // namespace megabed
