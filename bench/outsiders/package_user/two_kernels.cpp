// A policy of one's own, from outside the checkout: it decides as `hardened` does, but pushes where that would
// launch the hybrid kernel, for a machine that has only the other kernels compiled. The program holds the
// policy against the laws, then runs a scenario of the catalog under it and under the reference.
#include "policy/hardened_policy.h"
#include "policy/registry.h"
#include "properties/check_laws.h"
#include "scenarios/scenario_loader.h"
#include "sim/graphs/graph_source.h"
#include "sim/run_scenario.h"
#include "sim/sim_backend.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

namespace {

class TwoKernels final : public megabed::Policy {
public:
    explicit TwoKernels(const megabed::LaunchPolicyParameters& parameters)
        : parameters_(parameters), wrong_(megabed::hardened::check_parameters(parameters)) {}

    [[nodiscard]] megabed::Result<megabed::Decision> recommend(
        const megabed::Observation& observation, const megabed::PolicyState& state) const override {
        if (wrong_) {
            return megabed::Failure(*wrong_);
        }
        auto decision = megabed::hardened::recommend(parameters_, observation.request, state);
        if (decision && decision->recommendation.topology == megabed::DispatchTopology::HybridFrontier) {
            decision->recommendation.topology = megabed::DispatchTopology::SparseFrontier;
        }
        return decision;
    }

private:
    megabed::LaunchPolicyParameters parameters_;
    std::optional<megabed::Error> wrong_;
};

/// The makespan, or nothing where the run could not be finished; why is on stderr then.
std::optional<megabed::RunSummary> simulate(const megabed::Scenario& scenario, const megabed::CsrGraph& graph,
                                            megabed::Policy& policy) {
    const auto backend = megabed::make_sim_backend(scenario, &graph);
    megabed::NoRecords records;
    const auto summary = megabed::run_scenario(scenario, "sim", policy, *backend, records);
    if (!summary) {
        std::fprintf(stderr, "two_kernels: %s\n", to_string(summary.error()).c_str());
        return std::nullopt;
    }
    return *summary;
}

void print(const char* policy, const megabed::RunSummary& summary) {
    const auto& hybrid =
        summary.by_topology[static_cast<std::size_t>(megabed::DispatchTopology::HybridFrontier)];
    std::printf("%-12s makespan %lld ns, %llu launches, %llu of them hybrid\n", policy,
                static_cast<long long>(summary.makespan.value()),
                static_cast<unsigned long long>(summary.launches),
                static_cast<unsigned long long>(hybrid.launches));
}

}  // namespace

int main(int argc, char** argv) {
    const auto make = [](const megabed::LaunchPolicyParameters& parameters) {
        return std::make_unique<TwoKernels>(parameters);
    };
    const auto laws = megabed::check_laws("two-kernels", make, {.cases = 20'000});
    std::printf("%s\n", laws.report.c_str());

    const std::filesystem::path file = argc > 1 ? argv[1] : SCENARIOS "/social.toml";
    const auto scenarios = megabed::load_scenario(file);
    if (!scenarios) {
        std::fprintf(stderr, "two_kernels: %s\n", to_string(scenarios.error()).c_str());
        return 2;
    }
    const megabed::Scenario& scenario = scenarios->runs.front();
    const auto loaded = megabed::load_graph(scenario.graph);
    if (!loaded) {
        std::fprintf(stderr, "two_kernels: %s\n", to_string(loaded.error()).c_str());
        return 2;
    }
    const auto own = make(scenario.parameters);
    const auto reference = megabed::make_policy("reference", scenario.parameters);
    const auto under_own = simulate(scenario, loaded->graph, *own);
    const auto under_reference = simulate(scenario, loaded->graph, *reference);
    if (!under_own || !under_reference) {
        return 1;
    }
    std::printf("%s of %s\n", scenario.name.c_str(), file.c_str());
    print("two-kernels", *under_own);
    print("reference", *under_reference);
    return laws ? 0 : 1;
}
