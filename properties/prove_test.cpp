#include "properties/prove.h"
#include "properties/boundary_enumeration.h"
#include "properties/law_search.h"
#include "properties/laws.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <initializer_list>

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

TEST(BoundaryEnumeration, The_hardened_policy_holds_where_every_band_is_a_single_reading) {
    LaunchPolicyParameters parameters;
    parameters.hysteresis = BasisPoints(0);
    for (const EnumeratedLaw& law :
         enumerate_boundaries(*find_policy_source("hardened"), parameters, {2, {}})) {
        EXPECT_EQ(law.broken, 0U) << law.law;
    }
}

TEST(BoundaryEnumeration, Bands_are_as_wide_as_the_hysteresis) {
    // A policy without memory alternates in every band of more than one reading; on a single one it cannot.
    const Subject stateless = *find_policy_source("stateless");
    for (const std::uint16_t width : std::initializer_list<std::uint16_t>{0, 1, kHysteresisMaxBps}) {
        LaunchPolicyParameters parameters;
        parameters.hysteresis = BasisPoints(width);
        parameters.sparse_frontier_threshold = BasisPoints(2500);
        parameters.dense_frontier_threshold = BasisPoints(7500);
        const auto laws = enumerate_boundaries(stateless, parameters, {2, {}});
        for (const std::string_view id : {"S1", "S2"}) {
            EXPECT_EQ(law_of(laws, id).broken > 0, width > 0) << id << " at " << width;
            if (width > 0) {
                expect_judge_agrees(stateless, law_of(laws, id));
            }
        }
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
