#include "sim/threads/thread_backend.h"

#include "sim/costs/cost_model.h"
#include "sim/engine/digest.h"
#include "sim/threads/thread_work.h"

#include <fmt/format.h>
#include <algorithm>
#include <cassert>
#include <thread>
#include <utility>
#include <variant>

namespace megabed {
namespace {

Bytes held_at(const MemoryRamp& ramp, SimTime time) {
    if (time <= ramp.start) {
        return ramp.from;
    }
    if (time >= ramp.end) {
        return ramp.to;
    }
    const double share =
        static_cast<double>((time - ramp.start).value()) / static_cast<double>((ramp.end - ramp.start).value());
    const auto from = static_cast<double>(ramp.from.value());
    const auto to = static_cast<double>(ramp.to.value());
    return Bytes(static_cast<std::uint64_t>(from + share * (to - from)));
}

/// The profile of a device that has a multiprocessor for every thread.
DeviceProfile host_device(DeviceProfile profile, unsigned threads) {
    profile.multiprocessors = threads;
    return profile;
}

class HostThreadBackend final : public ThreadBackend {
public:
    HostThreadBackend(const Scenario& scenario, std::unique_ptr<ThreadWork> work)
        : scenario_(scenario),
          work_(std::move(work)),
          device_(host_device(scenario.device, work_->pool().threads())),
          costs_(device_) {}

    [[nodiscard]] bool done() const override { return work_->done(); }
    [[nodiscard]] SimTime now() const override { return work_->pool().now(); }
    [[nodiscard]] std::uint64_t levels() const override { return work_->levels(); }
    [[nodiscard]] const ServiceTotals* service_totals() const override { return work_->service_totals(); }
    [[nodiscard]] std::optional<std::string> failure() const override { return work_->pool().failure(); }
    [[nodiscard]] bool measures_time() const override { return true; }
    [[nodiscard]] std::vector<std::uint64_t> result() const override { return work_->result(); }

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

    /// As the simulator fills it; the requested groups are the profile's, not this machine's.
    [[nodiscard]] Observation observe() override {
        Observation observation;
        work_->observe(observation);
        if (work_->prescribes_requests()) {
            return observation;
        }
        LaunchRequest& request = observation.request;
        const DeviceProfile& device = scenario_.device;
        constexpr std::uint32_t kGroupsAMultiprocessor = 4;
        request.requested_worker_groups =
            scenario_.requested_worker_groups.value_or(device.multiprocessors * kGroupsAMultiprocessor);
        request.requested_hit_capacity = scenario_.requested_hit_capacity;
        request.max_workgroup_size_x = device.max_workgroup_size_x;
        request.max_compute_workgroups_per_dimension = device.max_compute_workgroups_per_dimension;
        request.max_compute_invocations_per_workgroup = device.max_compute_invocations_per_workgroup;
        request.resident_device_bytes = resident();
        request.device_memory_budget = scenario_.memory.budget;
        if (scenario_.memory.budget) {
            request.memory_pressure =
                ratio_floor(request.resident_device_bytes.value(), scenario_.memory.budget->value());
        }
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
    [[nodiscard]] Bytes resident() const {
        Bytes bytes = work_->resident();
        for (const MemoryProcess& process : scenario_.memory.co_tenants) {
            bytes += held_at(std::get<MemoryRamp>(process), now());
        }
        return bytes;
    }

    const Scenario& scenario_;
    std::unique_ptr<ThreadWork> work_;
    DeviceProfile device_;
    CostModel costs_;
};

Refusal unavailable(const Scenario& scenario, std::string key, std::string problem) {
    return Refusal(InputError{.kind = InputErrorKind::Unavailable,
                              .where = scenario.file,
                              .line = {},
                              .key = fmt::format("run {}: {}", scenario.name, key),
                              .problem = std::move(problem),
                              .allowed = "--backend sim"});
}

}  // namespace

Loaded<std::unique_ptr<ThreadBackend>> make_thread_backend(const Scenario& scenario, const CsrGraph* graph,
                                                           const ThreadOptions& options) {
    if (!scenario.faults.empty()) {
        return unavailable(scenario, "faults", "are injected by the simulator only");
    }
    const bool only_ramps =
        std::all_of(scenario.memory.co_tenants.begin(), scenario.memory.co_tenants.end(),
                    [](const MemoryProcess& process) { return std::holds_alternative<MemoryRamp>(process); });
    if (!only_ramps) {
        return unavailable(scenario, "memory", "has co-tenants that the simulator only knows");
    }
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
