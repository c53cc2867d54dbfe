#pragma once

#include "gpu/service/service_engine.h"
#include "sim/scenario.h"
#include "sim/threads/publisher_thread.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace megabed {

/// Sends what the tenants publish to the device, and hands its notices to the publishers. `publish` and
/// `look_for_notices` belong to the publisher thread.
class MailInlet final : public ServiceInlet {
public:
    /// Requires: all outlive this.
    MailInlet(const ServiceWorkload& workload, const ServicePlan& plan, ServiceEngine& engine);

    /// Measured, from when this was made.
    [[nodiscard]] SimTime now() const override;
    PublishResult publish(const RingItem& item) override;
    bool look_for_notices() override;

    /// Tells the host's clock from the device's by pings. False: the engine has failed.
    bool align_clocks(int pings);
    /// As above, if that was so long ago that the clocks may have drifted apart. Requires: pings are answered.
    bool align_now_and_then();
    /// Host time as the device's clock would show it.
    [[nodiscard]] std::uint64_t on_device(SimTime time) const;
    [[nodiscard]] SimTime on_host(std::uint64_t device_time) const;

    /// Items of a tenant that were sent.
    [[nodiscard]] std::uint64_t sent(std::uint32_t tenant) const {
        return sent_[tenant].load(std::memory_order_acquire);
    }
    /// Items sent and, as far as the device has said, not done.
    [[nodiscard]] std::uint64_t in_flight() const;
    void set_publishers(PublisherThread& publishers) { publishers_ = &publishers; }

private:
    void put_device_time(RingItem& item, std::uint32_t word) const;

    const ServiceWorkload& workload_;
    const ServicePlan& plan_;
    ServiceEngine& engine_;
    PublisherThread* publishers_ = nullptr;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::vector<std::uint32_t> entry_of_publisher_;
    std::vector<std::atomic<std::uint64_t>> sent_;
    std::uint64_t unnoticed_ = 0;  ///< items out that a client waits for
    std::atomic<std::int64_t> device_minus_host_{0};
    SimTime aligned_{};
};

}  // namespace megabed
