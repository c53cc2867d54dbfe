#include "policy/reference_family.h"

#include "policy/reference_policy.h"

namespace megabed {
namespace {

/// One return, so that the decision is made in the caller's storage.
Result<Decision> decision_of(const reference::Answer& answer, const PolicyState& next) {
    Result<Decision> decision(tl::in_place);
    (*decision).recommendation = answer.recommendation;
    (*decision).next = next;
    (*decision).rule = answer.choice.rule;
    (*decision).hold = answer.choice.hold;
    return decision;
}

/// A decision that remembers nothing.
Result<Decision> decide(const Result<reference::Answer>& answer) {
    if (!answer) {
        return Failure(answer.error());
    }
    return decision_of(*answer, {});
}

class ReferencePolicy final : public Policy {
public:
    explicit ReferencePolicy(const LaunchPolicyParameters& parameters) : parameters_(parameters) {}

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& state) const override {
        const auto answer = reference::recommend(parameters_, observation.request, state.previous_topology());
        if (!answer) {
            return Failure(answer.error());
        }
        PolicyState next;
        next.remember(answer->recommendation.topology);
        return decision_of(*answer, next);
    }

private:
    LaunchPolicyParameters parameters_;
};

class StatelessPolicy final : public Policy {
public:
    explicit StatelessPolicy(const LaunchPolicyParameters& parameters) : parameters_(parameters) {}

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& /*state*/) const override {
        return decide(reference::recommend(parameters_, observation.request));
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
        const auto signals = reference::infer_missing_signals(parameters_, observation.request);
        TopologyChoice choice{topology_, TopologyRule::Forced, TopologyHold::None};
        if (observation.request.queue_len == 0) {
            choice = {DispatchTopology::Empty, TopologyRule::QueueEmpty, TopologyHold::None};
        }
        return decide(reference::complete(parameters_, observation.request, signals, choice));
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
