#include "properties/check_laws.h"

#include "policy/hardened_policy.h"
#include "policy/reference_policy.h"

#include <gtest/gtest.h>

namespace megabed {
namespace {

/// A policy as somebody else would write it: here the hardened one without its memory.
class Forgetful final : public Policy {
public:
    explicit Forgetful(const LaunchPolicyParameters& parameters)
        : parameters_(parameters), wrong_(hardened::check_parameters(parameters)) {}
    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& /*state*/) const override {
        return wrong_ ? Result<Decision>(Failure(*wrong_))
                      : hardened::recommend(parameters_, observation.request, {});
    }

private:
    LaunchPolicyParameters parameters_;
    std::optional<Error> wrong_;
};

TEST(CheckLaws, Tells_a_stranger_what_their_policy_breaks) {
    VerifyOptions options;
    options.cases = 20'000;
    const auto result = check_laws(
        "forgetful",
        [](const LaunchPolicyParameters& parameters) { return std::make_unique<Forgetful>(parameters); },
        options);
    EXPECT_FALSE(result);
    for (const char* const words : {"S1 breaks", "S2 breaks", "S4 breaks", "O4 holds", "M1a holds",
                                    "[run.requests]", "name = \"forgetful\"", "seed 1"}) {
        EXPECT_NE(result.report.find(words), std::string::npos) << words << "\n" << result.report;
    }
    options.laws = {"Q7"};
    const auto unknown = check_laws(
        "forgetful",
        [](const LaunchPolicyParameters& parameters) { return std::make_unique<Forgetful>(parameters); },
        options);
    EXPECT_FALSE(unknown) << "a misspelt law must not pass";
    EXPECT_NE(unknown.report.find("Q7 is no law; there are S1, S2"), std::string::npos) << unknown.report;
    options.laws = {"O2", "O3", "O4", "M1a"};
    const auto some = check_laws(
        "forgetful",
        [](const LaunchPolicyParameters& parameters) { return std::make_unique<Forgetful>(parameters); },
        options);
    EXPECT_TRUE(some) << some.report;
}

}  // namespace
}  // namespace megabed
