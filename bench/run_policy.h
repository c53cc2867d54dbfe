#pragma once

#include "policy/policy.h"
#include "sim/adversary.h"
#include "sim/graphs/graph.h"
#include "sim/input_error.h"
#include "sim/scenario.h"

#include <memory>

namespace megabed {

/// How the policy of a run is made, and what it is like.
struct RunPolicy {
    MakeRunPolicy make;
    bool plugin = false;  ///< one process serves it: no second thread may ask it
};

/// The policy that a scenario names: a shipped one, a plug-in, or the best plan in hindsight, which is made for
/// the scenario and its graph. Requires: the graph outlives what is made.
/// Errors: of `find_policy_source`; a workload that has no plan.
[[nodiscard]] Loaded<RunPolicy> policy_of_run(const Scenario& scenario, const CsrGraph* graph);

}  // namespace megabed
