#pragma once

#include "policy/launch_recommendation.h"
#include "policy/policy.h"
#include "policy/units.h"
#include "sim/backend.h"
#include "sim/costs/cost_model.h"
#include "sim/engine/checkpoint.h"
#include "sim/engine/event_queue.h"
#include "sim/scenario.h"
#include "sim/workloads/sim_event.h"
#include "sim/workloads/wave_source.h"

#include <cstdint>
#include <memory>

namespace megabed {

/// What one launch got through.
struct WorkDone {
    std::uint32_t waves = 0;  ///< extra passes of an overflowing hit capacity included
    std::uint64_t items = 0;
    std::uint64_t arcs = 0;
};

/// A workload as the simulator sees it: it is told when a launch starts, and either says at once how long the
/// launch takes or ends it by an event of its own.
class SimulatedWork {
public:
    SimulatedWork() = default;
    SimulatedWork(const SimulatedWork&) = delete;
    SimulatedWork& operator=(const SimulatedWork&) = delete;
    virtual ~SimulatedWork() = default;

    [[nodiscard]] virtual bool done() const = 0;
    /// Fills the fields of the request that speak of the work: queue, hits, hot counts, requeues, graph,
    /// density.
    virtual void observe(Observation& observation) = 0;
    /// Whether `observe` fills the whole request, so that nothing else may be put into it.
    [[nodiscard]] virtual bool prescribes_requests() const { return false; }
    /// Device bytes of the work itself.
    [[nodiscard]] virtual Bytes resident() const = 0;

    /// Whether groups are still at work for an earlier launch. A relaunch waits for them.
    [[nodiscard]] virtual bool groups_at_work() const { return false; }
    /// Whether events decide how long a launch takes: then it goes on until `launch_over`.
    [[nodiscard]] virtual bool driven_by_events() const { return false; }
    [[nodiscard]] virtual bool launch_over() const { return true; }
    /// Starts the work of one launch and returns how long it takes; 0 where events decide.
    [[nodiscard]] virtual SimTime start(const LaunchRecommendation& recommendation,
                                        const GrantedGrid& grid) = 0;
    /// The launch that `start` began is over.
    [[nodiscard]] virtual WorkDone finish() = 0;
    /// The policy refused to decide on what was observed.
    virtual void refused() {}

    virtual void on_event(const SimEvent& /*event*/) {}
    [[nodiscard]] virtual std::uint64_t levels() const = 0;
    [[nodiscard]] virtual const ServiceTotals* service_totals() const { return nullptr; }

    virtual void save(CheckpointWriter& writer) const = 0;
    virtual void load(CheckpointReader& reader) = 0;
};

/// Work that proceeds in waves, each as long as the cost model says.
[[nodiscard]] std::unique_ptr<SimulatedWork> make_wave_work(const Scenario& scenario, const CostModel& costs,
                                                            std::unique_ptr<WaveSource> source);
/// Tenants, ring and workers.
[[nodiscard]] std::unique_ptr<SimulatedWork> make_service_work(const Scenario& scenario, const CostModel& costs,
                                                               EventScheduler& scheduler);

}  // namespace megabed
