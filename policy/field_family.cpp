#include "policy/field_family.h"

#include "policy/bandit.h"
#include "policy/cugraph_rule.h"
#include "policy/gap_rule.h"
#include "policy/gswitch_rule.h"
#include "policy/gunrock_rule.h"
#include "policy/vyre_driver_rule.h"

namespace megabed {
namespace {

template <class Rule>
class FieldPolicy final : public Policy {
public:
    explicit FieldPolicy(const LaunchPolicyParameters& parameters) : parameters_(parameters) {}

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& state) const override {
        return field::recommend<Rule>(parameters_, observation, state);
    }

private:
    LaunchPolicyParameters parameters_;
};

class BanditPolicy final : public Policy {
public:
    explicit BanditPolicy(const LaunchPolicyParameters& parameters) : parameters_(parameters) {}

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& state) const override {
        return bandit::recommend(parameters_, losses_, observation, state);
    }
    void observe(const LaunchFeedback& feedback) override {
        bandit::learn(parameters_.field.bandit, feedback, losses_);
    }
    [[nodiscard]] std::vector<std::uint64_t> learned() const override {
        const bandit::SavedLosses saved = bandit::save(losses_);
        return {saved.begin(), saved.end()};
    }
    void restore(std::span<const std::uint64_t> learned) override {
        losses_ = bandit::load(learned).value_or(losses_);
    }

private:
    LaunchPolicyParameters parameters_;
    bandit::Losses losses_{};
};

}  // namespace

std::unique_ptr<Policy> make_gap_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<FieldPolicy<field::Gap>>(parameters);
}

std::unique_ptr<Policy> make_cugraph_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<FieldPolicy<field::Cugraph>>(parameters);
}

std::unique_ptr<Policy> make_gunrock_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<FieldPolicy<field::Gunrock>>(parameters);
}

std::unique_ptr<Policy> make_gswitch_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<FieldPolicy<field::Gswitch>>(parameters);
}

std::unique_ptr<Policy> make_vyre_driver_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<FieldPolicy<field::VyreDriver>>(parameters);
}

std::unique_ptr<Policy> make_bandit_policy(const LaunchPolicyParameters& parameters) {
    return std::make_unique<BanditPolicy>(parameters);
}

}  // namespace megabed
