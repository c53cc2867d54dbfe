#include "sim/sim_backend.h"

#include "sim/costs/cost_model.h"
#include "sim/engine/digest.h"
#include "sim/engine/event_queue.h"
#include "sim/work/simulated_work.h"

#include <algorithm>
#include <cassert>
#include <set>
#include <tuple>
#include <variant>

namespace megabed {
namespace {

/// Two launches of one variant and group size need no relaunch in between.
using KernelVariant = std::tuple<DispatchTopology, ExecutionMode, bool, bool>;

KernelVariant variant_of(const LaunchRecommendation& recommendation) {
    return {recommendation.topology, recommendation.execution_mode, recommendation.promote_hot_opcodes,
            recommendation.promote_hot_windows};
}

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

class SimBackend final : public Backend, private EventScheduler {
public:
    SimBackend(const Scenario& scenario, const CsrGraph* graph) : scenario_(scenario), costs_(scenario.device) {
        work_ = std::visit([&](const auto& workload) { return make_work(workload, graph); }, scenario.workload);
    }

    [[nodiscard]] bool done() const override { return work_->done(); }
    [[nodiscard]] SimTime now() const override { return now_; }
    [[nodiscard]] std::uint64_t levels() const override { return work_->levels(); }
    [[nodiscard]] const ServiceTotals* service_totals() const override { return work_->service_totals(); }
    [[nodiscard]] std::uint64_t digest() const override { return digest_.value(); }

    [[nodiscard]] Observation observe() override {
        Observation observation;
        if (work_->prescribes_requests()) {
            work_->observe(observation);
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
        work_->observe(observation);
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
        outcome.start = now_;
        outcome.duration = scenario_.decide == DecisionPlace::Host ? scenario_.device.host_decision
                                                                   : scenario_.device.device_decision;
        const GrantedGrid grid = costs_.grant(recommendation.geometry);
        const bool runs = recommendation.topology != DispatchTopology::Empty;
        if (runs) {
            prepare_kernel(recommendation, outcome);
            outcome.granted_groups = grid.groups;
        }
        const WorkDone done = work_->start(recommendation, grid);
        outcome.duration += done.busy;
        outcome.waves = done.waves;
        outcome.items = done.items;
        outcome.arcs = done.arcs;
        advance_to(now_ + outcome.duration);
        work_->finish();
        return outcome;
    }

    void pause(SimTime time) override {
        work_->refused();
        advance_to(now_ + time);
    }

private:
    std::unique_ptr<SimulatedWork> make_work(const TraversalWorkload& /*workload*/, const CsrGraph* graph) {
        assert(graph != nullptr);
        return make_traversal_work(scenario_, *graph, costs_);
    }
    std::unique_ptr<SimulatedWork> make_work(const SyntheticWorkload& /*workload*/, const CsrGraph* /*graph*/) {
        return make_synthetic_work(scenario_, costs_);
    }
    std::unique_ptr<SimulatedWork> make_work(const ServiceWorkload& /*workload*/, const CsrGraph* /*graph*/) {
        return make_service_work(scenario_, costs_, *this);
    }

    std::unique_ptr<SimulatedWork> make_work(const RequestsWorkload& /*workload*/, const CsrGraph* /*graph*/) {
        return make_requests_work(scenario_, costs_);
    }

    void schedule(SimTime time, SimEvent event) override { events_.push(time, event); }

    /// Processes every event up to the end of a launch, then stands at that time.
    void advance_to(SimTime time) {
        schedule(time, {SimEvent::Kind::LaunchEnd, 0});
        while (true) {
            const auto event = events_.pop();
            now_ = event.time;
            digest_.add(static_cast<std::uint64_t>(event.time.value()));
            digest_.add(event.sequence);
            digest_.add(static_cast<std::uint64_t>(event.payload.kind) << 32 | event.payload.subject);
            if (event.payload.kind == SimEvent::Kind::LaunchEnd) {
                return;
            }
            work_->on_event(event.payload);
        }
    }

    /// Adds relaunch and compilation where the variant or the group size is not the one that is running.
    void prepare_kernel(const LaunchRecommendation& recommendation, LaunchOutcome& outcome) {
        const KernelVariant variant = variant_of(recommendation);
        const std::uint32_t lanes = recommendation.geometry.workgroup_size_x;
        if (launched_ && (running_ != variant || running_lanes_ != lanes)) {
            outcome.relaunch = scenario_.device.relaunch;
        }
        const bool needs_compiling = recommendation.execution_mode == ExecutionMode::Jit &&
                                     !scenario_.kernels_cached && compiled_.insert(variant).second;
        if (needs_compiling) {
            outcome.compilation = scenario_.device.compile;
        }
        outcome.duration += outcome.relaunch + outcome.compilation;
        launched_ = true;
        running_ = variant;
        running_lanes_ = lanes;
    }

    [[nodiscard]] Bytes resident() const {
        Bytes bytes = work_->resident();
        for (const MemoryProcess& process : scenario_.memory.co_tenants) {
            if (const auto* const ramp = std::get_if<MemoryRamp>(&process)) {
                bytes += held_at(*ramp, now_);
            }
        }
        return bytes;
    }

    const Scenario& scenario_;
    CostModel costs_;
    EventQueue<SimEvent> events_;
    Digest digest_;
    SimTime now_{};
    std::unique_ptr<SimulatedWork> work_;
    bool launched_ = false;
    KernelVariant running_{};
    std::uint32_t running_lanes_ = 0;
    std::set<KernelVariant> compiled_;
};

}  // namespace

std::unique_ptr<Backend> make_sim_backend(const Scenario& scenario, const CsrGraph* graph) {
    return std::make_unique<SimBackend>(scenario, graph);
}

}  // namespace megabed
