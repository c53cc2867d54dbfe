#pragma once

#include "gpu/service/service_group.cuh"
#include "policy/units.h"

namespace megabed {

/// What a finished launch has come to.
struct EpochTelemetry {
    std::uint64_t items = 0;
    std::uint64_t deferred = 0;
    std::uint32_t requeues = 0;
    std::uint32_t requeue_age = 0;  ///< greatest of an item put back, in epochs
    std::uint32_t head_age = 0;     ///< greatest of an item at the head of a class
    std::uint32_t hot_opcodes = 0;
    std::uint32_t hot_windows = 0;
    std::uint32_t claims_left = 0;
};

/// Reads the ring's counters at the end of a launch. Called by the steward's warp; nobody is inside the ring.
class EpochEnd {
public:
    __device__ EpochEnd(const ServiceState& state, ServiceMemory& memory)
        : state_(state), ring_(state.ring), memory_(memory) {}

    /// What the launch has come to; the next one counts from here. `done`: items done altogether.
    __device__ EpochTelemetry take(std::uint64_t done) {
        RingControl& control = *state_.ring.control;
        EpochTelemetry epoch;
        // There is nothing left to order; all these loads are on their way at once.
        const auto requeued = static_cast<std::uint32_t>(__shfl_sync(
            kAll, static_cast<unsigned long long>(DeviceAtomics::load_relaxed(control.requeued)), 0));
        epoch.requeue_age = DeviceAtomics::load_relaxed(control.requeued_age_max);
        epoch.hot_windows = DeviceAtomics::load_relaxed(state_.memory->hot_windows);
        epoch.claims_left = ring_.claims_left();
        epoch.deferred = ring_.deferred();
        epoch.head_age = ring_.head_age();
        epoch.items = done - memory_.answered_done;
        epoch.requeues = requeued - memory_.requeues;
        epoch.hot_opcodes = hot_opcodes(epoch.items);
        team_.sync();
        if (team_.leads()) {
            memory_.answered_done = done;
            memory_.requeues = requeued;
            DeviceAtomics::store_relaxed(control.requeued_age_max, 0U);
        }
        team_.sync();
        return epoch;
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

private:
    static constexpr unsigned kAll = 0xffff'ffff;

    /// Opcodes with at least the scenario's share of the epoch's items.
    __device__ std::uint32_t hot_opcodes(std::uint64_t items) {
        std::uint32_t hot = 0;
        for (std::uint32_t first = 0; first < state_.ring.opcode_count; first += WarpTeam::kLanes) {
            const std::uint32_t opcode = first + team_.rank();
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

    const ServiceState& state_;
    DeviceRing ring_;
    WarpTeam team_;
    ServiceMemory& memory_;
};

}  // namespace megabed
