#include "properties/case_aims.h"
#include "properties/choices.h"
#include "properties/conformance.h"
#include "properties/mutants/mutant_rows.h"
#include "properties/reference_model.h"
#include "properties/verify.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

// The laws and the golden rows have teeth: every mutant of the reference policy is killed by a law that holds
// for the reference, by a pinned break that is gone, by a golden row or by the
// model in unbounded integers. killed.txt says who killed whom;
// MEGABED_UPDATE_GOLDENS=1 writes it anew, to be reviewed as a diff.
namespace megabed {
namespace {

namespace fs = std::filesystem;
const fs::path kFolder = fs::path(MEGABED_SOURCE_DIR) / "properties";

class MutantPolicy final : public Policy {
public:
    MutantPolicy(const MutantRow& row, const LaunchPolicyParameters& parameters)
        : row_(row), parameters_(parameters) {}

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& state) const override {
        const auto answer = row_.recommend(parameters_, observation.request, state.previous_topology());
        if (!answer) {
            return Failure(answer.error());
        }
        Decision decision;
        decision.recommendation = answer->recommendation;
        decision.next.remember(answer->recommendation.topology);
        decision.rule = answer->choice.rule;
        decision.hold = answer->choice.hold;
        return decision;
    }

private:
    const MutantRow& row_;
    LaunchPolicyParameters parameters_;
};

/// A question and what the specification answers in unbounded integers.
struct ModelRow {
    PolicyCase question;
    ModelAnswer answer;
};

std::vector<ModelRow> model_rows() {
    constexpr int kRows = 60'000;
    SeededChoices choices(1);
    std::vector<ModelRow> rows;
    for (int at = 0; at < kRows; ++at) {
        PolicyCase question;
        question.parameters = aim::any_parameters(choices);
        question.request = aim::any_request(choices, question.parameters);
        if (const std::uint64_t code = choices.below(7); code > 0) {
            question.previous = static_cast<DispatchTopology>(code - 1);
        }
        rows.push_back({question, reference_model(question.parameters, question.request, question.previous)});
    }
    return rows;
}

/// The laws that tell the mutant from the reference, and conformance if it does.
std::string killers_of(const MutantRow& row, const Expectations& expectations,
                       const std::vector<ModelRow>& model) {
    Subject subject{"mutant", [&row](const LaunchPolicyParameters& parameters) {
                        return std::unique_ptr<Policy>(std::make_unique<MutantPolicy>(row, parameters));
                    }};
    subject.parts = reference_parts();
    subject.parts.make_cache = row.make_cache;
    subject.parts.uncached = row.recommend;
    VerifyOptions options;
    options.cases = 100'000;
    options.seed = 1;
    options.jobs = 2;
    options.expectations = expectations;
    options.shrink_budget = std::chrono::nanoseconds(0);
    std::string killers;
    for (const LawReport& law : verify(subject, options).laws) {
        if (law.verdict == Verdict::Breaks || law.verdict == Verdict::Unpinned) {
            fmt::format_to(std::back_inserter(killers), "{} ", law.law->id);
        }
    }
    const ConformanceTarget target{
        [&row](std::span<const PolicyCase> questions) -> Loaded<std::vector<Result<reference::Answer>>> {
            std::vector<Result<reference::Answer>> answers;
            for (const PolicyCase& question : questions) {
                answers.push_back(row.recommend(question.parameters, question.request, question.previous));
            }
            return answers;
        },
        row.make_cache};
    for (const char* const file : {"launch", "sequence", "cache"}) {
        const auto report = check_conformance(kFolder / "golden" / (std::string(file) + ".csv.gz"), target);
        EXPECT_TRUE(report) << to_string(report.error());
        if (report && report->mismatches > 0) {
            fmt::format_to(std::back_inserter(killers), "{}-rows ", file);
        }
    }
    const bool differs = std::any_of(model.begin(), model.end(), [&](const ModelRow& expected) {
        const PolicyCase& question = expected.question;
        return !difference(expected.answer,
                           row.recommend(question.parameters, question.request, question.previous))
                    .empty();
    });
    killers += differs ? "model " : "";
    return killers.empty() ? killers : killers.substr(0, killers.size() - 1);
}

TEST(Mutants, Every_one_that_is_not_equivalent_is_killed_and_the_table_says_by_whom) {
    const auto expectations = load_expectations_of("reference");
    ASSERT_TRUE(expectations) << to_string(expectations.error());
    const std::vector<MutantRow> rows = mutant_rows();
    const std::vector<ModelRow> model = model_rows();
    std::size_t killed = 0;
    std::size_t equivalent = 0;
    std::string table =
        "# Who kills which mutant of the reference policy (mutants.toml): laws, golden rows that differ, and\n"
        "# the model in unbounded integers. Written by mutants_test with MEGABED_UPDATE_GOLDENS=1.\n";
    for (const MutantRow& row : rows) {
        const std::string killers = killers_of(row, *expectations, model);
        if (row.name == "unmutated") {
            ASSERT_EQ(killers, "") << "the unmutated policy must survive";
            continue;
        }
        if (row.equivalent.empty()) {
            EXPECT_NE(killers, "") << row.name << " survives";
            killed += killers.empty() ? 0 : 1;
            fmt::format_to(std::back_inserter(table), "{}: {}\n", row.name, killers);
        } else {
            EXPECT_EQ(killers, "") << row.name << " is said to be equivalent: " << row.equivalent;
            ++equivalent;
            fmt::format_to(std::back_inserter(table), "{}: equivalent: {}\n", row.name, row.equivalent);
        }
    }
    fmt::format_to(std::back_inserter(table), "# {} mutants: {} killed, {} equivalent, {} alive\n",
                   rows.size() - 1, killed, equivalent, rows.size() - 1 - killed - equivalent);
    EXPECT_GE(rows.size() - 1 - equivalent, 40U);

    const fs::path golden = kFolder / "mutants" / "killed.txt";
    if (std::getenv("MEGABED_UPDATE_GOLDENS") != nullptr) {
        std::ofstream(golden) << table;
    }
    std::ostringstream stored;
    stored << std::ifstream(golden).rdbuf();
    EXPECT_EQ(table, stored.str());
}

}  // namespace
}  // namespace megabed
