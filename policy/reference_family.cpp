#include "policy/reference_family.h"

#include "policy/compiled_policy.h"

namespace megabed {
namespace {

class ReferencePolicy final : public Policy {
public:
    explicit ReferencePolicy(const LaunchPolicyParameters& parameters) : parameters_(parameters) {}

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& state) const override {
        return reference::decide(parameters_, observation.request, state);
    }

private:
    LaunchPolicyParameters parameters_;
};

class StatelessPolicy final : public Policy {
public:
    explicit StatelessPolicy(const LaunchPolicyParameters& parameters) : parameters_(parameters) {}

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& /*state*/) const override {
        return reference::decision_of(reference::recommend(parameters_, observation.request), {});
    }

private:
    LaunchPolicyParameters parameters_;
};

class FixedPolicy final : public Policy {
public:
    FixedPolicy(const LaunchPolicyParameters& parameters, DispatchTopology topology)
        : parameters_(parameters), topology_(topology) {}

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& /*state*/) const override {
        return reference::decide_fixed(parameters_, observation.request, topology_);
    }

private:
    LaunchPolicyParameters parameters_;
    DispatchTopology topology_;
};

}  // namespace

std::unique_ptr<Policy> make_reference_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<ReferencePolicy>(parameters);
}

std::unique_ptr<Policy> make_stateless_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<StatelessPolicy>(parameters);
}

template <DispatchTopology Topology>
std::unique_ptr<Policy> make_fixed_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<FixedPolicy>(parameters, Topology);
}

template std::unique_ptr<Policy> make_fixed_policy<DispatchTopology::SparseFrontier>(
    const LaunchPolicyParameters&);
template std::unique_ptr<Policy> make_fixed_policy<DispatchTopology::HybridFrontier>(
    const LaunchPolicyParameters&);
template std::unique_ptr<Policy> make_fixed_policy<DispatchTopology::DenseFrontier>(
    const LaunchPolicyParameters&);
template std::unique_ptr<Policy> make_fixed_policy<DispatchTopology::FusedDense>(const LaunchPolicyParameters&);
template std::unique_ptr<Policy> make_fixed_policy<DispatchTopology::MemoryConstrained>(
    const LaunchPolicyParameters&);

}  // namespace megabed
