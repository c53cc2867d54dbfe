#pragma once

#include "sim/scenario.h"
#include "sim/statistics/histogram.h"
#include "sim/threads/service_words.h"
#include "sim/threads/worker_pool.h"
#include "sim/workloads/publishers.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace megabed {

/// What one worker has seen of the items it did. Item-time sums are in ns and begin at the warm-up's end.
struct alignas(64) ServiceTally {
    std::vector<Histogram> latencies;  ///< of each entry of the scenario's list of tenants
    double in_flight = 0;              ///< from coming to done
    double in_ring = 0;                ///< from entering the ring to done
    double at_work = 0;                ///< from the beginning of the work to done
};

/// A worker that has claimed a service item spins for the item's time.
class ServiceTiles final : public TileHandler {
public:
    using OnDone = std::function<void(const ServiceItem&, SimTime)>;

    /// `entry_of`: of each tenant, its entry in the list of tenants. `on_done`: called when an item is done,
    /// with its tenant, entry and publisher filled in, from every worker; may be empty.
    ServiceTiles(const ServiceWorkload& workload, std::vector<std::uint32_t> entry_of, unsigned workers,
                 OnDone on_done);

    TileResult run(RingSlot& slot, unsigned worker) override;
    [[nodiscard]] std::string_view opcode_name(std::uint32_t /*opcode*/) const override { return "service"; }

    /// The clock's zero; before anything is published.
    void start_clock(std::chrono::steady_clock::time_point start) { start_ = start; }
    void set_slots(const RingSlot* slots) { slots_ = slots; }
    /// Slot windows touched in this epoch and in the one before. Call once an epoch, while no worker is at
    /// work.
    [[nodiscard]] std::uint32_t end_epoch();

    [[nodiscard]] const std::vector<ServiceTally>& tallies() const { return tallies_; }

private:
    [[nodiscard]] SimTime now() const {
        return SimTime(
            std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start_)
                .count());
    }

    SimTime warm_up_;
    std::uint32_t window_slots_;
    std::vector<std::uint32_t> entry_of_;
    OnDone on_done_;
    std::chrono::steady_clock::time_point start_{};
    const RingSlot* slots_ = nullptr;
    std::vector<ServiceTally> tallies_;
    std::vector<std::atomic<std::uint32_t>> window_epoch_;  ///< epoch of its last touch
    std::vector<std::uint32_t> window_before_;              ///< the same, at the end of the last epoch
    std::atomic<std::uint32_t> epoch_{2};                   ///< so that 0 is long ago
};

}  // namespace megabed
