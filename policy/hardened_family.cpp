#include "policy/hardened_family.h"

#include "policy/arc_policy.h"
#include "policy/hardened_policy.h"

namespace megabed {
namespace {

/// A policy that refuses the parameters which law O6 refuses.
template <class Rule>
class CheckedPolicy final : public Policy {
public:
    explicit CheckedPolicy(const LaunchPolicyParameters& parameters)
        : parameters_(parameters), wrong_parameter_(hardened::check_parameters(parameters)) {}

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& state) const override {
        if (wrong_parameter_) {
            return Failure(*wrong_parameter_);
        }
        return Rule::recommend(parameters_, observation, state);
    }

private:
    LaunchPolicyParameters parameters_;
    std::optional<Error> wrong_parameter_;
};

struct HardenedRule {
    [[nodiscard]] static Result<Decision> recommend(const LaunchPolicyParameters& parameters,
                                                    const Observation& observation, const PolicyState& state) {
        return hardened::recommend(parameters, observation.request, state);
    }
};

struct ArcRule {
    [[nodiscard]] static Result<Decision> recommend(const LaunchPolicyParameters& parameters,
                                                    const Observation& observation, const PolicyState& state) {
        return arcs::recommend(parameters, observation, state);
    }
};

}  // namespace

std::unique_ptr<Policy> make_hardened_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<CheckedPolicy<HardenedRule>>(parameters);
}

std::unique_ptr<Policy> make_arc_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<CheckedPolicy<ArcRule>>(parameters);
}

}  // namespace megabed
