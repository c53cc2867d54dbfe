#include "gpu/memory/co_tenant_process.h"

#include <utility>

namespace megabed {

CoTenantProcess::CoTenantProcess(const MemorySettings& settings, std::uint64_t seed, DevicePool& pool,
                                 std::function<void(Bytes)> tell)
    : any_(!settings.co_tenants.empty()), wanted_(settings, seed), allocations_(pool), tell_(std::move(tell)) {}

void CoTenantProcess::start() {
    if (!any_ || thread_.joinable()) {
        return;
    }
    step(SimTime(0));
    thread_ = std::jthread([this, begun = std::chrono::steady_clock::now()](const std::stop_token& stop) {
        constexpr std::chrono::microseconds kNap{20};
        while (!stop.stop_requested()) {
            std::this_thread::sleep_for(kNap);
            const auto passed = std::chrono::steady_clock::now() - begun;
            step(SimTime(std::chrono::duration_cast<std::chrono::nanoseconds>(passed).count()));
        }
    });
}

void CoTenantProcess::step(SimTime time) {
    // In the simulator they have what they ask for, however much. Where the pool is full they get what is left,
    // and what is told is what they ask for: the pressure is the same.
    const Bytes wanted = wanted_.held(time);
    const Bytes held = allocations_.hold(wanted) ? allocations_.held() : wanted;
    if (held.value() != held_.load(std::memory_order_relaxed)) {
        held_.store(held.value(), std::memory_order_relaxed);
        tell_(held);
    }
}

}  // namespace megabed
