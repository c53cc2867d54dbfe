#include "gpu/cuda_backend.h"
#include "policy/compiled_policy.h"

#include <variant>

namespace megabed {

DecisionPlace cuda_decision_place(const Scenario& scenario) {
    const auto policy = compiled_policy(scenario.policy);
    // Parameters that it refuses are the host's to put into words.
    const bool refuses =
        policy == CompiledPolicy::Hardened && hardened::check_parameters(scenario.parameters).has_value();
    const bool decides = std::holds_alternative<TraversalWorkload>(scenario.workload) ||
                         std::holds_alternative<ServiceWorkload>(scenario.workload);
    const bool possible = decides && policy && !refuses && scenario.faults.empty();
    return possible ? scenario.decide : DecisionPlace::Host;
}

}  // namespace megabed
