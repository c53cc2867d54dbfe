#include "policy/policy_parts.h"
#include "policy/fisher_step.h"
#include "policy/sheaf_diffusion.h"

#include <gtest/gtest.h>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace megabed {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(SheafDiffusion, Meets_the_naive_Laplacian_power) {
    const std::vector<double> values{10.0, 0.0, 4.0, -2.0};
    const std::vector<SiblingLink> links{{0, 1, 1.0}, {1, 2, 2.0}, {2, 3, 0.5}};
    // The oracle: a dense matrix I - a L, applied over and over.
    constexpr std::size_t kItems = 4;
    constexpr double kDamping = 0.3;
    constexpr double kLargestDegree = 3.0;
    std::vector<double> matrix(kItems * kItems, 0.0);
    for (std::size_t item = 0; item < kItems; ++item) {
        matrix[item * kItems + item] = 1.0;
    }
    for (const SiblingLink& link : links) {
        const double share = kDamping / kLargestDegree * link.weight;
        matrix[link.first * kItems + link.first] -= share;
        matrix[link.second * kItems + link.second] -= share;
        matrix[link.first * kItems + link.second] += share;
        matrix[link.second * kItems + link.first] += share;
    }
    std::vector<double> expected = values;
    for (int iteration = 0; iteration < 7; ++iteration) {
        std::vector<double> next(kItems, 0.0);
        for (std::size_t row = 0; row < kItems; ++row) {
            for (std::size_t column = 0; column < kItems; ++column) {
                next[row] += matrix[row * kItems + column] * expected[column];
            }
        }
        expected = next;
    }
    const auto diffused = diffuse_over_siblings(values, links, kDamping, 7);
    ASSERT_TRUE(diffused);
    for (std::size_t item = 0; item < kItems; ++item) {
        EXPECT_NEAR((*diffused)[item], expected[item], 1e-12) << item;
    }
}

TEST(SheafDiffusion, Connected_items_meet_at_their_mean_and_others_stay) {
    const std::vector<SiblingLink> links{{0, 1, 1.0}};
    const auto diffused = diffuse_over_siblings(std::vector<double>{10.0, 0.0, 7.0}, links, 3.0, 100);
    EXPECT_EQ(*diffused, (std::vector<double>{5.0, 5.0, 7.0}));
    EXPECT_EQ(*diffuse_over_siblings(std::vector<double>{1.0, 2.0}, {}, 1.0, 5),
              (std::vector<double>{1.0, 2.0}));
}

TEST(SheafDiffusion, Refuses_links_that_lead_nowhere_and_a_damping_that_is_none) {
    const std::vector<double> values{1.0, 2.0};
    const auto code_of = [&](SiblingLink link, double damping) {
        return diffuse_over_siblings(values, std::vector<SiblingLink>{link}, damping, 1).error().code;
    };
    EXPECT_EQ(code_of({0, 2, 1.0}, 1.0), ErrorCode::InvalidShape);
    EXPECT_EQ(code_of({1, 1, 1.0}, 1.0), ErrorCode::InvalidShape);
    EXPECT_EQ(code_of({0, 1, 0.0}, 1.0), ErrorCode::InvalidShape);
    EXPECT_EQ(code_of({0, 1, std::numeric_limits<double>::infinity()}, 1.0), ErrorCode::InvalidShape);
    EXPECT_EQ(code_of({0, 1, 1.0}, 0.0), ErrorCode::InvalidParameter);
    EXPECT_EQ(code_of({0, 1, 1.0}, kNaN), ErrorCode::InvalidParameter);
    EXPECT_FALSE(diffuse_over_siblings({}, std::vector<SiblingLink>{{0, 1, 1.0}}, 1.0, 1));
}

TEST(FisherStep, Solves_with_the_Fisher_matrix) {
    const std::vector<double> fisher{4.0, 2.0, 2.0, 3.0};
    const std::vector<double> gradient{2.0, -1.0};
    const auto step = fisher_step(fisher, gradient, 2, 0.5);
    ASSERT_TRUE(step);
    EXPECT_NEAR(4.0 * (*step)[0] + 2.0 * (*step)[1], -1.0, 1e-12);
    EXPECT_NEAR(2.0 * (*step)[0] + 3.0 * (*step)[1], 0.5, 1e-12);
    EXPECT_TRUE(fisher_step({}, {}, 0, 1.0)->empty());
}

TEST(FisherStep, Refuses_other_shapes_and_matrices_without_an_inverse) {
    EXPECT_EQ(fisher_step(std::vector<double>{1.0, 0.0}, std::vector<double>{1.0}, 1, 1.0).error().field,
              ErrorField::FisherMatrix);
    EXPECT_EQ(fisher_step(std::vector<double>{1.0}, std::vector<double>{1.0, 2.0}, 1, 1.0).error().field,
              ErrorField::Gradient);
    EXPECT_EQ(fisher_step(std::vector<double>{1.0, 1.0, 1.0, 1.0}, std::vector<double>{1.0, 2.0}, 2, 1.0)
                  .error()
                  .code,
              ErrorCode::NotInvertible);
    EXPECT_EQ(fisher_step(std::vector<double>{kNaN}, std::vector<double>{1.0}, 1, 1.0).error().code,
              ErrorCode::NotInvertible);
}

TEST(KnownCosts, Only_candidates_with_a_known_cost_take_part) {
    const std::vector<std::uint32_t> candidates{4, 0, 16, 32};
    EXPECT_EQ(autotune_known_costs(candidates, std::vector<double>{-kNaN, -5.0, 2.0, 3.0}, 7), 16U);
    EXPECT_EQ(autotune_known_costs(candidates, std::vector<double>{kNaN, 1.0}, 7), 7U);
    EXPECT_EQ(autotune_known_costs(candidates, std::vector<double>{3.0, 0.0, 3.0}, 7), 4U);
    EXPECT_EQ(autotune_known_costs({}, std::vector<double>{3.0}, 7), 7U);
}

TEST(PolicyParts, The_reference_decays_and_multiplies_where_the_hardened_policy_diffuses_and_inverts) {
    const std::vector<double> values{10.0, 0.0};
    const std::vector<SiblingLink> links{{0, 1, 1.0}};
    EXPECT_EQ(*reference_parts().diffuse(values, links, 0.5, 1), (std::vector<double>{5.0, 0.0}));
    EXPECT_EQ(*hardened_parts().diffuse(values, links, 0.5, 1), (std::vector<double>{5.0, 5.0}));
    const std::vector<double> fisher{2.0};
    const std::vector<double> gradient{1.0};
    EXPECT_EQ(*reference_parts().natural_gradient(fisher, gradient, 1, 1.0), (std::vector<double>{-2.0}));
    EXPECT_NEAR((*hardened_parts().natural_gradient(fisher, gradient, 1, 1.0))[0], -0.5, 1e-15);
}

}  // namespace
}  // namespace megabed
