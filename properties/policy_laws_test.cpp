#include "policy/registry.h"
#include "properties/case_minimiser.h"
#include "properties/counterexample_file.h"
#include "properties/law_search.h"
#include "properties/laws.h"
#include "properties/rapidcheck_property.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <set>
#include <string>
#include <vector>

// Every law about a policy or its parts as a named RapidCheck property. The generators are those of `megabed
// verify`, fed by RapidCheck, so that RC_PARAMS chooses, prints and replays the cases; a broken case is made
// small by our own minimiser, because RapidCheck's stops early.
namespace megabed {
namespace {

Subject subject_of(std::string_view policy) {
    const PolicyRow& row = *find_policy(policy);
    return {std::string(row.name), row.make, row.parts, false};
}

/// The classes a law must reach, by name; those the policy may never answer are left out on request.
std::vector<std::string> must_reach(const Law& law) {
    std::vector<std::string> names;
    for (std::uint32_t index = 0; index < kClassesMax; ++index) {
        if ((law.must_reach >> index & 1U) != 0) {
            names.emplace_back(class_of(law, index).name);
        }
    }
    return names;
}

PropertyVerdict check_with_rapidcheck(const Subject& subject, const Law& law, int cases) {
    std::string small;
    const auto property = [&] {
        RapidChoices choices;
        LawCase input;
        law.draw(choices, input);
        const Judgement judgement = judge_case(subject, law, input);
        RC_PRE(judgement.outcome != CaseOutcome::OutsideDomain);
        for (std::uint32_t index = 0; index < kClassesMax; ++index) {
            if ((judgement.classes >> index & 1U) != 0) {
                RC_TAG(std::string(class_of(law, index).name));
            }
        }
        if (judgement.outcome == CaseOutcome::Breaks) {
            const auto breaks = [&](const LawCase& candidate) {
                return judge_case(subject, law, candidate).outcome == CaseOutcome::Breaks;
            };
            small = case_as_table(subject, minimise(input, breaks).input);
        }
        RC_ASSERT(judgement.outcome == CaseOutcome::Holds);
    };
    PropertyVerdict verdict =
        check_property(subject.name + " " + std::string(law.id), cases, must_reach(law), property);
    verdict.report += small.empty() ? "" : "\n" + small;
    return verdict;
}

/// Laws of policies and parts, by id, for the names of the tests.
std::vector<std::string> checkable_laws() {
    std::vector<std::string> ids;
    for (const Law& law : known_laws()) {
        if (law.check != nullptr) {
            ids.emplace_back(law.id);
        }
    }
    return ids;
}

int cases_of(const Law& law) {
    constexpr int kCases = 10'000;
    constexpr int kDear = 300;
    return law.cost > 1 ? kDear : kCases;
}

class HardenedObeys : public testing::TestWithParam<std::string> {};
class ReferenceObeys : public testing::TestWithParam<std::string> {};
std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

TEST_P(HardenedObeys, Law) {
    const Law& law = *find_law(GetParam());
    const Subject subject = subject_of("hardened");
    if (law.applies != nullptr && !law.applies(subject.parts)) {
        GTEST_SKIP() << "the policy has no such part";
    }
    const PropertyVerdict verdict = check_with_rapidcheck(subject, law, cases_of(law));
    EXPECT_TRUE(verdict.holds) << verdict.report;
    std::cerr << verdict.report << '\n';
}

/// The laws that the reference breaks are pinned in properties/expectations/reference.toml (Verify tests).
TEST_P(ReferenceObeys, Law) {
    const Law& law = *find_law(GetParam());
    const PropertyVerdict verdict = check_with_rapidcheck(subject_of("reference"), law, cases_of(law));
    EXPECT_TRUE(verdict.holds) << verdict.report;
    std::cerr << verdict.report << '\n';
}

INSTANTIATE_TEST_SUITE_P(Every, HardenedObeys, testing::ValuesIn(checkable_laws()), name_of);
INSTANTIATE_TEST_SUITE_P(Held, ReferenceObeys, testing::Values("S1", "S2", "O1", "O5a", "T1", "T2"), name_of);

TEST(PolicyLaws, A_policy_without_hysteresis_is_caught_and_the_case_is_small) {
    const PropertyVerdict verdict = check_with_rapidcheck(subject_of("stateless"), *find_law("S1"), 1500);
    EXPECT_FALSE(verdict.holds);
    EXPECT_NE(verdict.report.find("RC_PARAMS=\"reproduce="), std::string::npos) << verdict.report;
    EXPECT_NE(verdict.report.find("density-"), std::string::npos) << verdict.report;
}

TEST(PolicyLaws, A_class_that_is_never_reached_is_a_failure) {
    const auto verdict = check_property("vacuous", 10, {"never"}, [] { RC_TAG(std::string("always")); });
    EXPECT_FALSE(verdict.holds);
    EXPECT_NE(verdict.report.find("'never'"), std::string::npos);
}

TEST(PolicyLaws, Ids_are_unique_and_classes_have_names) {
    std::set<std::string_view> ids;
    for (const Law& law : known_laws()) {
        EXPECT_TRUE(ids.insert(law.id).second) << law.id;
        EXPECT_FALSE(law.sentence.empty());
        EXPECT_EQ(law.draw == nullptr, law.check == nullptr) << law.id;
        for (std::uint32_t index = 0; index < kClassesMax; ++index) {
            EXPECT_TRUE((law.must_reach >> index & 1U) == 0 || !class_of(law, index).name.empty())
                << law.id << ' ' << index;
        }
    }
    EXPECT_EQ(ids.size(), 36U);
    EXPECT_EQ(find_law("S7"), nullptr);
}

}  // namespace
}  // namespace megabed
