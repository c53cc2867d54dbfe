#include "sim/threads/thread_backend.h"

#include "sim/costs/cost_model.h"
#include "sim/engine/digest.h"
#include "sim/telemetry.h"
#include "sim/threads/thread_work.h"
#include "sim/workloads/measured_co_tenants.h"

#include <algorithm>
#include <cassert>
#include <thread>
#include <utility>
#include <variant>

namespace megabed {
namespace {

/// The profile of a device that has a multiprocessor for every thread.
DeviceProfile host_device(DeviceProfile profile, unsigned threads) {
    profile.multiprocessors = threads;
    profile.waves.reset();  // those are of the card
    return profile;
}

class HostThreadBackend final : public ThreadBackend {
public:
    HostThreadBackend(const Scenario& scenario, std::unique_ptr<ThreadWork> work)
        : scenario_(scenario),
          work_(std::move(work)),
          device_(host_device(scenario.device, work_->pool().threads())),
          costs_(device_, scenario.memory.bandwidth_of_others),
          co_tenants_(scenario.memory, scenario.seed) {}

    [[nodiscard]] bool done() const override { return work_->done(); }
    [[nodiscard]] SimTime now() const override { return work_->pool().now(); }
    [[nodiscard]] std::uint64_t levels() const override { return work_->levels(); }
    [[nodiscard]] const ServiceTotals* service_totals() const override { return work_->service_totals(); }
    [[nodiscard]] std::optional<std::string> failure() const override { return work_->pool().failure(); }
    [[nodiscard]] bool measures_time() const override { return true; }
    [[nodiscard]] std::optional<std::uint64_t> result_digest() const override { return work_->result_digest(); }

    [[nodiscard]] std::uint64_t digest() const override {
        Digest digest;
        work_->add_results(digest);
        return digest.value();
    }

    [[nodiscard]] RingCounts ring_counts() const override {
        const HostRing& ring = work_->pool().ring();
        RingControl& control = *ring.view().control;
        return {ring.word(control.published),
                ring.word(control.claimed),
                ring.word(control.done),
                ring.word(control.requeued),
                ring.faults(),
                ring.in_flight()};
    }

    [[nodiscard]] Observation observe() override {
        Observation observation;
        work_->observe(observation);
        if (work_->prescribes_requests()) {
            return observation;
        }
        fill_settings(scenario_, observation.request);
        fill_memory(scenario_, work_->resident() + co_tenants_.held(now()), observation.request);
        return observation;
    }

    [[nodiscard]] LaunchOutcome launch(const LaunchRecommendation& recommendation) override {
        LaunchOutcome outcome;
        outcome.start = now();
        std::uint32_t groups = 0;
        if (recommendation.topology != DispatchTopology::Empty) {
            groups = std::max(costs_.grant(recommendation.geometry).groups, 1U);
            outcome.granted_groups = groups;
        }
        const unsigned workers = std::min(std::max(groups, 1U), work_->pool().threads());
        const LaunchWork done = work_->launch(recommendation, groups, workers);
        outcome.waves = done.waves;
        outcome.items = done.items;
        outcome.arcs = done.arcs;
        outcome.duration = now() - outcome.start;
        return outcome;
    }

    void pause(SimTime time) override {
        work_->refused();
        std::this_thread::sleep_for(std::chrono::nanoseconds(time.value()));
    }

private:
    const Scenario& scenario_;
    std::unique_ptr<ThreadWork> work_;
    DeviceProfile device_;
    CostModel costs_;
    MeasuredCoTenants co_tenants_;
};

}  // namespace

std::unique_ptr<ThreadBackend> make_thread_backend(const Scenario& scenario, const CsrGraph* graph,
                                                   const ThreadOptions& options) {
    WorkerPoolOptions pool;
    pool.threads = options.threads != 0 ? options.threads : std::max(std::thread::hardware_concurrency(), 1U);
    pool.deadline = options.deadline;
    pool.ring_hook = options.ring_hook;
    pool.item_hook = options.item_hook;
    std::unique_ptr<ThreadWork> work;
    if (std::holds_alternative<TraversalWorkload>(scenario.workload)) {
        assert(graph != nullptr);
        work = make_threaded_traversal(scenario, *graph, std::max(options.ring_slots, 1U), pool);
    } else if (std::holds_alternative<ServiceWorkload>(scenario.workload)) {
        work = make_threaded_service(scenario, pool);
    } else {
        work = make_prescribed_work(scenario, pool);
    }
    return std::make_unique<HostThreadBackend>(scenario, std::move(work));
}

}  // namespace megabed
