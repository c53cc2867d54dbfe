#pragma once

#include "sim/ring/ring_layout.h"
#include "sim/ring/ring_publish.h"
#include "sim/ring/ring_team.h"

#include <cstdint>

namespace megabed {

/// A lane's part of a batch that was claimed: all of it, where a thread is alone.
template <class Team>
struct ClaimedShare {
    ClaimedSlot item[Team::kShare] = {};
    std::uint32_t count = 0;
};

/// The bounded ring between publishers and workers, the same source on host and device.
/// `Atomics` gives loads, stores and read-modify-writes of plain words in the orders that their names say (no
/// name: acquire, release, both), `pause(round)` and `at(RingPoint)`. Batch forms take the team that carries
/// them out (ring_team.h); the forms without one are for a thread alone. Nothing here waits for more than two
/// steps of another thread (RingQueues). States, orders of memory and the reasons: sim/ring/PROTOCOL.md.
template <class Atomics>
class Ring : public RingPublish<Atomics> {
    using Publish = RingPublish<Atomics>;
    using Publish::atomics_;
    using Publish::queues_;
    using Publish::view_;

public:
    using Publish::fail;
    using Publish::waiting;

    static constexpr std::uint32_t kOpen = 0x8000'0000;
    static constexpr std::uint32_t kBatchMax = kRingBatch;
    static constexpr std::uint32_t kClaimsMax = 0x7fff'ffff;

    constexpr explicit Ring(const RingView& view, Atomics atomics = {}) : Publish(view, atomics) {}

    // ---- workers ----

    /// Whether a worker that looks now would find something. Loads only: polling writes nothing.
    [[nodiscard]] constexpr bool claimable() const {
        RingControl& control = *view_.control;
        return (atomics_.load(control.gate) & kOpen) != 0 && atomics_.load_relaxed(control.claims_left) > 0 &&
               waiting() != 0;
    }

    /// Enters the gate and claims up to `wanted` items that may run now into `claimed`. Each is to be given
    /// back by `complete`, `put_back` or `fail`; then `leave`, if any was claimed.
    /// Items whose quota is used up or whose lock is taken are put back; bad ones become faults.
    /// Requires: wanted <= kBatchMax.
    constexpr std::uint32_t claim(std::uint32_t wanted, ClaimedSlot* claimed) {
        return wanted == 1 ? claim_alone<SingleItem>(1, claimed) : claim_alone<SoloTeam>(wanted, claimed);
    }

    /// As above, by a team: one step on each counter for the whole batch. Returns the sum of the shares.
    /// Requires: wanted <= Team::kLanes * Team::kShare.
    template <class Team>
    constexpr std::uint32_t claim(const Team& team, std::uint32_t wanted, ClaimedShare<Team>& mine) {
        mine.count = 0;
        std::uint32_t granted = team.leads() ? enter(wanted) : 0;
        granted = static_cast<std::uint32_t>(team.of_leader(granted));
        if (granted == 0) {
            return 0;
        }
        std::uint32_t indices[Team::kShare] = {};
        std::uint32_t have = 0;
        std::uint32_t popped = 0;
        for (std::uint32_t queue = 0; queue < kRingClasses && popped < granted; ++queue) {
            // What is not popped yet of the lane's share.
            const std::uint32_t share = team.rank() * Team::kShare;
            const std::uint32_t from = share > popped ? share : popped;
            const std::uint32_t to = share + Team::kShare < granted ? share + Team::kShare : granted;
            std::uint32_t part = from < to ? to - from : 0;
            popped += queues_.pop(team, queue, indices + have, part);
            have += part;
        }
        atomics_.at(RingPoint::AfterPop);
        std::uint32_t taken = 0;
        for (std::uint32_t at = 0; at < have; ++at) {
            if (take_slot(indices[at], mine.item[mine.count])) {
                ++taken;
                mine.count += may_run(mine.item[mine.count]) ? 1U : 0U;
            }
        }
        taken = team.sum(taken);
        const std::uint32_t runnable = team.sum(mine.count);
        team.sync();
        if (team.leads()) {
            atomics_.note(view_.control->claimed, std::uint64_t{taken});
            if (popped < granted) {
                return_claims(granted - popped);
            }
            if (runnable == 0) {
                leave();
            }
        }
        return runnable;
    }

    /// The item is finished, and everything it published is published. False: the watchdog had given it up.
    constexpr bool complete(const ClaimedSlot& claimed) { return complete(SingleItem{}, &claimed, 1) != 0; }

    /// As above, the first `count` of each lane's items. Returns how many of the team's had not been given up.
    /// Requires: count <= Team::kShare.
    template <class Team>
    constexpr std::uint32_t complete(const Team& team, const ClaimedSlot* claimed, std::uint32_t count) {
        return complete(team, claimed, count, [](std::uint32_t /*at*/) {});
    }

    /// As above, and calls `tell(at)` for each of the lane's items that was not given up as soon as it is
    /// marked as done, before it is counted: counting takes longer than whoever waits for the item likes to
    /// wait.
    template <class Team, class Tell>
    constexpr std::uint32_t complete(const Team& team, const ClaimedSlot* claimed, std::uint32_t count,
                                     Tell tell) {
        std::uint32_t opcodes[Team::kShare] = {};
        std::uint32_t tenants[Team::kShare] = {};
        ClaimedSlot finished[Team::kShare] = {};
        std::uint32_t mine = 0;
        atomics_.at(RingPoint::BeforeDone);
        for (std::uint32_t at = 0; at < count; ++at) {
            RingSlot& slot = view_.slots[claimed[at].slot];
            const std::uint32_t opcode = slot.opcode;
            const std::uint32_t tenant = slot.tenant;
            const std::uint32_t lock = slot.argument[kArgLock];
            std::uint32_t expected = claimed[at].status.word;
            if (atomics_.exchange_if_release(slot.status, expected,
                                             claimed[at].status.with(SlotState::Done).word)) {
                unlock(lock);
                tell(at);
                opcodes[mine] = opcode;
                tenants[mine] = tenant;
                finished[mine++] = claimed[at];
            }
        }
        atomics_.at(RingPoint::BeforeCount);
        const std::uint32_t total = team.sum(mine);
        if (total != 0) {
            count_done(team, opcodes, tenants, mine);
            atomics_.at(RingPoint::BeforeFree);
            release(team, finished, mine);
        }
        return total;
    }

    /// The item goes on later: after the next `republish`. Its handler's words are as the worker left them.
    /// False: the watchdog had given it up.
    constexpr bool put_back(const ClaimedSlot& claimed) { return put_back(claimed, true); }

    /// To be called once after the items of a `claim` that returned more than 0 are given back.
    constexpr void leave() { atomics_.note_after(view_.control->gate, ~0U); }  // adds -1
    template <class Team>
    constexpr void leave(const Team& team) {
        team.sync();
        if (team.leads()) {
            leave();
        }
    }

    /// Takes up to `wanted` of the claims that the launch has left. Never more than there are: one who asks
    /// for too many gives them back, and meanwhile others see too few.
    constexpr std::uint32_t take_claims(std::uint32_t wanted) {
        std::int32_t& left = view_.control->claims_left;
        const std::int32_t seen = atomics_.load_relaxed(left);
        const auto most = static_cast<std::int32_t>(wanted);
        const std::int32_t ask = seen < most ? seen : most;
        if (ask <= 0) {
            return 0;
        }
        const std::int32_t found = atomics_.add_relaxed(left, -ask);
        const std::int32_t got = found < 0 ? 0 : (found < ask ? found : ask);
        if (got != ask) {
            atomics_.note(left, ask - got);
        }
        return static_cast<std::uint32_t>(got);
    }
    constexpr void return_claims(std::uint32_t claims) {
        atomics_.note(view_.control->claims_left, static_cast<std::int32_t>(claims));
    }

    // ---- the one who runs launches ----

    /// Starts an epoch: quotas begin anew, and `workers` workers may make `claims` claims.
    /// Requires: the gate is closed and nobody inside.
    constexpr void open(std::uint32_t workers, std::uint32_t claims) {
        RingControl& control = *view_.control;
        for (std::uint32_t tenant = 0; tenant < view_.tenant_count; ++tenant) {
            atomics_.store_relaxed(view_.tenants[tenant].taken, 0U);  // the gate puts it before every claim
        }
        atomics_.add(control.epoch, 1U);
        atomics_.store(control.workers_wanted, workers);
        atomics_.store(control.claims_left,
                       static_cast<std::int32_t>(claims < kClaimsMax ? claims : kClaimsMax));
        atomics_.set_bits(control.gate, kOpen);
    }
    /// No claim begins after this. Those inside go on: see `busy`.
    constexpr void close() { atomics_.clear_bits(view_.control->gate, kOpen); }
    [[nodiscard]] constexpr std::uint32_t busy() const { return atomics_.load(view_.control->gate) & ~kOpen; }

    /// Publishes again what was put back, behind the others of its class. Returns how many.
    constexpr std::uint32_t republish() { return republish(SoloTeam{}); }
    template <class Team>
    constexpr std::uint32_t republish(const Team& team) {
        // No more than there are now: with the gate open others may put back what is published here.
        std::uint64_t left = team.of_leader(queues_.length(kDeferredQueue));
        std::uint32_t count = 0;
        while (left != 0) {
            const std::uint32_t share = team.rank() * Team::kShare;
            const std::uint64_t rest = left > share ? left - share : 0;
            std::uint32_t mine = rest < Team::kShare ? static_cast<std::uint32_t>(rest) : Team::kShare;
            std::uint32_t indices[Team::kShare] = {};
            const std::uint32_t got = queues_.pop(team, kDeferredQueue, indices, mine);
            if (got == 0) {
                break;
            }
            for (std::uint32_t at = 0; at < mine; ++at) {
                publish_again(indices[at]);
            }
            left -= got;
            count += got;
        }
        team.sync();
        return count;
    }

    /// Lifts waiting items that were published at least `age` epochs ago by one class, from the heads on.
    /// Returns how many. Requires: the gate is closed and nobody inside; one caller at a time.
    constexpr std::uint32_t lift_aged(std::uint32_t age) {
        std::uint32_t count = 0;
        for (std::uint32_t queue = 1; queue < kRingClasses; ++queue) {
            std::uint32_t index = 0;
            for (std::uint64_t left = queues_.length(queue); left != 0 && queues_.peek(queue, index); --left) {
                RingSlot& slot = view_.slots[index];
                if (age_of(slot) < age || !queues_.pop(queue, index)) {
                    break;
                }
                slot.priority = queue - 1;
                queues_.push(queue - 1, index);
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
            if (queues_.peek(queue, index)) {
                const std::uint32_t age = age_of(view_.slots[index]);
                oldest = age > oldest ? age : oldest;
            }
        }
        return oldest;
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
        const ClaimedSlot freed{index, status};
        release(SingleItem{}, &freed, 1);
        return true;
    }

    constexpr void shut_down() { atomics_.store(view_.control->shutdown, 1U); }

private:
    using Publish::change;
    using Publish::record_fault;

    constexpr void publish_again(std::uint32_t index) {
        RingSlot& slot = view_.slots[index];
        const std::uint32_t queue = slot.priority;
        const SlotStatus status{atomics_.load(slot.status)};
        std::uint32_t expected = status.with(SlotState::Requeue).word;
        // A new generation, so that a worker given up on earlier cannot finish the item a second time.
        const SlotStatus again = SlotStatus::of(SlotState::Published, status.generation() + 1);
        if (atomics_.exchange_if(slot.status, expected, again.word)) {  // else the watchdog has given it up
            queues_.push(queue, index);
        }
    }

    /// Marked as done by every lane; now they count.
    template <class Team>
    constexpr void count_done(const Team& team, const std::uint32_t* opcodes, const std::uint32_t* tenants,
                              std::uint32_t mine) {
        const std::uint32_t total = team.sum(mine);
        team.sync();
        team.by_key(opcodes, mine, [this](std::uint32_t opcode, std::uint32_t times) {
            atomics_.note_after(view_.done_by_opcode[opcode], std::uint64_t{times});
        });
        team.by_key(tenants, mine, [this](std::uint32_t tenant, std::uint32_t times) {
            atomics_.note_after(view_.tenants[tenant].done, std::uint64_t{times});
        });
        team.sync();
        if (team.leads()) {
            atomics_.note_after(view_.control->done, std::uint64_t{total});
        }
    }

    /// Done or acknowledged: the slots are free, and only then are the items out of flight.
    template <class Team>
    constexpr void release(const Team& team, const ClaimedSlot* freed, std::uint32_t mine) {
        std::uint32_t indices[Team::kShare] = {};
        for (std::uint32_t at = 0; at < mine; ++at) {
            indices[at] = freed[at].slot;
            atomics_.store_relaxed(view_.slots[indices[at]].status,
                                   freed[at].status.with(SlotState::Empty).word);
        }
        queues_.push(team, kFreeQueue, indices, mine);  // releases the line above
        const std::uint32_t total = team.sum(mine);
        if (team.leads()) {
            atomics_.note_after(view_.control->in_flight, ~std::uint64_t{total} + 1);  // minus
        }
    }

    template <class Team>
    constexpr std::uint32_t claim_alone(std::uint32_t wanted, ClaimedSlot* claimed) {
        ClaimedShare<Team> batch;
        const std::uint32_t count = claim(Team{}, wanted, batch);
        for (std::uint32_t at = 0; at < count; ++at) {
            claimed[at] = batch.item[at];
        }
        return count;
    }

    /// Goes through the gate, if it is open. Returns the claims granted; 0: outside again.
    constexpr std::uint32_t enter(std::uint32_t wanted) {
        if (!claimable()) {
            return 0;
        }
        const bool inside = (atomics_.add_acquire(view_.control->gate, 1U) & kOpen) != 0;
        const std::uint32_t granted = inside ? take_claims(wanted) : 0;
        if (granted == 0) {
            leave();
        }
        return granted;
    }

    /// Claims a popped slot. False: it is a fault.
    constexpr bool take_slot(std::uint32_t index, ClaimedSlot& claimed) {
        if (index >= view_.slot_count) {
            record_fault(index, FaultReason::BadIndex);
            return false;
        }
        RingSlot& slot = view_.slots[index];
        // The cell that named the slot has brought its fields along; here only the watchdog may be faster.
        const SlotStatus status{atomics_.load_relaxed(slot.status)};
        std::uint32_t expected = status.word;
        if (status.state() != SlotState::Published ||
            !atomics_.exchange_if_relaxed(slot.status, expected, status.with(SlotState::Claimed).word)) {
            // The watchdog may have given it up while it waited; anything else is a broken queue.
            if (status.state() != SlotState::Published && status.state() != SlotState::Fault) {
                record_fault(index, FaultReason::BadIndex);
            }
            return false;
        }
        claimed = {index, status.with(SlotState::Claimed)};
        return true;
    }

    /// Whether a claimed item may go on to a worker. False: it was put back, or it is a bad one and a fault.
    constexpr bool may_run(const ClaimedSlot& claimed) {
        const RingSlot& slot = view_.slots[claimed.slot];
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
        return has_turn(claimed);
    }

    /// Quota first, then lock: an item that waits for its lock gives its share of the quota back.
    constexpr bool has_turn(const ClaimedSlot& claimed) {
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
            atomics_.note(tenant.starved, std::uint64_t{1});
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
        atomics_.note(view_.tenants[tenant].requeued, std::uint64_t{1});
        atomics_.note(control.requeued, std::uint64_t{1});
        std::uint32_t oldest = atomics_.load(control.requeued_age_max);
        while (oldest < age && !atomics_.exchange_if(control.requeued_age_max, oldest, age)) {
        }
        atomics_.at(RingPoint::BeforeDefer);
        queues_.push(kDeferredQueue, claimed.slot);
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
};

}  // namespace megabed
