#include "sim/threads/publisher_thread.h"

#include "sim/threads/service_tiles.h"

#include <algorithm>
#include <variant>

namespace megabed {

std::vector<std::uint32_t> PublisherThread::entries(const ServiceWorkload& workload) {
    std::vector<std::uint32_t> entries;
    for (std::uint32_t entry = 0; entry < workload.tenants.size(); ++entry) {
        entries.insert(entries.end(), workload.tenants[entry].count, entry);
    }
    return entries;
}

std::map<std::uint32_t, std::uint32_t> PublisherThread::opcodes(const ServiceWorkload& workload) {
    std::map<std::uint32_t, std::uint32_t> opcodes;
    for (const Tenant& tenant : workload.tenants) {
        for (const std::uint32_t opcode : tenant.opcodes) {
            opcodes.try_emplace(opcode, 0);
        }
        if (const auto* const trace = std::get_if<TraceArrivals>(&tenant.arrivals)) {
            for (const TraceItem& item : trace->items) {
                opcodes.try_emplace(item.opcode, 0);
            }
        }
    }
    std::uint32_t next = 0;
    for (auto& [opcode, place] : opcodes) {
        place = next++;
    }
    return opcodes;
}

std::uint32_t PublisherThread::locks(const ServiceWorkload& workload) {
    std::uint32_t locks = 0;
    for (const Tenant& tenant : workload.tenants) {
        locks += tenant.contended_keys;
    }
    return locks;
}

PublisherThread::PublisherThread(const Scenario& scenario, WorkerPool& pool)
    : workload_(std::get<ServiceWorkload>(scenario.workload)), pool_(pool), opcodes_(opcodes(workload_)) {
    std::uint32_t first_lock = 1;
    for (const Tenant& tenant : workload_.tenants) {
        for (std::uint32_t copy = 0; copy < tenant.count; ++copy) {
            Publisher& publisher =
                publishers_.emplace_back(tenant, workload_, scenario.seed, std::uint64_t{publishers_.size()});
            publisher.first_lock = first_lock;
            const auto index = static_cast<std::uint32_t>(publishers_.size() - 1);
            for (std::uint32_t client = 0; client < publisher.arrivals.clients(); ++client) {
                schedule(index, publisher.arrivals.think());
            }
            if (const auto first = publisher.arrivals.next(SimTime(0))) {
                schedule(index, *first);
            }
        }
        first_lock += tenant.contended_keys;
    }
}

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

void PublisherThread::start() {
    thread_ = std::thread([this] { play(); });
}

PublisherCounts PublisherThread::counts(std::uint32_t publisher) const {
    const Publisher& of = publishers_[publisher];
    return {of.came.load(std::memory_order_acquire), of.rejected.load(std::memory_order_acquire)};
}

void PublisherThread::schedule(std::uint32_t publisher, SimTime time) {
    if (time < workload_.duration) {
        events_.push({time, sequence_++, publisher});
    }
}

void PublisherThread::item_done(std::uint32_t publisher, SimTime time) {
    if (publishers_[publisher].arrivals.clients() == 0) {
        return;
    }
    const std::lock_guard guard(mutex_);
    done_.push_back({time, 0, publisher});
    woken_.notify_all();
}

void PublisherThread::take_done() {
    {
        const std::lock_guard guard(mutex_);
        taken_.swap(done_);
    }
    for (const Event& done : taken_) {
        schedule(done.publisher, done.time + publishers_[done.publisher].arrivals.think());
    }
    taken_.clear();
}

void PublisherThread::play() {
    const bool clients = std::any_of(publishers_.begin(), publishers_.end(), [](const Publisher& publisher) {
        return publisher.arrivals.clients() != 0;
    });
    while (!stop_.load(std::memory_order_acquire)) {
        if (clients) {
            take_done();
        }
        const SimTime time = pool_.now();
        publish_held();
        while (!events_.empty() && events_.top().time <= time && !stop_.load(std::memory_order_relaxed)) {
            const Event event = events_.top();
            events_.pop();
            arrive(event);
        }
        // A client that thinks past the end publishes nothing any more, so that time alone ends it.
        const bool over = events_.empty() && (!clients || time >= workload_.duration);
        if (over && held_back_.empty()) {
            break;
        }
        wait(events_.empty() ? workload_.duration : events_.top().time);
    }
    finished_.store(true, std::memory_order_release);
}

void PublisherThread::arrive(const Event& event) {
    Publisher& publisher = publishers_[event.publisher];
    const ArrivingItem arriving = publisher.arrivals.item(event.time);
    if (const auto next = publisher.arrivals.next(event.time)) {
        schedule(event.publisher, *next);
    }
    publisher.came.fetch_add(1, std::memory_order_acq_rel);
    RingItem item;
    item.opcode = opcodes_.at(arriving.opcode);
    item.tenant = event.publisher;
    item.priority = publisher.tenant->priority;
    item.lock = arriving.key == 0 ? 0 : publisher.first_lock + arriving.key - 1;
    put_time(item.argument, kServiceWork, arriving.work);
    put_time(item.argument, kServiceCame, event.time);
    const bool waits = held_.load(std::memory_order_acquire) || publisher.held_items != 0;
    if (waits || !publish(event.publisher, item)) {
        ++publisher.held_items;
        held_back_.push_back({event.publisher, item});
    }
}

void PublisherThread::publish_held() {
    while (!held_back_.empty() && !held_.load(std::memory_order_acquire)) {
        HeldItem& oldest = held_back_.front();
        if (!publish(oldest.publisher, oldest.item)) {
            return;
        }
        --publishers_[oldest.publisher].held_items;
        held_back_.pop_front();
    }
}

bool PublisherThread::publish(std::uint32_t index, RingItem& item) {
    Publisher& publisher = publishers_[index];
    put_time(item.argument, kServiceEntered, pool_.now());
    if (pool_.ring().publish(item) == PublishResult::Published) {
        return true;
    }
    if (publisher.tenant->when_full == FullRing::Wait) {
        return false;
    }
    publisher.rejected.fetch_add(1, std::memory_order_acq_rel);
    if (publisher.arrivals.clients() != 0) {
        schedule(index, pool_.now() + publisher.arrivals.think());
    }
    return true;
}

/// Until the time, or sooner if a client begins to think or something is held back. Short waits are spun.
void PublisherThread::wait(SimTime until) {
    constexpr SimTime kShort(60'000);
    constexpr SimTime kLong(1'000'000);
    constexpr SimTime kRetry(20'000);
    const SimTime rest = until - pool_.now();
    if (!held_back_.empty()) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(kRetry.value()));
    } else if (rest > kShort) {
        std::unique_lock lock(mutex_);
        const SimTime longest = std::min(rest - kShort, kLong);
        woken_.wait_for(lock, std::chrono::nanoseconds(longest.value()),
                        [this] { return !done_.empty() || stop_.load(std::memory_order_relaxed); });
    } else {
        std::this_thread::yield();
    }
}

}  // namespace megabed
