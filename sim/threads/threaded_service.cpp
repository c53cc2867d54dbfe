#include "sim/threads/publisher_thread.h"
#include "sim/threads/service_tiles.h"
#include "sim/threads/thread_work.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <variant>

namespace megabed {
namespace {

/// Tenants that publish in measured time, a ring, and workers that spin for each item's time.
class ThreadedService final : public ThreadWork {
public:
    ThreadedService(const Scenario& scenario, const WorkerPoolOptions& options)
        : workload_(std::get<ServiceWorkload>(scenario.workload)),
          age_threshold_(scenario.parameters.priority_age_threshold),
          expected_hits_(scenario.expected_hits_per_item.value_or(1)),
          entry_of_(PublisherThread::entries(workload_)),
          opcodes_(static_cast<std::uint32_t>(PublisherThread::opcodes(workload_).size())),
          link_(std::make_shared<Link>()),
          tiles_(std::make_shared<ServiceTiles>(workload_, entry_of_, options.threads, on_done())),
          pool_({.slots = std::max(workload_.ring_slots.value(), 1U),
                 .tenants = static_cast<std::uint32_t>(std::max<std::size_t>(entry_of_.size(), 1)),
                 .opcodes = std::max(opcodes_, 1U),
                 .locks = PublisherThread::locks(workload_),
                 .workers = options.threads},
                tiles_, options),
          publishers_(scenario, pool_) {
        RingControl& control = *pool_.ring().view().control;
        control.starvation_epochs = workload_.starvation_age;
        for (std::uint32_t publisher = 0; publisher < entry_of_.size(); ++publisher) {
            pool_.ring().view().tenants[publisher].quota = workload_.tenants[entry_of_[publisher]].quota_items;
        }
        done_by_opcode_before_.resize(opcodes_);
        tiles_->set_slots(pool_.ring().view().slots);
        tiles_->start_clock(pool_.start());
        link_->publishers = &publishers_;
        publishers_.start();
    }
    ThreadedService(const ThreadedService&) = delete;
    ThreadedService& operator=(const ThreadedService&) = delete;
    ~ThreadedService() override {
        const std::lock_guard guard(link_->mutex);
        link_->publishers = nullptr;
    }

    [[nodiscard]] bool done() const override {
        return publishers_.finished() && pool_.ring().in_flight() == 0 && pool_.now() >= workload_.duration;
    }

    void observe(Observation& observation) override {
        RingControl& control = *pool_.ring().view().control;
        LaunchRequest& request = observation.request;
        constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
        request.queue_len = static_cast<std::uint32_t>(std::min(pool_.ring().in_flight(), kLargest));
        request.expected_hits_per_item = expected_hits_;
        const std::uint64_t requeued = pool_.ring().word(control.requeued);
        request.requeue_count = requeued - std::exchange(requeued_before_, requeued);
        request.max_priority_age = control.requeued_age_max;
        request.hot_opcode_count = hot_opcodes_;
        request.hot_window_count = hot_windows_;
        control.requeued_age_max = 0;
    }

    [[nodiscard]] Bytes resident() const override {
        return Bytes(workload_.ring_slots.value() * std::uint64_t{sizeof(RingSlot)});
    }

    LaunchWork launch(const LaunchRecommendation& recommendation, std::uint32_t /*granted_groups*/,
                      unsigned workers) override {
        const SimTime start = pool_.now();
        publishers_.hold(recommendation.pressure == QueuePressure::Saturated);
        ++epochs_;
        HostRing& ring = pool_.ring();
        const bool empty = recommendation.topology == DispatchTopology::Empty;
        if (!empty) {
            // Whatever was put back waits again; what has aged, a class higher.
            ring.republish(recommendation.age_priority_work ? std::max(age_threshold_, 1U) : 0);
        }
        if (empty || ring.waiting() == 0) {
            rest(start);
            return {1, 0, 0};
        }
        const std::uint64_t done_before = ring.word(ring.view().control->done);
        const unsigned claiming = std::min(workers, std::max(recommendation.worker_groups, 1U));
        pool_.open(claiming, std::max(recommendation.geometry.slot_count.value(), 1U));
        HostBackoff backoff;
        while (ring.claimable() && pool_.now() - start < workload_.epoch && pool_.watch()) {
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
        const RingView& view = pool_.ring().view();
        const HostRing& ring = pool_.ring();
        for (std::uint32_t publisher = 0; publisher < entry_of_.size(); ++publisher) {
            TenantTotals& totals = totals_.tenants[entry_of_[publisher]];
            const PublisherCounts counts = publishers_.counts(publisher);
            TenantControl& control = view.tenants[publisher];
            const std::uint64_t published = ring.word(control.published);
            const std::uint64_t done = ring.word(control.done);
            totals.published += published + counts.rejected;
            totals.done += done;
            totals.rejected += counts.rejected;
            totals.requeued += ring.word(control.requeued);
            totals.starved += ring.word(control.starved);
            totals.in_flight += published - done;
        }
        double in_ring = 0;
        double at_work = 0;
        for (const ServiceTally& tally : tiles_->tallies()) {
            for (std::size_t entry = 0; entry < tally.latencies.size(); ++entry) {
                totals_.tenants[entry].latency_ns.merge(tally.latencies[entry]);
            }
            in_ring += tally.in_ring;
            at_work += tally.at_work;
        }
        // By Little's law: item-time over time. What is still in flight is not in it; at the end nothing is.
        const auto measured = static_cast<double>((pool_.now() - workload_.warm_up).value());
        if (measured > 0) {
            totals_.ring_depth_mean = (in_ring - at_work) / measured;
            totals_.in_flight_mean = in_ring / measured;
            totals_.workers_busy_mean = at_work / measured;
        }
        return &totals_;
    }

    /// What came does not depend on time, unless clients wait for their items; what was rejected does.
    void add_results(Digest& digest) const override {
        for (std::uint32_t publisher = 0; publisher < entry_of_.size(); ++publisher) {
            const bool closed =
                std::holds_alternative<ClosedArrivals>(workload_.tenants[entry_of_[publisher]].arrivals);
            digest.add(closed ? 0 : publishers_.counts(publisher).came);
        }
        const TenantTotals sum = service_totals()->sum();
        digest.add(std::uint64_t{sum.published == sum.done + sum.rejected + sum.in_flight});
    }
    [[nodiscard]] WorkerPool& pool() override { return pool_; }
    [[nodiscard]] const WorkerPool& pool() const override { return pool_; }

private:
    /// How a worker that outlives the service finds out that it has gone.
    struct Link {
        std::mutex mutex;
        PublisherThread* publishers = nullptr;
    };

    /// Only clients wait for their items.
    [[nodiscard]] std::function<void(std::uint32_t, SimTime)> on_done() const {
        const bool clients = std::any_of(
            workload_.tenants.begin(), workload_.tenants.end(),
            [](const Tenant& tenant) { return std::holds_alternative<ClosedArrivals>(tenant.arrivals); });
        if (!clients) {
            return {};
        }
        return [link = link_](std::uint32_t publisher, SimTime time) {
            const std::lock_guard guard(link->mutex);
            if (link->publishers != nullptr) {
                link->publishers->item_done(publisher, time);
            }
        };
    }

    /// Nothing runs: until an item waits, the epoch is over or everything is.
    void rest(SimTime start) {
        while (pool_.ring().waiting() == 0 && pool_.ring().deferred() == 0 &&
               pool_.now() - start < workload_.epoch && !done() && pool_.watch()) {
            std::this_thread::sleep_for(std::chrono::microseconds(10));
        }
    }

    void end_epoch(std::uint64_t done) {
        hot_windows_ = tiles_->end_epoch();
        hot_opcodes_ = 0;
        for (std::uint32_t opcode = 0; opcode < opcodes_; ++opcode) {
            const std::uint64_t now = pool_.ring().word(pool_.ring().view().done_by_opcode[opcode]);
            const std::uint64_t in_epoch = now - std::exchange(done_by_opcode_before_[opcode], now);
            hot_opcodes_ +=
                done != 0 && in_epoch != 0 && ratio_floor(in_epoch, done) >= workload_.hot_opcode_share ? 1U
                                                                                                        : 0U;
        }
    }

    const ServiceWorkload& workload_;
    std::uint32_t age_threshold_;
    std::uint32_t expected_hits_;
    std::vector<std::uint32_t> entry_of_;
    std::uint32_t opcodes_;
    std::shared_ptr<Link> link_;
    std::shared_ptr<ServiceTiles> tiles_;
    WorkerPool pool_;
    PublisherThread publishers_;
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
