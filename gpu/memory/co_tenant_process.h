#pragma once

#include "gpu/memory/co_tenant_allocations.h"
#include "policy/units.h"
#include "sim/scenario.h"
#include "sim/workloads/measured_co_tenants.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>

namespace megabed {

/// The scenario's co-tenants on the card: a thread that takes and gives back real memory of a pool as their
/// processes say, some ten thousand times a second, and tells how much that is. Where the pool has no room they
/// hold what they can get, and count for what they ask for, as in the simulator, where launches are then
/// refused until others let go.
class CoTenantProcess {
public:
    /// `tell` is called with every change, on the thread. Requires: settings and pool outlive this.
    CoTenantProcess(const MemorySettings& settings, std::uint64_t seed, DevicePool& pool,
                    std::function<void(Bytes)> tell);

    /// Time begins. Memory that is held from the start is taken, and told, on return. Does nothing the second
    /// time, or where there are no co-tenants.
    void start();
    /// As told.
    [[nodiscard]] Bytes held() const { return Bytes(held_.load(std::memory_order_relaxed)); }

private:
    void step(SimTime time);

    bool any_;
    MeasuredCoTenants wanted_;
    CoTenantAllocations allocations_;
    std::function<void(Bytes)> tell_;
    std::atomic<std::uint64_t> held_ = 0;
    std::jthread thread_;
};

}  // namespace megabed
