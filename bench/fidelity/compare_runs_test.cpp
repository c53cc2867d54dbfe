#include "bench/fidelity/compare_runs.h"

#include "bench/fidelity/agreement.h"
#include "scenarios/catalog.h"

#include <gtest/gtest.h>
#include <cmath>
#include <string>
#include <vector>

namespace megabed {
namespace {

CompareOptions small_comparison() {
    CompareOptions options;
    options.scenarios = {"road", "social", "internet"};
    options.reference = (catalog_directory().parent_path() / "bench/results/h200/waves").string();
    options.show_progress = false;
    return options;
}

TEST(Comparison, The_simulator_takes_the_decisions_that_the_card_took) {
    const auto compared = compare_runs(small_comparison());
    ASSERT_TRUE(compared) << to_string(compared.error());
    EXPECT_EQ(compared->runs.size(), 5U * 9U);
    EXPECT_EQ(compared->device, "h200-megakernel");
    for (const ComparedRun& run : compared->runs) {
        EXPECT_FALSE(run.differs_at) << run.time.scenario << " under " << run.time.policy;
        EXPECT_FALSE(run.time.fitted) << run.time.scenario;
        EXPECT_EQ(run.simulated_ns.size(), run.measured_ns.size());
    }
}

TEST(Comparison, Runs_that_the_profile_was_not_fitted_to_come_out_near_what_the_card_took) {
    const auto compared = compare_runs(small_comparison());
    ASSERT_TRUE(compared) << to_string(compared.error());
    std::vector<TimePair> pairs;
    for (const ComparedRun& run : compared->runs) {
        pairs.push_back(run.time);
    }
    const Agreement agreement = agreement_of(pairs);
    EXPECT_LT(agreement.median_abs_error, 0.12);
    EXPECT_LT(agreement.p90_abs_error, 0.35);
    ASSERT_TRUE(agreement.kendall_tau);
    EXPECT_GT(*agreement.kendall_tau, 0.85);
}

TEST(Comparison, Another_device_is_found_out) {
    CompareOptions options = small_comparison();
    options.scenarios = {"road"};
    options.policies = {"gap"};
    options.device = "h200";  // rates alone
    const auto compared = compare_runs(options);
    ASSERT_TRUE(compared) << to_string(compared.error());
    ASSERT_EQ(compared->runs.size(), 2U);
    EXPECT_GT(std::abs(compared->runs.front().time.error()), 0.15);
}

TEST(Comparison, What_cannot_be_compared_is_refused) {
    CompareOptions options = small_comparison();
    options.scenarios = {"tenants"};
    const auto services = compare_runs(options);
    ASSERT_FALSE(services);
    EXPECT_NE(to_string(services.error()).find("run.service"), std::string::npos)
        << to_string(services.error());
    options.scenarios = {"quickstart"};
    const auto unknown = compare_runs(options);
    ASSERT_FALSE(unknown);
    EXPECT_NE(to_string(unknown.error()).find("the reference has none"), std::string::npos);
    options.reference = "/nowhere";
    EXPECT_FALSE(compare_runs(options));
}

}  // namespace
}  // namespace megabed
