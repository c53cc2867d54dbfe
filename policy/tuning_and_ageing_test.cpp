#include "policy/autotune.h"
#include "policy/natural_gradient.h"
#include "policy/priority_diffusion.h"
#include "policy/requeue_accounting.h"

#include <gtest/gtest.h>
#include <cmath>
#include <limits>
#include <vector>

namespace megabed {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Autotune, Costs_are_compared_in_IEEE_total_order) {
    const std::vector<double> ascending{-kNaN, -kInfinity, -1.0, -0.0, 0.0, 1.0, kInfinity, kNaN};
    for (std::size_t left = 0; left < ascending.size(); ++left) {
        for (std::size_t right = 0; right < ascending.size(); ++right) {
            EXPECT_EQ(total_order_less(ascending[left], ascending[right]), left < right)
                << left << ' ' << right;
        }
    }
}

TEST(Autotune, The_first_of_equal_costs_wins_over_the_common_length) {
    const std::vector<std::uint32_t> candidates{4, 8, 16};
    EXPECT_EQ(autotune(candidates, std::vector<double>{2, 1, 1, -5}, 7), 8U);
    EXPECT_EQ(autotune(candidates, std::vector<double>{2}, 7), 4U);
    EXPECT_EQ(autotune(candidates, {}, 7), 7U);
    EXPECT_EQ(autotune({}, std::vector<double>{1}, 7), 7U);
}

TEST(PriorityDiffusion, Decays_each_item_by_its_own_coefficient) {
    EXPECT_EQ(diffuse_priority(std::vector<double>{10, 0}, std::vector<double>{1, 1}, 0.5, 1),
              (std::vector<double>{5, 0}));
    EXPECT_EQ(diffuse_priority(std::vector<double>{10, 4}, std::vector<double>{1}, 0.5, 3),
              (std::vector<double>{10, 4}));
    EXPECT_TRUE(diffuse_priority({}, {}, 0.5, 3).empty());
}

TEST(PriorityDiffusion, The_callers_vector_keeps_its_capacity) {
    std::vector<double> out;
    out.reserve(100);
    const double* const storage = out.data();
    diffuse_priority(std::vector<double>{1, 2}, std::vector<double>{0, 0}, 1, 5, out);
    EXPECT_EQ(out, (std::vector<double>{1, 2}));
    EXPECT_EQ(out.data(), storage);
}

TEST(NaturalGradient, Multiplies_and_ignores_surplus) {
    EXPECT_EQ(natural_gradient_step(std::vector<double>{1, 0, 0, 2, 99}, std::vector<double>{3, 4, 99}, 2, 0.5),
              (std::vector<double>{-1.5, -4}));
    EXPECT_TRUE(natural_gradient_step(std::vector<double>{1, 0, 0}, std::vector<double>{3, 4}, 2, 0.5).empty());
    EXPECT_TRUE(natural_gradient_step(std::vector<double>{1}, std::vector<double>{3}, 0xFFFFFFFF, 0.5).empty());
}

TEST(RequeueAccounting, A_full_counter_is_an_error_and_nothing_changes) {
    PriorityRequeueAccounting accounting;
    EXPECT_FALSE(accounting.record_requeue(7));
    EXPECT_FALSE(accounting.record_aged_promotion(5));
    EXPECT_EQ(accounting, (PriorityRequeueAccounting{1, 1, 7}));
    accounting.requeue_count = std::numeric_limits<std::uint64_t>::max();
    const PriorityRequeueAccounting before = accounting;
    const auto error = accounting.record_requeue(99);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, ErrorCode::CounterOverflow);
    EXPECT_EQ(accounting, before);
}

}  // namespace
}  // namespace megabed
