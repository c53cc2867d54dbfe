#include "bench/run_policy.h"

#include "sim/adversary.h"
#include "sim/hindsight.h"
#include "sim/plugins/policy_source.h"

#include <fmt/format.h>
#include <utility>
#include <vector>

namespace megabed {

Loaded<RunPolicy> policy_of_run(const Scenario& scenario, const CsrGraph* graph) {
    if (scenario.policy != kHindsightPolicy) {
        const auto source = find_policy_source(scenario.policy);
        if (!source) {
            return Refusal(source.error());
        }
        return RunPolicy{[make = source->make](const Scenario& run) { return make(run.parameters); },
                         source->plugin};
    }
    HindsightOptions options;
    options.keep_launches = true;
    const auto plan = is_adversarial(scenario) ? std::nullopt : best_in_hindsight(scenario, graph, options);
    if (!plan) {
        return Refusal(InputError{
            .where = scenario.file,
            .line = {},
            .key = fmt::format("run {}: policy.name", scenario.name),
            .problem = "hindsight has no plan for this run",
            .allowed = "a traversal, listed requests or prescribed densities of at most 1000000 waves that fit "
                       "the budget"});
    }
    // Another replication has other waves, and so another plan.
    return RunPolicy{[graph, options, seed = scenario.seed, own = plan->launches](const Scenario& run) {
                         auto launches = own;
                         if (run.seed != seed) {
                             const auto other = best_in_hindsight(run, graph, options);
                             launches = other ? other->launches : std::vector<DispatchTopology>();
                         }
                         return make_planned_policy(run.parameters, std::move(launches));
                     },
                     false};
}

}  // namespace megabed
