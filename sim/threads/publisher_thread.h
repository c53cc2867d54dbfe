#pragma once

#include "sim/scenario.h"
#include "sim/threads/tenant_arrivals.h"
#include "sim/threads/worker_pool.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

namespace megabed {

/// What became of a publisher's items before the ring.
struct PublisherCounts {
    std::uint64_t came = 0;      ///< until the end of the service
    std::uint64_t rejected = 0;  ///< by a full ring
};

/// One thread that plays all tenants of a service in measured time and publishes into a ring.
class PublisherThread {
public:
    PublisherThread(const Scenario& scenario, WorkerPool& pool);
    PublisherThread(const PublisherThread&) = delete;
    PublisherThread& operator=(const PublisherThread&) = delete;
    /// Stops in the middle, if there is work left.
    ~PublisherThread();

    /// Begins to play; the time of `pool` is the time of the arrivals.
    void start();
    /// Saturated pressure: items that come are held back.
    void hold(bool held) { held_.store(held, std::memory_order_release); }
    /// An item of `publisher` is done. Any thread.
    void item_done(std::uint32_t publisher, SimTime time);
    /// Nothing will be published any more.
    [[nodiscard]] bool finished() const { return finished_.load(std::memory_order_acquire); }
    /// Requires: finished, or nobody minds counts that are still growing.
    [[nodiscard]] PublisherCounts counts(std::uint32_t publisher) const;

    /// Publishers of a scenario: the counts of its tenants, added up. Of each, its entry in the list of
    /// tenants.
    [[nodiscard]] static std::vector<std::uint32_t> entries(const ServiceWorkload& workload);
    /// Opcodes as the ring knows them: those of the scenario, in ascending order, from 0.
    [[nodiscard]] static std::map<std::uint32_t, std::uint32_t> opcodes(const ServiceWorkload& workload);
    /// Locks that all tenants' contended keys need.
    [[nodiscard]] static std::uint32_t locks(const ServiceWorkload& workload);

private:
    struct Publisher {
        const Tenant* tenant = nullptr;
        TenantArrivals arrivals;
        std::uint32_t first_lock = 0;
        std::uint32_t held_items = 0;
        std::atomic<std::uint64_t> came{0};
        std::atomic<std::uint64_t> rejected{0};

        Publisher(const Tenant& of, const ServiceWorkload& workload, std::uint64_t seed, std::uint64_t stream)
            : tenant(&of), arrivals(of, workload, seed, stream) {}
    };
    struct Event {
        SimTime time{};
        std::uint64_t sequence = 0;
        std::uint32_t publisher = 0;

        bool operator<(const Event& other) const {  // the earliest is the greatest
            return time != other.time ? time > other.time : sequence > other.sequence;
        }
    };
    struct HeldItem {
        std::uint32_t publisher = 0;
        RingItem item{};
    };

    void play();
    void schedule(std::uint32_t publisher, SimTime time);
    void take_done();
    void arrive(const Event& event);
    void publish_held();
    /// False: the ring is full, and the tenant waits.
    bool publish(std::uint32_t publisher, RingItem& item);
    void wait(SimTime until);

    const ServiceWorkload& workload_;
    WorkerPool& pool_;
    std::deque<Publisher> publishers_;
    std::map<std::uint32_t, std::uint32_t> opcodes_;
    std::priority_queue<Event> events_;
    std::uint64_t sequence_ = 0;
    std::deque<HeldItem> held_back_;
    std::atomic<bool> held_ = false;
    std::atomic<bool> finished_ = false;
    std::atomic<bool> stop_ = false;
    std::mutex mutex_;
    std::condition_variable woken_;
    std::vector<Event> done_;  ///< guarded by mutex_: clients that begin to think
    std::vector<Event> taken_;
    std::thread thread_;
};

}  // namespace megabed
