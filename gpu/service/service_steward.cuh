#pragma once

#include "gpu/service/service_group.cuh"
#include "policy/units.h"

namespace megabed {

/// The warp between host and ring: it takes items out of the inbox and publishes them, carries out commands,
/// decides when a launch is over, watches over the groups and tells the host how far they are. It never sleeps:
/// each round waits for one look across PCIe. Called by one whole warp.
class ServiceSteward {
public:
    /// Entries of one look.
    static constexpr std::uint32_t kLooks = 4;
    static constexpr std::uint32_t kEntries = 2 * kLooks;
    /// What the launch that is on goes by.
    struct Launch {
        std::uint64_t end = 0;
        std::uint64_t closing_since = 0;
        std::uint64_t watched = 0;
        std::uint64_t progress_seen = 0;
        std::uint64_t progress_time = 0;
        std::uint64_t republished_at = 0;
        std::uint64_t republished_time = 0;
    };
    /// In shared memory: what all lanes read and the leader alone writes, to spare registers; and the items of
    /// a look, which the lanes that read them hand to those that publish them.
    struct Board {
        std::uint32_t words[kEntries][kMailWords];
        ServiceMemory memory;  ///< what others write of it is not read here
        Launch launch;
    };

    __device__ ServiceSteward(const ServiceState& state, Board& board)
        : state_(state),
          board_(board),
          ring_(state.ring),
          lane_(team_.rank()),
          memory_(board.memory),
          launch_(board.launch) {
        set([&] {
            memory_ = *state.memory;
            launch_ = Launch{};
        });
    }

    __device__ void serve() {
        while (true) {
            look();
            const MailWord abort = __shfl_sync(kAll, static_cast<unsigned long long>(bell_), kAbortWord);
            if (abort == kAbortByTrap) {
                __trap();
            }
            if (abort != 0) {
                leave();
                return;
            }
            const bool ordered = phase_ == Phase::Idle && has_command();
            if (ordered && command_kind() == ServiceCommand::Ping) {
                note_command();
                send_answer(0);
                continue;  // at once: pings tell the clocks apart
            }
            deliver();
            report_done();
            if (phase_ != Phase::Idle) {
                run_on();
            }
            if (ordered && carry_out_command() == ServiceCommand::Park) {
                leave();
                return;
            }
        }
    }

private:
    enum class Phase : std::uint8_t { Idle, Open, Closing };
    static constexpr unsigned kAll = 0xffff'ffff;
    static constexpr std::uint32_t kHalf = kMailWords;        ///< lanes that read one entry
    static constexpr std::uint32_t kStock = 32;               ///< claims it keeps for items it carries out
    static constexpr std::uint64_t kLookAgainAfter = 50'000;  ///< ns until what was put back is looked at again

    [[nodiscard]] __device__ static std::uint32_t groups() { return gridDim.x - 1; }

    /// Lets the leader write what all lanes read.
    template <class Write>
    __device__ void set(Write write) {
        team_.sync();
        if (team_.leads()) {
            write();
        }
        team_.sync();
    }

    // ---- looking ----

    /// Loads everything that a round goes by, the far words first; they arrive together.
    __device__ void look() {
        const std::uint64_t mask = (std::uint64_t{1} << state_.mail.inbox_log2) - 1;
#pragma unroll
        for (std::uint32_t look = 0; look < kLooks; ++look) {
            MailEntry& entry = state_.mail.inbox[(memory_.taken + 2 * look + lane_ / kHalf) & mask];
            mail_[look] = SystemAtomics::load_relaxed(entry.word[lane_ % kHalf]);
        }
        bell_ = SystemAtomics::load_relaxed(state_.mail.desk->bell[lane_]);
        // One lane looks, since two might see two values, and what is decided by them must be one thing.
        if (team_.leads()) {
            RingControl& control = *state_.ring.control;
            done_ = DeviceAtomics::load_relaxed(control.done);
            in_flight_ = DeviceAtomics::load_relaxed(control.in_flight);
            claims_left_ = DeviceAtomics::load_relaxed(control.claims_left);
            faults_ = DeviceAtomics::load_relaxed(control.faults);
            waiting_ = ring_.waiting();
            deferred_ = ring_.deferred();
        }
        done_ = led(done_);
        in_flight_ = led(in_flight_);
        claims_left_ = __shfl_sync(kAll, claims_left_, 0);
        faults_ = led(faults_);
        waiting_ = led(waiting_);
        deferred_ = led(deferred_);
        now_ = team_.of_leader(device_clock());
    }

    /// The leader's value, where no memory has to be ordered.
    [[nodiscard]] __device__ static std::uint64_t led(std::uint64_t value) {
        return __shfl_sync(kAll, static_cast<unsigned long long>(value), 0);
    }

    /// Lanes whose word of a look belongs to the item that is expected there.
    [[nodiscard]] __device__ unsigned fitting_lanes(std::uint32_t look) const {
        const std::uint64_t ticket = memory_.taken + 2 * look + lane_ / kHalf;
        return __ballot_sync(kAll, mail_tag(mail_[look]) == mail_lap(ticket, state_.mail.inbox_log2));
    }

    /// How many whole items lie at the front of what was looked at.
    [[nodiscard]] __device__ std::uint32_t whole_entries() const {
        if ((fitting_lanes(0) & 0xffffU) != 0xffffU) {
            return 0;  // most looks
        }
        std::uint32_t count = 0;
        bool gap = false;
#pragma unroll
        for (std::uint32_t look = 0; look < kLooks; ++look) {
            const unsigned fitting = fitting_lanes(look);
            for (std::uint32_t half = 0; half < 2; ++half) {
                gap = gap || (fitting >> (kHalf * half) & 0xffffU) != 0xffffU;
                count += gap ? 0U : 1U;
            }
        }
        return count;
    }

    // ---- items ----

    /// Takes items out of the inbox: those that may go at once it carries out, the others go into the ring.
    __device__ void deliver() {
        const std::uint32_t count = whole_entries();
        mail_seen_ = count != 0;
        if (count == 0) {
            return;
        }
#pragma unroll
        for (std::uint32_t look = 0; look < kLooks; ++look) {
            board_.words[2 * look + lane_ / kHalf][lane_ % kHalf] = mail_value(mail_[look]);
        }
        team_.sync();
        RingItem item;
        bool express = false;
        std::uint32_t entry = 0;
        if (lane_ < count) {
            const std::uint32_t* const words = board_.words[lane_];
            item.opcode = words[kItemOpcode];
            item.tenant = words[kItemTenant];
            item.priority = words[kItemPriority];
            item.lock = words[kItemLock];
            for (std::uint32_t word = 0; word < kHandlerWords; ++word) {
                item.argument[word] = words[kItemArgument + word];
            }
            entry = words[kItemEntry];
            express = words[kItemExpress] != 0 && item.tenant < state_.ring.tenant_count &&
                      item.opcode < state_.ring.opcode_count;
        }
        // Only the first ones, so that none overtakes another of its class, and only past an empty ring.
        const auto others = static_cast<int>(~__ballot_sync(kAll, express));
        std::uint32_t at_once = others == 0 ? kRingBatch : static_cast<std::uint32_t>(__ffs(others)) - 1;
        at_once = phase_ == Phase::Open && waiting_ == 0 ? (at_once < stock_ ? at_once : stock_) : 0;
        if (at_once != 0) {
            carry_out(item, entry, at_once);
        }
        const bool offered = lane_ >= at_once && lane_ < count;
        PublishResult result = PublishResult::Published;
        if (at_once < count) {
            ring_.publish(team_, &item, offered ? 1U : 0U, &result);
        }
        // The host sends no more than there are slots; should it, the rest stays where it is.
        const unsigned full = __ballot_sync(kAll, offered && result == PublishResult::Full);
        const std::uint32_t taken =
            full == 0 ? count : static_cast<std::uint32_t>(__ffs(static_cast<int>(full))) - 1;
        if (offered && lane_ < taken && result != PublishResult::Published) {
            ring_.refuse(item, result == PublishResult::UnknownTenant ? FaultReason::UnknownTenant
                                                                      : FaultReason::UnknownClass);
        }
        set([&] {
            memory_.taken += taken;
            SystemAtomics::store_relaxed(state_.mail.desk->taken, memory_.taken);
        });
    }

    /// Each of the first `count` lanes is a worker for its item, which takes next to no time. The host hears of
    /// it before it is counted, since counting takes longer than anything else here.
    __device__ void carry_out(const RingItem& item, std::uint32_t entry, std::uint32_t count) {
        const bool mine = lane_ < count;
        const std::uint32_t flags = mine ? item.argument[kServiceFlags] : 0;
        const bool waited_for = (flags & kWaitedFor) != 0;
        ItemTimes times;
        times.begun = device_clock();
        if (mine) {
            const std::uint64_t work = wide(item.argument[kServiceWork], item.argument[kServiceWork + 1]);
            const std::uint64_t end = times.begun + (work < kExpressWork ? work : kExpressWork);
            while (device_clock() < end) {
            }
        }
        const unsigned notices = __ballot_sync(kAll, waited_for);
        if (waited_for) {
            const auto before = static_cast<unsigned>(__popc(notices & ((1U << lane_) - 1)));
            send_notice(state_, kStewardNotices, memory_.notice[kStewardNotices] + before,
                        item.argument[kServicePublisher]);
        }
        set([&] { memory_.notice[kStewardNotices] += static_cast<unsigned>(__popc(notices)); });
        stock_ -= count;
        if (mine) {
            times.done = device_clock();
            times.came = wide(item.argument[kServiceCame], item.argument[kServiceCame + 1]);
            times.entered = wide(item.argument[kServiceEntered], item.argument[kServiceEntered + 1]);
            count_item(state_.latencies[entry], state_.tallies[state_.ring.worker_count], memory_.warm_up,
                       flags, times);
        }
        ring_.count_served(team_, &item.opcode, &item.tenant, mine ? 1U : 0U);
    }

    __device__ void report_done() {
        if (done_ != done_reported_ && team_.leads()) {
            SystemAtomics::store_relaxed(state_.mail.desk->done, done_);
        }
        done_reported_ = done_;
    }

    // ---- commands ----

    /// Whether a whole command lies there that has not been carried out.
    [[nodiscard]] __device__ bool has_command() const {
        const std::uint32_t tag = __shfl_sync(kAll, mail_tag(bell_), 0);
        const unsigned agree = __ballot_sync(kAll, mail_tag(bell_) == tag);
        return tag != memory_.command && (agree & 0xffffU) == 0xffffU;
    }

    [[nodiscard]] __device__ ServiceCommand command_kind() const {
        return static_cast<ServiceCommand>(command_word(kCommandKind));
    }

    __device__ void note_command() {
        set([&] { memory_.command = mail_tag(bell_); });
    }

    __device__ ServiceCommand carry_out_command() {
        const ServiceCommand kind = command_kind();
        note_command();
        if (kind == ServiceCommand::Run) {
            const std::uint64_t warm_up =
                wide(command_word(kCommandWarmUpLow), command_word(kCommandWarmUpHigh));
            set([&] {
                memory_.warm_up = warm_up;
                DeviceAtomics::store_relaxed(state_.memory->warm_up, warm_up);
            });
            begin_run();
        } else {
            send_answer(0);
        }
        return kind;
    }

    [[nodiscard]] __device__ std::uint32_t command_word(std::uint32_t word) const {
        return __shfl_sync(kAll, mail_value(bell_), static_cast<int>(word));
    }

    __device__ void begin_run() {
        const std::uint32_t workers = command_word(kCommandWorkers);
        const std::uint32_t claims = command_word(kCommandClaims);
        const std::uint32_t lift_age = command_word(kCommandLiftAge);
        const std::uint64_t end = wide(command_word(kCommandEndLow), command_word(kCommandEndHigh));
        ring_.republish(team_);
        std::uint32_t stock = 0;
        if (team_.leads()) {
            if (lift_age != 0) {
                ring_.lift_aged(lift_age - 1);
            }
            DeviceAtomics::store_relaxed(state_.memory->hot_windows, 0U);
            ring_.open(workers, claims);
            stock = ring_.take_claims(kStock);
        }
        stock_ = static_cast<std::uint32_t>(team_.of_leader(stock));
        phase_ = Phase::Open;
        set([&] {
            launch_.end = end;
            launch_.progress_seen = ~std::uint64_t{0};
            launch_.republished_at = ~std::uint64_t{0};
        });
    }

    // ---- a launch ----

    __device__ void run_on() {
        if (phase_ == Phase::Open) {
            const bool used_up = claims_left_ <= 0 && stock_ == 0;
            const bool empty = in_flight_ == 0 && !mail_seen_;
            if (used_up || empty || faults_ != 0 || now_ >= launch_.end) {
                set([&] {
                    ring_.return_claims(stock_);
                    ring_.close();
                    launch_.closing_since = now_;
                });
                stock_ = 0;
                phase_ = Phase::Closing;
            } else {
                keep_going();
            }
        }
        watch();
        if (phase_ == Phase::Closing) {
            finish_if_over();
        }
    }

    __device__ void keep_going() {
        if (claims_left_ <= 0 && waiting_ != 0 && stock_ != 0) {
            if (team_.leads()) {
                ring_.return_claims(stock_);
            }
            stock_ = 0;
        } else if (claims_left_ > 0 && waiting_ == 0 && stock_ < kStock / 2) {
            stock_ += static_cast<std::uint32_t>(
                team_.of_leader(team_.leads() ? ring_.take_claims(kStock - stock_) : 0));
        }
        // What was put back is looked at again once nothing else waits and something has come or gone.
        const std::uint64_t moved = done_ + memory_.taken;
        if (waiting_ == 0 && deferred_ != 0 &&
            (moved != launch_.republished_at || now_ - launch_.republished_time > kLookAgainAfter)) {
            set([&] {
                launch_.republished_at = moved;
                launch_.republished_time = now_;
            });
            ring_.republish(team_);
        }
    }

    /// The watchdog: an item that takes too long, or no progress for as long although items are in flight.
    __device__ void watch() {
        // Looking at a thousand groups takes some 20 us, in which nothing is delivered.
        if (now_ - launch_.watched < state_.deadline / 16) {
            return;
        }
        for (std::uint32_t worker = lane_; worker < groups(); worker += WarpTeam::kLanes) {
            ring_.give_up_stuck(worker, now_, state_.deadline);
        }
        const std::uint64_t progress = team_.of_leader(ring_.progress());
        const bool moves = progress != launch_.progress_seen || in_flight_ == 0;
        const bool stands = !moves && now_ - launch_.progress_time > state_.deadline;
        set([&] {
            launch_.watched = now_;
            launch_.progress_seen = progress;
            launch_.progress_time = moves || stands ? now_ : launch_.progress_time;
            if (stands) {
                ring_.give_up_any();
            }
        });
    }

    /// Over when nobody is inside; after a fault, when all are out but those that are stuck.
    __device__ void finish_if_over() {
        const auto busy = static_cast<std::uint32_t>(team_.of_leader(ring_.busy()));
        bool over = busy == 0;
        if (!over && faults_ != 0) {
            std::uint32_t stuck = 0;
            for (std::uint32_t first = 0; first < groups(); first += WarpTeam::kLanes) {
                const std::uint32_t worker = first + lane_;
                const bool is_stuck = worker < groups() && ring_.is_stuck(worker);
                stuck += static_cast<std::uint32_t>(__popc(__ballot_sync(kAll, is_stuck)));
            }
            over = busy <= stuck || now_ - launch_.closing_since > state_.deadline;
        }
        if (over) {
            phase_ = Phase::Idle;
            done_ = team_.of_leader(ring_.word(state_.ring.control->done));
            report_done();
            answer(faults_ != 0 ? ServiceStatus::Fault : ServiceStatus::Done);
        }
    }

    // ---- answers ----

    /// Lane i has word i of the answer.
    __device__ void answer(ServiceStatus status) {
        RingControl& control = *state_.ring.control;
        const bool fault = status == ServiceStatus::Fault;
        const FaultRecord record = fault ? settled_fault() : FaultRecord{};
        // Nobody is inside any more, so there is nothing left to order; all these loads are on their way at
        // once.
        const std::uint64_t requeued = led(DeviceAtomics::load_relaxed(control.requeued));
        const std::uint32_t requeue_age = DeviceAtomics::load_relaxed(control.requeued_age_max);
        const std::uint32_t hot_windows = DeviceAtomics::load_relaxed(state_.memory->hot_windows);
        const std::uint32_t claims_left = ring_.claims_left();
        const std::uint64_t deferred = ring_.deferred();
        const std::uint32_t head_age = ring_.head_age();
        const std::uint32_t hot = hot_opcodes(done_ - memory_.answered_done);
        std::uint64_t value = 0;
        const auto word = [&](AnswerWord at, std::uint64_t is) { value = lane_ == at ? is : value; };
        word(kAnswerStatus, static_cast<std::uint32_t>(status));
        word(kAnswerItems, done_ - memory_.answered_done);
        word(kAnswerRequeues, static_cast<std::uint32_t>(requeued) - memory_.requeues);
        word(kAnswerRequeueAge, requeue_age);
        word(kAnswerHeadAge, head_age);
        word(kAnswerHotOpcodes, hot);
        word(kAnswerHotWindows, hot_windows);
        word(kAnswerClaimsLeft, claims_left);
        word(kAnswerFaultReason, record.reason);
        word(kAnswerFaultSlot, record.slot);
        word(kAnswerFaultOpcode, record.opcode);
        word(kAnswerFaultTenant, record.tenant);
        word(kAnswerFaultTicket, record.ticket);
        word(kAnswerDeferred, deferred);
        set([&] {
            memory_.answered_done = done_;
            memory_.requeues = static_cast<std::uint32_t>(requeued);
            DeviceAtomics::store_relaxed(control.requeued_age_max, 0U);
        });
        // The host may copy counts out of device memory once it has the answer.
        __threadfence_system();
        send_answer(value);
    }

    __device__ void send_answer(std::uint64_t value) {
        const std::uint64_t clock = team_.of_leader(device_clock());
        value = lane_ == kAnswerClockLow ? static_cast<std::uint32_t>(clock) : value;
        value = lane_ == kAnswerClockHigh ? clock >> 32 : value;
        if (lane_ < kMailWords) {
            SystemAtomics::store_relaxed(state_.mail.desk->answer[lane_],
                                         mail_word(memory_.command, saturate_u32(value)));
        }
    }

    /// The fault's record; whoever found it may still be writing.
    [[nodiscard]] __device__ FaultRecord settled_fault() const {
        FaultRecord record = ring_.first_fault();
        for (std::uint32_t round = 0; record.reason == 0; ++round) {
            DeviceAtomics::pause(round);
            record = ring_.first_fault();
        }
        return record;
    }

    /// Opcodes with at least the scenario's share of the epoch's items.
    __device__ std::uint32_t hot_opcodes(std::uint64_t items) {
        std::uint32_t hot = 0;
        for (std::uint32_t first = 0; first < state_.ring.opcode_count; first += WarpTeam::kLanes) {
            const std::uint32_t opcode = first + lane_;
            bool is_hot = false;
            if (opcode < state_.ring.opcode_count) {
                const std::uint64_t done = ring_.word(state_.ring.done_by_opcode[opcode]);
                const std::uint64_t in_epoch = done - state_.done_before[opcode];
                state_.done_before[opcode] = done;
                is_hot =
                    in_epoch != 0 && ratio_floor(in_epoch, items > 0 ? items : 1).value() >= state_.hot_share;
            }
            hot += static_cast<std::uint32_t>(__popc(__ballot_sync(kAll, is_hot)));
        }
        return hot;
    }

    /// The groups leave too; what the steward knows stays behind for the next kernel. It goes last: nobody else
    /// looks at the host's word that the kernel is to be ended by force, because a group never leaves.
    __device__ void leave() {
        if (team_.leads()) {
            state_.memory->taken = memory_.taken;
            state_.memory->command = memory_.command;
            state_.memory->requeues = memory_.requeues;
            state_.memory->notice[kStewardNotices] = memory_.notice[kStewardNotices];
            state_.memory->answered_done = memory_.answered_done;
            ring_.shut_down();
            MailWord& abort = state_.mail.desk->bell[kAbortWord];
            for (std::uint32_t round = 0; ring_.word(state_.memory->groups_gone) != groups(); ++round) {
                if (SystemAtomics::load_relaxed(abort) == kAbortByTrap) {
                    __trap();
                }
                DeviceAtomics::pause(round);
            }
        }
        team_.sync();
    }

    const ServiceState& state_;
    Board& board_;
    DeviceRing ring_;
    WarpTeam team_;
    std::uint32_t lane_;
    ServiceMemory& memory_;
    Launch& launch_;

    MailWord mail_[kLooks] = {};
    MailWord bell_ = 0;
    std::uint64_t now_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t in_flight_ = 0;
    std::uint64_t faults_ = 0;
    std::uint64_t waiting_ = 0;
    std::uint64_t deferred_ = 0;
    std::int32_t claims_left_ = 0;
    bool mail_seen_ = false;

    Phase phase_ = Phase::Idle;
    std::uint32_t stock_ = 0;  ///< claims taken and not used
    std::uint64_t done_reported_ = ~std::uint64_t{0};
};

}  // namespace megabed
