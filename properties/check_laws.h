#pragma once

#include "policy/launch_parameters.h"
#include "policy/policy.h"
#include "properties/verify.h"

#include <functional>
#include <memory>
#include <string>

namespace megabed {

/// Whether a policy obeys the laws, and what to show if it does not.
struct LawsResult {
    bool holds = false;
    std::string
        report;  ///< one line a law; the shrunk case of each that is broken, as a table and as a scenario

    explicit operator bool() const { return holds; }
};

/// Checks every law that applies against a policy of yours, in any test framework:
///
///     #include "properties/check_laws.h"
///
///     TEST(MyPolicy, Obeys_the_laws) {
///         const auto result = megabed::check_laws("mine", [](const megabed::LaunchPolicyParameters&
///         parameters) {
///             return std::make_unique<MyPolicy>(parameters);
///         });
///         EXPECT_TRUE(result) << result.report;
///     }
///
/// with `find_package(megabed)` and `target_link_libraries(my_test megabed::properties)`.
/// `options.expectations` names laws that the policy is known to break, and where (`load_expectations`);
/// `options.laws` chooses some laws only; an unknown one fails, and the report lists those there are.
/// `parts` are what the T and H laws speak of; without them those laws do not apply.
[[nodiscard]] LawsResult check_laws(
    const std::string& name, const std::function<std::unique_ptr<Policy>(const LaunchPolicyParameters&)>& make,
    const VerifyOptions& options = {}, const PolicyParts& parts = {});

}  // namespace megabed
