#include "gpu/cuda_backend.h"
#include "policy/compiled_policy.h"

namespace megabed {

DecisionPlace cuda_decision_place(const Scenario& scenario) {
    const auto policy = compiled_policy(scenario.policy);
    // Parameters that it refuses are the host's to put into words.
    const bool refuses = (policy == CompiledPolicy::Hardened || policy == CompiledPolicy::Arcs) &&
                         hardened::check_parameters(scenario.parameters).has_value();
    const bool possible = policy && !refuses && scenario.faults.empty();
    return possible ? scenario.decide : DecisionPlace::Host;
}

}  // namespace megabed
