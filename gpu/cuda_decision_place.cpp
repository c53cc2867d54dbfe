#include "gpu/cuda_backend.h"
#include "policy/compiled_policy.h"

#include <variant>

namespace megabed {

DecisionPlace cuda_decision_place(const Scenario& scenario) {
    const bool possible = std::holds_alternative<TraversalWorkload>(scenario.workload) &&
                          compiled_policy(scenario.policy).has_value() && scenario.faults.empty();
    return possible ? scenario.decide : DecisionPlace::Host;
}

}  // namespace megabed
