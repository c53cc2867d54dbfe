#include "policy/hardened_family.h"

#include "policy/hardened_policy.h"

namespace megabed {
namespace {

class HardenedPolicy final : public Policy {
public:
    explicit HardenedPolicy(const LaunchPolicyParameters& parameters)
        : parameters_(parameters), wrong_parameter_(hardened::check_parameters(parameters)) {}

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& state) const override {
        if (wrong_parameter_) {
            return Failure(*wrong_parameter_);
        }
        return hardened::recommend(parameters_, observation.request, state);
    }

private:
    LaunchPolicyParameters parameters_;
    std::optional<Error> wrong_parameter_;
};

}  // namespace

std::unique_ptr<Policy> make_hardened_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<HardenedPolicy>(parameters);
}

}  // namespace megabed
