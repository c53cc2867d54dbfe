#include "bench/run_policy.h"

#include "sim/hindsight.h"
#include "sim/plugins/policy_source.h"

#include <fmt/format.h>
#include <utility>
#include <variant>

namespace megabed {
namespace {

std::unique_ptr<Policy> planned(const Scenario& scenario, const CsrGraph* graph) {
    HindsightOptions options;
    options.keep_launches = true;
    const auto plan = best_in_hindsight(scenario, graph, options);
    return make_planned_policy(scenario.parameters, plan ? plan->launches : std::vector<DispatchTopology>());
}

}  // namespace

Loaded<RunPolicy> policy_of_run(const Scenario& scenario, const CsrGraph* graph) {
    if (scenario.policy != kHindsightPolicy) {
        const auto source = find_policy_source(scenario.policy);
        if (!source) {
            return Refusal(source.error());
        }
        return RunPolicy{[make = source->make](const Scenario& run) { return make(run.parameters); },
                         source->plugin};
    }
    const bool adversarial = std::holds_alternative<SyntheticWorkload>(scenario.workload) &&
                             std::get<SyntheticWorkload>(scenario.workload).shape == DensityShape::Adversarial;
    if (adversarial || !best_in_hindsight(scenario, graph)) {
        return Refusal(InputError{
            .where = scenario.file,
            .line = {},
            .key = fmt::format("run {}: policy.name", scenario.name),
            .problem = "hindsight has no plan for this run",
            .allowed = "a traversal, listed requests or prescribed densities of at most 1000000 waves that fit "
                       "the budget"});
    }
    return RunPolicy{[graph](const Scenario& run) { return planned(run, graph); }, false};
}

}  // namespace megabed
