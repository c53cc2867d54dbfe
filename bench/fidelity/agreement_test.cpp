#include "bench/fidelity/agreement.h"

#include <gtest/gtest.h>
#include <array>

namespace megabed {
namespace {

TimePair pair(const char* scenario, const char* policy, double simulated, double measured) {
    return {scenario, policy, simulated, measured, 1, false};
}

TEST(Agreement, Errors_are_relative_to_what_was_measured) {
    const std::array pairs{pair("a", "one", 110, 100), pair("a", "two", 150, 200), pair("b", "one", 100, 100)};
    const Agreement agreement = agreement_of(pairs);
    EXPECT_NEAR(agreement.median_abs_error, 0.1, 1e-12);
    EXPECT_NEAR(agreement.p90_abs_error, 0.1 + 0.8 * 0.15, 1e-12);
}

TEST(Agreement, Only_differences_beyond_the_noise_count) {
    // 100 and 101 are not told apart; both against 200 are, and one of them stands the wrong way round.
    const std::array pairs{pair("a", "one", 100, 100), pair("a", "two", 300, 101),
                           pair("a", "three", 200, 200)};
    const Agreement agreement = agreement_of(pairs);
    EXPECT_EQ(agreement.differences, 2U);
    ASSERT_TRUE(agreement.sign_agreement && agreement.kendall_tau);
    EXPECT_DOUBLE_EQ(*agreement.sign_agreement, 0.5);
    EXPECT_DOUBLE_EQ(*agreement.kendall_tau, 0);
}

TEST(Agreement, A_reversed_order_is_minus_one_and_scenarios_count_alike) {
    const std::array pairs{pair("a", "one", 1, 300), pair("a", "two", 2, 200), pair("a", "three", 3, 100),
                           pair("b", "one", 1, 100), pair("b", "two", 2, 200)};
    const Agreement agreement = agreement_of(pairs);
    ASSERT_TRUE(agreement.sign_agreement && agreement.kendall_tau);
    EXPECT_DOUBLE_EQ(*agreement.kendall_tau, 0);
    EXPECT_DOUBLE_EQ(*agreement.sign_agreement, 0.25);
}

TEST(Agreement, Nothing_is_said_of_an_order_that_nobody_measured) {
    const std::array pairs{pair("a", "one", 1, 100), pair("b", "one", 2, 200)};
    const Agreement agreement = agreement_of(pairs);
    EXPECT_FALSE(agreement.kendall_tau);
    EXPECT_FALSE(agreement.sign_agreement);
}

}  // namespace
}  // namespace megabed
