#pragma once

#include "policy/units.h"
#include "sim/engine/checkpoint.h"
#include "sim/engine/counter_random.h"
#include "sim/scenario.h"
#include "sim/workloads/sim_event.h"

#include <cstdint>
#include <vector>

namespace megabed {

/// The device memory that others hold: ramps and leaks are functions of time, allocations and spikes are
/// processes of their own, each with its own random stream.
class CoTenantMemory {
public:
    /// Requires: all three outlive this. Schedules the first events.
    CoTenantMemory(const MemorySettings& settings, std::uint64_t seed, EventScheduler& scheduler);

    [[nodiscard]] Bytes held(SimTime now) const;
    /// MemoryArrival or MemoryRelease.
    void on_event(const SimEvent& event);

    /// For checkpoints; scheduled events are part of the event queue.
    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        for (State& state : states_) {
            archive& state.random& state.held& state.blocks& state.free_blocks;
        }
    }

private:
    struct State {
        CounterRandom random;
        std::uint64_t held = 0;
        std::vector<std::uint64_t> blocks{};  ///< bytes of every block, by its place
        std::vector<std::uint64_t> free_blocks{};
    };

    void schedule_arrival(std::uint32_t process);
    void take(std::uint32_t process, std::uint64_t bytes, SimTime length);

    const MemorySettings& settings_;
    EventScheduler& scheduler_;
    std::vector<State> states_;
};

}  // namespace megabed
