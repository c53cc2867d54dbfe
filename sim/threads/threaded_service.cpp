#include "sim/threads/publisher_thread.h"
#include "sim/threads/service_tiles.h"
#include "sim/threads/thread_work.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <variant>

namespace megabed {
namespace {

/// Of each tenant, counted over all entries and their `count`, its entry.
std::vector<std::uint32_t> entries_of_tenants(const ServiceWorkload& workload) {
    std::vector<std::uint32_t> entries;
    for (std::uint32_t entry = 0; entry < workload.tenants.size(); ++entry) {
        entries.insert(entries.end(), workload.tenants[entry].count, entry);
    }
    return entries;
}

/// How a worker tells the publishers that an item is done, and, should it outlive them, that they have gone.
struct PublisherLink {
    std::mutex mutex;
    PublisherThread* publishers = nullptr;
};

/// Publishes straight into the workers' ring.
class PoolInlet final : public ServiceInlet {
public:
    explicit PoolInlet(WorkerPool& pool) : pool_(pool) {}
    [[nodiscard]] SimTime now() const override { return pool_.now(); }
    PublishResult publish(const RingItem& item) override { return pool_.ring().publish(item); }

private:
    WorkerPool& pool_;
};

/// Tenants that publish in measured time, a ring, and workers that spin for each item's time. A launch is a
/// decision that holds until its slots are used up, nothing unfinished is left, or the epoch is over.
class ThreadedService final : public ThreadWork {
public:
    ThreadedService(const Scenario& scenario, const WorkerPoolOptions& options)
        : workload_(std::get<ServiceWorkload>(scenario.workload)),
          age_threshold_(scenario.parameters.priority_age_threshold),
          expected_hits_(scenario.expected_hits_per_item.value_or(1)),
          entry_of_(entries_of_tenants(workload_)),
          publishers_(std::make_unique<PublisherThread>(scenario)),
          link_(std::make_shared<PublisherLink>()),
          tiles_(std::make_shared<ServiceTiles>(workload_, entry_of_, options.threads, on_done())),
          pool_(ring_size(options.threads), tiles_, options),
          done_by_opcode_before_(publishers_->publishers().opcodes().size()) {
        pool_.ring().view().control->starvation_epochs = workload_.starvation_age;
        for (std::size_t tenant = 0; tenant < entry_of_.size(); ++tenant) {
            pool_.ring().view().tenants[tenant].quota = workload_.tenants[entry_of_[tenant]].quota_items;
        }
        tiles_->set_slots(pool_.ring().view().slots);
        tiles_->start_clock(pool_.start());
        link_->publishers = publishers_.get();
        publishers_->start(inlet_);
    }
    ThreadedService(const ThreadedService&) = delete;
    ThreadedService& operator=(const ThreadedService&) = delete;
    ~ThreadedService() override {
        {
            const std::lock_guard guard(link_->mutex);
            link_->publishers = nullptr;
        }
        publishers_.reset();  // before the pool that it publishes into
    }

    [[nodiscard]] bool done() const override {
        return publishers_->finished() && pool_.ring().in_flight() == 0 && pool_.now() >= workload_.duration;
    }

    void observe(Observation& observation) override {
        HostRing& ring = pool_.ring();
        RingControl& control = *ring.view().control;
        LaunchRequest& request = observation.request;
        request.queue_len = saturate_u32(ring.in_flight());
        request.expected_hits_per_item = expected_hits_;
        const std::uint64_t requeued = ring.word(control.requeued);
        request.requeue_count = requeued - std::exchange(requeued_before_, requeued);
        request.max_priority_age = std::max(std::exchange(control.requeued_age_max, 0U), ring.head_age());
        request.hot_opcode_count = hot_opcodes_;
        request.hot_window_count = hot_windows_;
    }

    [[nodiscard]] Bytes resident() const override {
        return Bytes(workload_.ring_slots.value() * std::uint64_t{sizeof(RingSlot)});
    }

    LaunchWork launch(const LaunchRecommendation& recommendation, std::uint32_t /*granted_groups*/,
                      unsigned workers) override {
        const SimTime start = pool_.now();
        const SimTime left = start < workload_.duration ? workload_.duration - start : workload_.epoch;
        const SimTime end = start + std::min(workload_.epoch, left);
        publishers_->hold(recommendation.pressure == QueuePressure::Saturated);
        ++epochs_;
        HostRing& ring = pool_.ring();
        if (recommendation.topology == DispatchTopology::Empty) {
            rest(end);
            return {1, 0, 0};
        }
        ring.republish();
        if (recommendation.age_priority_work) {
            ring.lift_aged(age_threshold_);
        }
        const std::uint64_t done_before = ring.word(ring.view().control->done);
        const unsigned claiming = std::min(workers, std::max(recommendation.worker_groups, 1U));
        pool_.open(claiming, std::max(recommendation.geometry.slot_count.value(), 1U));
        HostBackoff backoff;
        while (ring.in_flight() != 0 && ring.claims_left() != 0 && pool_.now() < end && pool_.watch()) {
            // What was put back is looked at again as soon as nothing else waits; each look is a claim.
            if (ring.waiting() == 0) {
                ring.republish();
            }
            backoff.wait();
        }
        pool_.close();
        const std::uint64_t done = ring.word(ring.view().control->done) - done_before;
        end_epoch(done);
        return {1, done, 0};
    }

    [[nodiscard]] std::uint64_t levels() const override { return epochs_; }

    [[nodiscard]] const ServiceTotals* service_totals() const override {
        totals_ = {};
        totals_.tenants.resize(workload_.tenants.size());
        const HostRing& ring = pool_.ring();
        for (std::uint32_t tenant = 0; tenant < entry_of_.size(); ++tenant) {
            TenantTotals& totals = totals_.tenants[entry_of_[tenant]];
            TenantControl& control = ring.view().tenants[tenant];
            const std::uint64_t rejected = publishers_->counts(tenant).rejected;
            const std::uint64_t published = ring.word(control.published);
            const std::uint64_t done = ring.word(control.done);
            totals.published += published + rejected;
            totals.done += done;
            totals.rejected += rejected;
            totals.requeued += ring.word(control.requeued);
            totals.starved += ring.word(control.starved);
            totals.in_flight += published - done;
        }
        add_tallies();
        return &totals_;
    }

    /// What came does not depend on time, unless clients wait for their items; what was rejected does.
    void add_results(Digest& digest) const override {
        for (std::uint32_t tenant = 0; tenant < entry_of_.size(); ++tenant) {
            const bool closed =
                std::holds_alternative<ClosedArrivals>(workload_.tenants[entry_of_[tenant]].arrivals);
            digest.add(closed ? 0 : publishers_->counts(tenant).came);
        }
        const TenantTotals sum = service_totals()->sum();
        digest.add(std::uint64_t{sum.in_flight == 0});
    }
    [[nodiscard]] WorkerPool& pool() override { return pool_; }
    [[nodiscard]] const WorkerPool& pool() const override { return pool_; }

private:
    [[nodiscard]] RingSize ring_size(unsigned workers) const {
        const Publishers& publishers = publishers_->publishers();
        RingSize size;
        size.slots = std::max(workload_.ring_slots.value(), 1U);
        size.tenants = std::max(publishers.tenants(), 1U);
        size.opcodes = std::max(static_cast<std::uint32_t>(publishers.opcodes().size()), 1U);
        size.locks = publishers.keys();
        size.workers = workers;
        return size;
    }

    /// Only clients wait for their items.
    [[nodiscard]] ServiceTiles::OnDone on_done() const {
        const bool clients = std::any_of(
            workload_.tenants.begin(), workload_.tenants.end(),
            [](const Tenant& tenant) { return std::holds_alternative<ClosedArrivals>(tenant.arrivals); });
        if (!clients) {
            return {};
        }
        return [link = link_](const ServiceItem& item, SimTime time) {
            const std::lock_guard guard(link->mutex);
            if (link->publishers != nullptr) {
                link->publishers->item_done(item, time);
            }
        };
    }

    /// Nothing runs: until there is something, the epoch is over or everything is.
    void rest(SimTime end) {
        constexpr std::chrono::microseconds kLook(10);
        while (pool_.ring().in_flight() == 0 && pool_.now() < end && !done() && pool_.watch()) {
            std::this_thread::sleep_for(kLook);
        }
    }

    void end_epoch(std::uint64_t done) {
        hot_windows_ = tiles_->end_epoch();
        hot_opcodes_ = 0;
        for (std::size_t opcode = 0; opcode < done_by_opcode_before_.size(); ++opcode) {
            const std::uint64_t now = pool_.ring().word(pool_.ring().view().done_by_opcode[opcode]);
            const std::uint64_t in_epoch = now - std::exchange(done_by_opcode_before_[opcode], now);
            const bool hot = in_epoch != 0 && ratio_floor(in_epoch, done) >= workload_.hot_opcode_share;
            hot_opcodes_ += hot ? 1U : 0U;
        }
    }

    /// Means by Little's law: item-time over time. What is still in flight is not in it; at the end nothing is.
    void add_tallies() const {
        ServiceTally sum;
        for (const ServiceTally& tally : tiles_->tallies()) {
            for (std::size_t entry = 0; entry < tally.latencies.size(); ++entry) {
                totals_.tenants[entry].latency_ns.merge(tally.latencies[entry]);
            }
            sum.in_flight += tally.in_flight;
            sum.in_ring += tally.in_ring;
            sum.at_work += tally.at_work;
        }
        const auto measured = static_cast<double>((pool_.now() - workload_.warm_up).value());
        if (measured > 0) {
            totals_.ring_depth_mean = (sum.in_ring - sum.at_work) / measured;
            totals_.in_flight_mean = sum.in_flight / measured;
            totals_.workers_busy_mean = sum.at_work / measured;
        }
    }

    const ServiceWorkload& workload_;
    std::uint32_t age_threshold_;
    std::uint32_t expected_hits_;
    std::vector<std::uint32_t> entry_of_;
    std::unique_ptr<PublisherThread> publishers_;
    std::shared_ptr<PublisherLink> link_;
    std::shared_ptr<ServiceTiles> tiles_;
    WorkerPool pool_;
    PoolInlet inlet_{pool_};
    std::vector<std::uint64_t> done_by_opcode_before_;
    std::uint64_t requeued_before_ = 0;
    std::uint32_t hot_opcodes_ = 0;
    std::uint32_t hot_windows_ = 0;
    std::uint64_t epochs_ = 0;
    mutable ServiceTotals totals_;
};

}  // namespace

std::unique_ptr<ThreadWork> make_threaded_service(const Scenario& scenario, const WorkerPoolOptions& options) {
    return std::make_unique<ThreadedService>(scenario, options);
}

}  // namespace megabed
