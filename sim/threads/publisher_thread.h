#pragma once

#include "sim/engine/event_queue.h"
#include "sim/ring/ring_protocol.h"
#include "sim/scenario.h"
#include "sim/workloads/publishers.h"
#include "sim/workloads/sim_event.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace megabed {

/// What became of a tenant's items before the ring.
struct ArrivalCounts {
    std::uint64_t came = 0;  ///< until the end of the service
    std::uint64_t rejected = 0;
};

/// Where published items go, and the clock by which they come.
class ServiceInlet {
public:
    ServiceInlet() = default;
    ServiceInlet(const ServiceInlet&) = delete;
    ServiceInlet& operator=(const ServiceInlet&) = delete;
    virtual ~ServiceInlet() = default;
    [[nodiscard]] virtual SimTime now() const = 0;
    virtual PublishResult publish(const RingItem& item) = 0;
    /// Called again and again while the thread has nothing else to do: where notices of items done come in by
    /// being looked for, this looks, and hands them to `item_done`. Returns whether it wants to be called soon.
    virtual bool look_for_notices() { return false; }
};

/// One thread that plays all tenants of a service in measured time and publishes into a ring. The tenants are
/// the simulator's, with the same random streams; an item that comes while the thread is late keeps the time
/// at which it should have come.
class PublisherThread final : private EventScheduler {
public:
    /// Requires: `scenario` outlives this.
    explicit PublisherThread(const Scenario& scenario);
    PublisherThread(const PublisherThread&) = delete;
    PublisherThread& operator=(const PublisherThread&) = delete;
    /// Stops in the middle, if there is work left.
    ~PublisherThread() override;

    /// Begins to play. Requires: `inlet`, whose clock is the arrivals', outlives this.
    void start(ServiceInlet& inlet);
    /// Saturated pressure: items that come are held back.
    void hold(bool held) { hold_.store(held, std::memory_order_release); }
    /// An item of a client is done. Any thread.
    void item_done(const ServiceItem& item, SimTime time);
    /// Nothing will be published any more.
    [[nodiscard]] bool finished() const { return finished_.load(std::memory_order_acquire); }
    [[nodiscard]] ArrivalCounts counts(std::uint32_t tenant) const;

    [[nodiscard]] const Publishers& publishers() const { return publishers_; }

private:
    struct Counts {
        std::atomic<std::uint64_t> came{0};
        std::atomic<std::uint64_t> rejected{0};
    };
    struct DoneItem {
        ServiceItem item{};
        SimTime time{};
    };

    [[nodiscard]] SimTime now() const override { return now_; }
    EventHandle schedule(SimTime time, SimEvent event) override { return events_.push(time, event); }
    void cancel(EventHandle handle) override { events_.cancel(handle); }

    void play();
    void take_done();
    void arrive(const ServiceItem& item);
    void publish_held();
    /// False: the ring is full, and the tenant waits.
    bool publish(const ServiceItem& item);
    void wait(SimTime until);

    const ServiceWorkload& workload_;
    ServiceInlet* inlet_ = nullptr;
    EventQueue<SimEvent> events_;
    SimTime now_{};  ///< of the event that is handled
    Publishers publishers_;
    std::vector<Counts> counts_;    ///< by tenant
    std::deque<ServiceItem> held_;  ///< came, but not published yet, in the order in which they came
    std::atomic<bool> hold_ = false;
    std::atomic<bool> finished_ = false;
    std::atomic<bool> stop_ = false;
    std::mutex mutex_;
    std::condition_variable woken_;
    std::vector<DoneItem> done_;  ///< guarded by mutex_
    std::vector<DoneItem> taken_;
    std::thread thread_;
};

}  // namespace megabed
