#pragma once

#include "gpu/megakernel/policy_switch.cuh"
#include "gpu/service/epoch_end.cuh"
#include "gpu/service/service_note.h"

#include <cstring>

namespace megabed {

/// Asks one policy. False: it refused. A function of its own for every policy, so that each has its registers.
template <CompiledPolicy kPolicy>
static __device__ __noinline__ bool decide_service_as(const DecisionRules& rules,
                                                      const ServiceReadings& readings, const PolicyState& state,
                                                      Decision& decision) {
    const Observation observation = observe_service(rules.settings, rules.budget, readings);
    const auto answer = recommend_compiled(kPolicy, rules.parameters, observation, state);
    if (!answer) {
        return false;
    }
    decision = *answer;
    return true;
}

/// In shared memory: a copy of what the kernel before left behind, and the answer of the policy.
struct DeciderBoard {
    DecisionLoop loop;
    Decision decision;
    std::uint32_t answered;
};

/// Asks the policy about the readings of the loop's note. Called by one thread; not inlined, so that the
/// steward's other rounds need not carry its registers.
static __device__ __noinline__ void decide_on(const DecisionRules& rules, DeciderBoard& board) {
    DecisionLoop& loop = board.loop;
    const bool answered = gpu::with_policy(rules.policy, [&]<CompiledPolicy kPolicy>() {
        return decide_service_as<kPolicy>(rules, loop.note.readings, loop.policy, board.decision);
    });
    if (answered) {
        loop.policy = board.decision.next;
        loop.note.recommendation = board.decision.recommendation;
    }
    loop.note.decided_ns = device_clock();
    board.answered = answered ? 1 : 0;
}

/// Decides a service's launches and notes them for the host, which holds each against its own copy of the
/// policy. The steward does it between two launches, when no item could be claimed anyway. Called by its warp.
class ServiceDecider {
public:
    using Board = DeciderBoard;

    __device__ ServiceDecider(const ServiceState& state, Board& board, std::uint32_t lane)
        : state_(state), board_(board), lane_(lane) {
        set([&] { board_.loop = *state_.loop; });
    }

    __device__ void save() const {
        if (lane_ == 0) {
            *state_.loop = board_.loop;
        }
        __syncwarp();
    }

    /// Whether the host has read so many notes that there is place for what one decision may say.
    [[nodiscard]] __device__ bool has_place(std::uint64_t read) const {
        constexpr std::uint64_t kPlaces = std::uint64_t{1} << kNotePlacesLog2;
        return board_.loop.noted - read + 2 <= kPlaces;
    }

    __device__ void set_tenants_end(std::uint64_t end) {
        set([&] { board_.loop.tenants_end = end; });
    }

    /// Decides the next launch, unless one has been decided and waits. False: the policy refused.
    __device__ bool decide(std::uint64_t queue_len, std::uint64_t co_tenant_bytes, std::uint64_t now) {
        if (board_.loop.waits) {
            set([&] { board_.loop.waits = false; });
            return true;
        }
        set([&] {
            DecisionLoop& loop = board_.loop;
            loop.note = ServiceNote{};
            loop.note.start_ns = now;
            loop.note.readings = loop.next;
            loop.note.readings.queue_len = saturate_u32(queue_len);
            loop.note.readings.resident_bytes = state_.rules->own_bytes + co_tenant_bytes;
            loop.next.requeues = 0;
            decide_on(*state_.rules, board_);
        });
        return board_.answered != 0;
    }

    [[nodiscard]] __device__ const LaunchRecommendation& recommendation() const {
        return board_.loop.note.recommendation;
    }
    /// Lanes of a group that it asks for, in whole warps.
    [[nodiscard]] __device__ std::uint32_t lanes() const {
        const std::uint32_t asked = recommendation().geometry.workgroup_size_x;
        const std::uint32_t some = asked < 1 ? 1 : (asked < kServiceLanesMax ? asked : kServiceLanesMax);
        return (some + 31) / 32 * 32;
    }
    /// When a launch that begins now is over at the latest: an epoch, but none goes beyond the tenants' end.
    [[nodiscard]] __device__ std::uint64_t end_of_launch(std::uint64_t now) const {
        const std::uint64_t tenants_end = board_.loop.tenants_end;
        const std::uint64_t epoch = state_.rules->epoch_ns;
        return now < tenants_end && tenants_end - now < epoch ? tenants_end : now + epoch;
    }

    __device__ void set_granted(std::uint32_t groups) {
        set([&] { board_.loop.note.granted_groups = groups; });
    }

    /// The launch that was decided is over; `fault` of one that a fault ended.
    __device__ void note_launch(NoteKind kind, std::uint64_t items, const FaultRecord& fault) {
        set([&] {
            board_.loop.note.items = items;
            board_.loop.note.fault = fault;
            board_.loop.note.end_ns = device_clock();
        });
        send(kind);
    }
    __device__ void note_refusal() { send(NoteKind::Refused); }
    /// The decision is kept until a kernel with the groups that it asks for runs.
    __device__ void note_relaunch() {
        send(NoteKind::Relaunch);
        set([&] { board_.loop.waits = true; });
    }

    /// What a launch with groups has come to, for the next decision.
    __device__ void remember(const EpochTelemetry& epoch) {
        set([&] {
            ServiceReadings& next = board_.loop.next;
            next.requeues += epoch.requeues;
            next.age_max = epoch.requeue_age > epoch.head_age ? epoch.requeue_age : epoch.head_age;
            next.hot_opcodes = epoch.hot_opcodes;
            next.hot_windows = epoch.hot_windows;
        });
    }

private:
    template <class Write>
    __device__ void set(Write write) {
        __syncwarp();
        if (lane_ == 0) {
            write();
        }
        __syncwarp();
    }

    /// Every word has the note's tag, so that the host needs no other sign.
    __device__ void send(NoteKind kind) {
        set([&] { board_.loop.note.kind = kind; });
        const std::uint64_t ticket = board_.loop.noted;
        const std::uint64_t place = ticket & ((std::uint64_t{1} << kNotePlacesLog2) - 1);
        const auto* const note = reinterpret_cast<const std::byte*>(&board_.loop.note);
        for (std::uint32_t at = lane_; at < kNoteWords; at += 32) {
            std::uint32_t value = 0;
            std::memcpy(&value, note + at * sizeof(value), sizeof(value));
            SystemAtomics::store_relaxed(state_.mail.notes[place * kNoteWords + at],
                                         mail_word(mail_lap(ticket, kNotePlacesLog2), value));
        }
        set([&] { ++board_.loop.noted; });
    }

    const ServiceState& state_;
    Board& board_;
    std::uint32_t lane_;
};

/// In its place where the host decides.
struct NoDecider {
    struct Board {};
    __device__ NoDecider(const ServiceState& /*state*/, Board& /*board*/, std::uint32_t /*lane*/) {}
};

}  // namespace megabed
