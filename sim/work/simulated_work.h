#pragma once

#include "policy/launch_recommendation.h"
#include "policy/policy.h"
#include "policy/units.h"
#include "sim/backend.h"
#include "sim/costs/cost_model.h"
#include "sim/graphs/graph.h"
#include "sim/scenario.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace megabed {

/// What happens in simulated time; plain data, ordered by an EventQueue.
struct SimEvent {
    enum class Kind : std::uint8_t { LaunchEnd, Arrival, BurstEdge, Epoch };
    Kind kind{};
    std::uint32_t subject = 0;  ///< tenant, where there is one

    bool operator==(const SimEvent&) const = default;
};

/// Lets work put events into the simulation's future.
class EventScheduler {
public:
    EventScheduler() = default;
    EventScheduler(const EventScheduler&) = delete;
    EventScheduler& operator=(const EventScheduler&) = delete;
    virtual ~EventScheduler() = default;
    [[nodiscard]] virtual SimTime now() const = 0;
    virtual void schedule(SimTime time, SimEvent event) = 0;
};

/// The work of one launch: how long the device is busy and what it got through.
struct WorkDone {
    SimTime busy{};
    std::uint32_t waves = 0;  ///< extra passes included
    std::uint64_t items = 0;
    std::uint64_t arcs = 0;
};

/// A workload as the simulator sees it.
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
    /// Claims the work of one launch and says how long it takes.
    [[nodiscard]] virtual WorkDone start(const LaunchRecommendation& recommendation,
                                         const GrantedGrid& grid) = 0;
    /// The launch that `start` began is over.
    virtual void finish() {}
    /// The policy refused to decide on what was observed.
    virtual void refused() {}
    virtual void on_event(const SimEvent& /*event*/) {}
    [[nodiscard]] virtual std::uint64_t levels() const = 0;
    [[nodiscard]] virtual const ServiceTotals* service_totals() const { return nullptr; }
};

[[nodiscard]] std::unique_ptr<SimulatedWork> make_traversal_work(const Scenario& scenario,
                                                                 const CsrGraph& graph, const CostModel& costs);
[[nodiscard]] std::unique_ptr<SimulatedWork> make_synthetic_work(const Scenario& scenario,
                                                                 const CostModel& costs);
[[nodiscard]] std::unique_ptr<SimulatedWork> make_requests_work(const Scenario& scenario,
                                                                const CostModel& costs);
[[nodiscard]] std::unique_ptr<SimulatedWork> make_service_work(const Scenario& scenario, const CostModel& costs,
                                                               EventScheduler& scheduler);

}  // namespace megabed
