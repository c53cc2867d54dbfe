#pragma once

#include "policy/launch_parameters.h"
#include "policy/policy.h"
#include "policy/units.h"
#include "sim/graphs/graph.h"
#include "sim/scenario.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace megabed {

/// `--policy hindsight`: the best plan of its own scenario. It is made for one scenario, so that it is not
/// among the registered policies.
inline constexpr std::string_view kHindsightPolicy = "hindsight";

/// The best topologies of a scenario in retrospect.
struct HindsightPlan {
    SimTime makespan{};
    std::vector<DispatchTopology> launches{};  ///< one a launch, in order; empty unless asked for
};

struct HindsightOptions {
    bool keep_launches = false;  ///< fill `launches`; memory grows with the waves
    std::uint64_t waves_max = 1'000'000;
};

/// The least makespan that any sequence of topologies reaches on the simulator, launches and all: dynamic
/// programming over waves, with the resident kernel (variant, lanes, what is compiled) as state and its changes
/// charged as the simulator charges them.
/// The rest of each launch is as the fixed policies fill it in: a policy that sizes its launches otherwise can
/// come out below. Memory of others and telemetry faults are left out, so that regret includes what they cost.
/// Absent: for services, which have no waves; where a wave fits no topology into the budget; above `waves_max`.
/// Cost: time linear in waves, some microseconds each; a few kilobytes of memory unless launches are kept.
[[nodiscard]] std::optional<HindsightPlan> best_in_hindsight(const Scenario& scenario, const CsrGraph* graph,
                                                             const HindsightOptions& options = {});

/// The policy that carries a plan out: launch n has the n-th topology.
[[nodiscard]] std::unique_ptr<Policy> make_planned_policy(const LaunchPolicyParameters& parameters,
                                                          std::vector<DispatchTopology> launches);

}  // namespace megabed
