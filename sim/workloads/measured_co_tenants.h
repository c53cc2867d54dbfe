#pragma once

#include "sim/engine/event_queue.h"
#include "sim/scenario.h"
#include "sim/workloads/co_tenant_memory.h"

#include <cstdint>

namespace megabed {

/// The memory of co-tenants, the simulator's, where time is measured: asked now and then, it catches up.
class MeasuredCoTenants final : private EventScheduler {
public:
    /// Requires: `settings` outlives this.
    MeasuredCoTenants(const MemorySettings& settings, std::uint64_t seed) : memory_(settings, seed, *this) {}

    /// Requires: no earlier time than at the last call.
    [[nodiscard]] Bytes held(SimTime time) {
        while (!events_.empty() && events_.next_time() <= time) {
            const auto event = events_.pop();
            now_ = event.time;
            memory_.on_event(event.payload);
        }
        return memory_.held(time);
    }

private:
    [[nodiscard]] SimTime now() const override { return now_; }
    EventHandle schedule(SimTime time, SimEvent event) override { return events_.push(time, event); }
    void cancel(EventHandle handle) override { events_.cancel(handle); }

    EventQueue<SimEvent> events_;
    SimTime now_{};
    CoTenantMemory memory_;
};

}  // namespace megabed
