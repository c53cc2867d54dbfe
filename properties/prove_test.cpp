#include "properties/prove.h"
#include "properties/boundary_enumeration.h"
#include "properties/law_search.h"
#include "properties/laws.h"

#include <gtest/gtest.h>
#include <algorithm>

namespace megabed {
namespace {

const EnumeratedLaw& law_of(const std::vector<EnumeratedLaw>& laws, std::string_view id) {
    return *std::find_if(laws.begin(), laws.end(), [&](const EnumeratedLaw& law) { return law.law == id; });
}

/// What the enumeration calls broken, the law's own judge must call broken too.
void expect_judge_agrees(const Subject& subject, const EnumeratedLaw& law) {
    ASSERT_TRUE(law.first_broken) << law.law;
    EXPECT_EQ(judge_case(subject, *find_law(law.law), *law.first_broken).outcome, CaseOutcome::Breaks)
        << law.law;
}

TEST(BoundaryEnumeration, The_hardened_policy_holds_in_every_class) {
    for (const EnumeratedLaw& law : enumerate_boundaries(*find_policy_source("hardened"), {}, {2, {}})) {
        EXPECT_EQ(law.broken, 0U) << law.law;
        EXPECT_GT(law.classes, 10'000U) << law.law;
    }
}

TEST(BoundaryEnumeration, The_reference_breaks_only_what_is_pinned_and_the_judges_agree) {
    const Subject subject = *find_policy_source("reference");
    const auto laws = enumerate_boundaries(subject, {}, {2, {}});
    ASSERT_EQ(laws.size(), 7U);
    for (const std::string_view held : {"S1", "S2", "O1"}) {
        EXPECT_EQ(law_of(laws, held).broken, 0U) << held;
    }
    for (const std::string_view broken : {"S3", "O4", "M1a", "M2b"}) {
        EXPECT_GT(law_of(laws, broken).broken, 0U) << broken;
        expect_judge_agrees(subject, law_of(laws, broken));
    }
}

TEST(BoundaryEnumeration, A_policy_without_memory_breaks_both_bands_with_the_shortest_sequence) {
    const Subject subject = *find_policy_source("stateless");
    const auto laws = enumerate_boundaries(subject, {}, {2, {}});
    for (const std::string_view broken : {"S1", "S2"}) {
        EXPECT_GT(law_of(laws, broken).broken, 0U) << broken;
        expect_judge_agrees(subject, law_of(laws, broken));
        EXPECT_EQ(law_of(laws, broken).first_broken->steps.size(), 3U) << broken;
    }
}

TEST(BoundaryEnumeration, Does_not_depend_on_the_threads) {
    LaunchPolicyParameters parameters;
    parameters.sparse_frontier_threshold = BasisPoints(251);
    parameters.dense_frontier_threshold = BasisPoints(9749);
    parameters.memory_pressure_threshold = BasisPoints(10'000);
    const Subject subject = *find_policy_source("fixed:sparse");
    const auto one = enumerate_boundaries(subject, parameters, {1, {}});
    const auto three = enumerate_boundaries(subject, parameters, {3, {}});
    ASSERT_EQ(one.size(), three.size());
    for (std::size_t at = 0; at < one.size(); ++at) {
        EXPECT_EQ(one[at].classes, three[at].classes);
        EXPECT_EQ(one[at].decisions, three[at].decisions);
        EXPECT_EQ(one[at].broken, three[at].broken);
    }
}

}  // namespace
}  // namespace megabed
