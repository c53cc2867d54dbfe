#pragma once

#include "policy/launch_recommendation.h"
#include "policy/policy.h"
#include "policy/units.h"
#include "sim/backend.h"
#include "sim/engine/digest.h"
#include "sim/graphs/graph.h"
#include "sim/scenario.h"
#include "sim/threads/worker_pool.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace megabed {

/// What one launch got through.
struct LaunchWork {
    std::uint32_t waves = 0;  ///< extra passes included
    std::uint64_t items = 0;
    std::uint64_t arcs = 0;
};

/// A workload as the thread backend sees it.
class ThreadWork {
public:
    ThreadWork() = default;
    ThreadWork(const ThreadWork&) = delete;
    ThreadWork& operator=(const ThreadWork&) = delete;
    virtual ~ThreadWork() = default;

    [[nodiscard]] virtual bool done() const = 0;
    /// Fills the fields of the request that speak of the work.
    virtual void observe(Observation& observation) = 0;
    /// Whether `observe` fills the whole request, so that nothing else may be put into it.
    [[nodiscard]] virtual bool prescribes_requests() const { return false; }
    /// Device bytes of the work itself, as the simulator counts them.
    [[nodiscard]] virtual Bytes resident() const = 0;
    /// Carries out a launch on `workers` workers, or as much of it as happens before the pool fails.
    virtual LaunchWork launch(const LaunchRecommendation& recommendation, std::uint32_t granted_groups,
                              unsigned workers) = 0;
    virtual void refused() {}
    [[nodiscard]] virtual std::uint64_t levels() const = 0;
    [[nodiscard]] virtual const ServiceTotals* service_totals() const { return nullptr; }
    /// Adds what does not depend on time: results, or that everything is accounted for.
    virtual void add_results(Digest& digest) const = 0;
    /// As `Traversal::result_digest`, or `prescribed_oracle`; absent for services.
    [[nodiscard]] virtual std::optional<std::uint64_t> result_digest() const { return std::nullopt; }
    [[nodiscard]] virtual WorkerPool& pool() = 0;
    [[nodiscard]] virtual const WorkerPool& pool() const = 0;
};

[[nodiscard]] std::unique_ptr<ThreadWork> make_threaded_traversal(const Scenario& scenario,
                                                                  const CsrGraph& graph,
                                                                  std::uint32_t ring_slots,
                                                                  const WorkerPoolOptions& options);
[[nodiscard]] std::unique_ptr<ThreadWork> make_threaded_service(const Scenario& scenario,
                                                                const WorkerPoolOptions& options);
/// Synthetic frontiers and listed requests, whose telemetry the scenario prescribes.
[[nodiscard]] std::unique_ptr<ThreadWork> make_prescribed_work(const Scenario& scenario,
                                                               const WorkerPoolOptions& options);

}  // namespace megabed
