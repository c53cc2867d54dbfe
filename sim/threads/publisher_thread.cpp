#include "sim/threads/publisher_thread.h"

#include "sim/threads/service_tiles.h"
#include "sim/threads/worker_pool.h"

#include <algorithm>
#include <chrono>
#include <variant>

namespace megabed {

PublisherThread::PublisherThread(const Scenario& scenario)
    : workload_(std::get<ServiceWorkload>(scenario.workload)),
      publishers_(workload_, scenario.seed, *this),
      counts_(publishers_.tenants()) {}

PublisherThread::~PublisherThread() {
    stop_.store(true, std::memory_order_release);
    {
        const std::lock_guard guard(mutex_);
        woken_.notify_all();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

void PublisherThread::start(ServiceInlet& inlet) {
    inlet_ = &inlet;
    thread_ = std::thread([this] {
        sleep_precisely();
        play();
    });
}

ArrivalCounts PublisherThread::counts(std::uint32_t tenant) const {
    const Counts& of = counts_[tenant];
    return {of.came.load(std::memory_order_acquire), of.rejected.load(std::memory_order_acquire)};
}

void PublisherThread::item_done(const ServiceItem& item, SimTime time) {
    const std::lock_guard guard(mutex_);
    done_.push_back({item, time});
    woken_.notify_all();
}

/// The client thinks from when its item was done, or from the last event if that is later: time goes forward.
void PublisherThread::take_done() {
    {
        const std::lock_guard guard(mutex_);
        taken_.swap(done_);
    }
    for (const DoneItem& done : taken_) {
        now_ = std::max(now_, done.time);
        publishers_.item_left(done.item);
    }
    taken_.clear();
}

void PublisherThread::play() {
    const bool clients = std::any_of(
        workload_.tenants.begin(), workload_.tenants.end(),
        [](const Tenant& tenant) { return std::holds_alternative<ClosedArrivals>(tenant.arrivals); });
    while (!stop_.load(std::memory_order_acquire)) {
        const SimTime time = inlet_->now();
        publish_held();
        while (!events_.empty() && events_.next_time() <= time && !stop_.load(std::memory_order_relaxed)) {
            const auto event = events_.pop();
            now_ = std::max(now_, event.time);
            if (const auto item = publishers_.on_event(event.payload)) {
                arrive(*item);
            }
        }
        const bool watched = inlet_->look_for_notices();
        take_done();
        // A client whose item is done after the end publishes nothing any more, so that time alone ends it.
        if (events_.empty() && held_.empty() && (!clients || time >= workload_.duration)) {
            break;
        }
        if (!watched) {
            wait(events_.empty() ? workload_.duration : events_.next_time());
        }
    }
    finished_.store(true, std::memory_order_release);
}

void PublisherThread::arrive(const ServiceItem& item) {
    counts_[item.tenant].came.fetch_add(1, std::memory_order_acq_rel);
    const bool waits = workload_.tenants[item.entry].when_full == FullRing::Wait;
    if (hold_.load(std::memory_order_acquire) || (waits && !held_.empty()) || !publish(item)) {
        held_.push_back(item);
    }
}

void PublisherThread::publish_held() {
    while (!held_.empty() && !hold_.load(std::memory_order_acquire) && publish(held_.front())) {
        held_.pop_front();
    }
}

bool PublisherThread::publish(const ServiceItem& item) {
    RingItem made;
    made.opcode = item.opcode;
    made.tenant = item.tenant;
    made.priority = std::min<std::uint32_t>(item.priority, kRingClasses - 1);
    made.lock = item.key;
    put_time(made.argument, kServiceWork, item.work);
    put_time(made.argument, kServiceCame, item.came);
    put_time(made.argument, kServiceEntered, inlet_->now());
    made.argument[kServicePublisher] = item.publisher;
    if (inlet_->publish(made) == PublishResult::Published) {
        return true;
    }
    if (workload_.tenants[item.entry].when_full == FullRing::Wait) {
        return false;
    }
    counts_[item.tenant].rejected.fetch_add(1, std::memory_order_acq_rel);
    publishers_.item_left(item);
    return true;
}

/// Until the time, or sooner if a client begins to think or something is held back. The end of a wait is spun.
void PublisherThread::wait(SimTime until) {
    constexpr SimTime kShort(5'000);
    constexpr SimTime kLong(1'000'000);
    constexpr std::chrono::microseconds kRetry(20);
    const SimTime rest = until - inlet_->now();
    if (!held_.empty()) {
        std::this_thread::sleep_for(kRetry);
    } else if (rest > kShort) {
        std::unique_lock lock(mutex_);
        const SimTime longest = std::min(rest - kShort, kLong);
        woken_.wait_for(lock, std::chrono::nanoseconds(longest.value()),
                        [this] { return !done_.empty() || stop_.load(std::memory_order_relaxed); });
    }
}

}  // namespace megabed
