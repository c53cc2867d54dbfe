#pragma once

#include "gpu/service/group_watch.cuh"
#include "gpu/service/service_decider.cuh"
#include "gpu/service/straight_items.cuh"
#include "policy/units.h"

#include <type_traits>

namespace megabed {

/// The warp between host and ring: it takes items out of the inbox and hands them to groups or publishes them,
/// carries out commands, decides when a launch is over, watches over the groups and tells the host how far they
/// are. It never sleeps: each round waits for one look across PCIe. Called by one whole warp.
/// `kDecides`: on command it also decides what the next launch is, again and again (ServiceDecider).
template <bool kDecides>
class ServiceSteward {
public:
    /// Entries of one look.
    static constexpr std::uint32_t kLooks = 4;
    static constexpr std::uint32_t kEntries = 2 * kLooks;
    using Decider = std::conditional_t<kDecides, ServiceDecider, NoDecider>;
    /// What the launch that is on goes by.
    struct Launch {
        std::uint64_t end = 0;
        std::uint64_t closing_since = 0;
        std::uint64_t republished_at = 0;
        std::uint64_t republished_time = 0;
        std::uint32_t epoch = 0;  ///< of the ring
    };
    /// In shared memory: what all lanes read and the leader alone writes, to spare registers; and the items of
    /// a look, which the lanes that read them hand to those that publish them.
    struct Board {
        std::uint32_t words[kEntries][kMailWords];
        ServiceMemory memory;  ///< what others write of it is not read here
        Launch launch;
        GroupDispatch::Board dispatch;
        GroupWatch::Board watch;
        typename Decider::Board decider;
    };

    __device__ ServiceSteward(const ServiceState& state, Board& board)
        : state_(state),
          board_(board),
          ring_(state.ring),
          lane_(team_.rank()),
          dispatch_(state, board.dispatch, lane_),
          straight_(state, lane_),
          watch_(state, board.watch),
          epoch_end_(state, board.memory),
          decider_(state, board.decider, lane_),
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
            // While the steward decides, commands come in the middle of launches, too: pings and the one to
            // halt.
            const ServiceCommand kind =
                has_command() ? static_cast<ServiceCommand>(command_word(kCommandKind)) : ServiceCommand::None;
            const bool ordered =
                kind != ServiceCommand::None &&
                (phase_ == Phase::Idle ||
                 (deciding_ && (kind == ServiceCommand::Ping || kind == ServiceCommand::Halt)));
            if (ordered && kind == ServiceCommand::Ping) {
                note_command();
                send_answer(0);
                continue;  // at once: pings tell the clocks apart
            }
            const std::uint32_t entries = whole_entries();
            if constexpr (kDecides) {
                go_on(entries);
            }
            deliver(entries);
            report_done();
            if (phase_ != Phase::Idle) {
                run_on();
            }
            if (ordered && carry_out(kind) == ServiceCommand::Park) {
                leave();
                return;
            }
        }
    }

private:
    enum class Phase : std::uint8_t { Idle, Open, Closing };
    static constexpr unsigned kAll = 0xffff'ffff;
    static constexpr std::uint32_t kHalf = kMailWords;  ///< lanes that read one entry
    static constexpr std::uint32_t kStock = 32;  ///< claims it keeps for items that do not go through the ring
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
            published_ = DeviceAtomics::load_relaxed(control.published);
            waiting_ = ring_.waiting();
            deferred_ = ring_.deferred();
        }
        dispatch_.look();  // the last load, since none begins before an acquire is through
        done_ = led(done_);
        in_flight_ = led(in_flight_);
        claims_left_ = __shfl_sync(kAll, claims_left_, 0);
        faults_ = led(faults_);
        published_ = led(published_);
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

    /// Takes `count` items out of the inbox: first those that it may carry out itself, then those that it may
    /// hand to groups that wait; the others go into the ring. So none overtakes another of its class.
    __device__ void deliver(std::uint32_t count) {
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
        auto route = ItemRoute::Ring;
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
            // What is unknown is the ring's to refuse.
            const bool known = item.tenant < state_.ring.tenant_count &&
                               item.opcode < state_.ring.opcode_count && item.lock == 0;
            route = known ? static_cast<ItemRoute>(words[kItemRoute]) : ItemRoute::Ring;
        }
        std::uint32_t at_once = 0;
        if (phase_ == Phase::Open && waiting_ == 0) {
            at_once = at_most(stock_, first_lanes(route == ItemRoute::Steward));
            if (at_once != 0) {
                serve_at_once(item, entry, at_once);
            }
            const std::uint32_t end = first_lanes(route != ItemRoute::Ring || lane_ < at_once);
            const std::uint32_t handed =
                straight_.hand_out(dispatch_, item, at_once, at_most(end - at_once, stock_),
                                   {published_ + at_once, now_, launch_.epoch});
            stock_ -= handed;
            at_once += handed;
        }
        const bool offered = lane_ >= at_once && lane_ < count;
        PublishResult result = PublishResult::Published;
        if (at_once < count) {
            waiting_ +=
                ring_.publish(team_, &item, offered ? 1U : 0U, &result);  // so that groups are woken now
        }
        // The host sends no more than there are slots; should it, the rest stays where it is.
        const unsigned full = __ballot_sync(kAll, offered && result == PublishResult::Full);
        const std::uint32_t taken =
            full == 0 ? count : static_cast<std::uint32_t>(__ffs(static_cast<int>(full))) - 1;
        if (full != 0) {
            straight_.return_free();  // slots kept for others
        }
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
    __device__ void serve_at_once(const RingItem& item, std::uint32_t entry, std::uint32_t count) {
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

    __device__ void note_command() {
        set([&] { memory_.command = mail_tag(bell_); });
    }

    __device__ ServiceCommand carry_out(ServiceCommand kind) {
        note_command();
        if (kind == ServiceCommand::Run || kind == ServiceCommand::Decide) {
            const std::uint64_t warm_up =
                wide(command_word(kCommandWarmUpLow), command_word(kCommandWarmUpHigh));
            set([&] {
                memory_.warm_up = warm_up;
                DeviceAtomics::store_relaxed(state_.memory->warm_up, warm_up);
            });
        }
        const std::uint64_t end = wide(command_word(kCommandEndLow), command_word(kCommandEndHigh));
        if constexpr (kDecides) {
            if (kind == ServiceCommand::Halt && deciding_) {
                halting_ = true;
                return kind;  // answered when the launch is over
            }
            if (kind == ServiceCommand::Decide) {
                decider_.set_tenants_end(end);
                deciding_ = true;
            }
        } else if (kind == ServiceCommand::Run) {
            begin_run(command_word(kCommandWorkers), command_word(kCommandClaims),
                      command_word(kCommandLiftAge), end);
            return kind;  // answered when the launch is over
        }
        send_answer(0);
        return kind;
    }

    [[nodiscard]] __device__ std::uint32_t command_word(std::uint32_t word) const {
        return __shfl_sync(kAll, mail_value(bell_), static_cast<int>(word));
    }

    __device__ void begin_run(std::uint32_t workers, std::uint32_t claims, std::uint32_t lift_age,
                              std::uint64_t end) {
        waiting_ += ring_.republish(team_);
        std::uint32_t stock = 0;
        std::uint32_t epoch = 0;
        if (team_.leads()) {
            if (lift_age != 0) {
                ring_.lift_aged(lift_age - 1);
            }
            DeviceAtomics::store_relaxed(state_.memory->hot_windows, 0U);
            ring_.open(workers, claims);
            epoch = ring_.epoch();
            stock = ring_.take_claims(kStock);
        }
        stock_ = static_cast<std::uint32_t>(team_.of_leader(stock));
        claims_left_ = 1;  // what was seen of the launch before counts no more; the next look tells
        watch_.begin();
        dispatch_.set_workers(workers);
        dispatch_.look();
        phase_ = Phase::Open;
        set([&] {
            launch_.end = end;
            launch_.epoch = epoch;
            launch_.republished_at = ~std::uint64_t{0};
        });
    }

    // ---- a launch ----

    __device__ void run_on() {
        if (phase_ == Phase::Open) {
            const bool used_up = claims_left_ <= 0 && stock_ == 0;
            const bool empty = in_flight_ == 0 && !mail_seen_;
            if (used_up || empty || faults_ != 0 || now_ >= launch_.end || halting_) {
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
        watch_.watch(now_, in_flight_ != 0);
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
        if (claims_left_ > 0 && waiting_ != 0) {
            dispatch_.wake(waiting_);
        }
        if (!mail_seen_) {
            straight_.take_free();
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

    /// Over when nobody is inside; after a fault, when all are out but those that are stuck.
    __device__ void finish_if_over() {
        const auto busy = static_cast<std::uint32_t>(team_.of_leader(ring_.busy()));
        bool over = busy == 0;
        if (!over && faults_ != 0) {
            over = busy <= watch_.stuck() || now_ - launch_.closing_since > state_.deadline;
        }
        if (over) {
            phase_ = Phase::Idle;
            done_ = team_.of_leader(ring_.word(state_.ring.control->done));
            report_done();
            const FaultRecord fault = faults_ != 0 ? epoch_end_.settled_fault() : FaultRecord{};
            const EpochTelemetry epoch = epoch_end_.take(done_);
            if constexpr (kDecides) {
                decider_.remember(epoch);
                decider_.note_launch(faults_ != 0 ? NoteKind::Fault : NoteKind::Launch, epoch.items, fault);
                deciding_ = faults_ == 0;
                if (!deciding_ && halting_) {
                    halted();
                }
            } else {
                answer(epoch, fault);
            }
        }
    }

    // ---- launch after launch ----

    /// Goes on to the next launch where none is on. `entries`: items seen in the inbox, which end an empty one.
    __device__ void go_on(std::uint32_t entries) {
        if (!deciding_) {
            return;
        }
        if (resting_) {
            if (in_flight_ == 0 && entries == 0 && now_ < launch_.end && !halting_) {
                return;
            }
            resting_ = false;
            decider_.note_launch(NoteKind::Launch, 0, FaultRecord{});
        }
        if (phase_ != Phase::Idle) {
            return;
        }
        if (halting_) {
            halted();
            return;
        }
        const std::uint64_t read = __shfl_sync(kAll, static_cast<unsigned long long>(bell_), kNotesReadWord);
        if (!decider_.has_place(read)) {
            return;
        }
        const std::uint64_t others = __shfl_sync(kAll, static_cast<unsigned long long>(bell_), kCoTenantWord);
        if (!decider_.decide(in_flight_ + entries, others, now_)) {
            decider_.note_refusal();
            deciding_ = false;
            return;
        }
        const LaunchRecommendation& decided = decider_.recommendation();
        hold(decided.pressure == QueuePressure::Saturated);
        const std::uint64_t end = decider_.end_of_launch(now_);
        if (decided.topology == DispatchTopology::Empty) {
            set([&] { launch_.end = end; });
            resting_ = true;
        } else if (decider_.lanes() != blockDim.x) {
            decider_.note_relaunch();
            deciding_ = false;
        } else {
            const std::uint32_t granted = at_most(groups(), at_least_one(decided.geometry.dispatch_grid[0]));
            const std::uint32_t lift_age = state_.rules->age_threshold;
            decider_.set_granted(granted);
            begin_run(at_most(granted, at_least_one(decided.worker_groups)),
                      at_least_one(decided.geometry.slot_count.value()),
                      decided.age_priority_work ? lift_age + (lift_age != ~0U ? 1 : 0) : 0, end);
        }
    }

    /// Tells the host when publishers are to wait, and when no more.
    __device__ void hold(bool held) {
        if (held != held_ && team_.leads()) {
            SystemAtomics::store_relaxed(state_.mail.desk->hold, std::uint64_t{held ? 1U : 0U});
        }
        held_ = held;
    }

    __device__ void halted() {
        deciding_ = false;
        halting_ = false;
        __threadfence_system();  // as in `answer`
        send_answer(0);
    }

    // ---- answers ----

    /// Lane i has word i of the answer.
    __device__ void answer(const EpochTelemetry& epoch, const FaultRecord& record) {
        const auto status = record.reason != 0 ? ServiceStatus::Fault : ServiceStatus::Done;
        std::uint64_t value = 0;
        const auto word = [&](AnswerWord at, std::uint64_t is) { value = lane_ == at ? is : value; };
        word(kAnswerStatus, static_cast<std::uint32_t>(status));
        word(kAnswerItems, epoch.items);
        word(kAnswerRequeues, epoch.requeues);
        word(kAnswerRequeueAge, epoch.requeue_age);
        word(kAnswerHeadAge, epoch.head_age);
        word(kAnswerHotOpcodes, epoch.hot_opcodes);
        word(kAnswerHotWindows, epoch.hot_windows);
        word(kAnswerClaimsLeft, epoch.claims_left);
        word(kAnswerFaultReason, record.reason);
        word(kAnswerFaultSlot, record.slot);
        word(kAnswerFaultOpcode, record.opcode);
        word(kAnswerFaultTenant, record.tenant);
        word(kAnswerFaultTicket, record.ticket);
        word(kAnswerDeferred, epoch.deferred);
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

    /// The groups leave too; what the steward knows stays behind for the next kernel. It goes last: nobody else
    /// looks at the host's word that the kernel is to be ended by force, because a group never leaves.
    __device__ void leave() {
        straight_.return_free();
        if constexpr (kDecides) {
            decider_.save();
        }
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
    GroupDispatch dispatch_;
    StraightItems straight_;
    GroupWatch watch_;
    EpochEnd epoch_end_;
    Decider decider_;
    ServiceMemory& memory_;
    Launch& launch_;

    MailWord mail_[kLooks] = {};
    MailWord bell_ = 0;
    std::uint64_t now_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t in_flight_ = 0;
    std::uint64_t faults_ = 0;
    std::uint64_t published_ = 0;
    std::uint64_t waiting_ = 0;
    std::uint64_t deferred_ = 0;
    std::int32_t claims_left_ = 0;
    bool mail_seen_ = false;

    Phase phase_ = Phase::Idle;
    std::uint32_t stock_ = 0;  ///< claims taken and not used
    bool deciding_ = false;    ///< launch after launch, until the host or a note says otherwise
    bool halting_ = false;     ///< no more of them
    bool resting_ = false;     ///< the launch that is on is an empty one
    bool held_ = false;        ///< publishers
    std::uint64_t done_reported_ = ~std::uint64_t{0};
};

}  // namespace megabed
