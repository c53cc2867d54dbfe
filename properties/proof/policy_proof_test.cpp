#include "properties/proof/policy_proof.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

namespace megabed {
namespace {

using Verdict = ProofResult::Verdict;

/// Whether this build has the prover; one without it claims nothing and says what is missing.
bool has_prover(const std::vector<ProofResult>& results) {
    if (results.size() != 1) {
        return true;
    }
    EXPECT_EQ(results.front().verdict, Verdict::Unknown);
    EXPECT_EQ(results.front().counterexample, "built without Z3 (Debian package libz3-dev)");
    return false;
}

const ProofResult* find(const std::vector<ProofResult>& results, const std::string& statement) {
    const auto found = std::find_if(results.begin(), results.end(), [&](const ProofResult& result) {
        return result.statement.find(statement) != std::string::npos;
    });
    return found == results.end() ? nullptr : &*found;
}

void expect_all_proved(const std::vector<ProofResult>& results) {
    for (const ProofResult& result : results) {
        EXPECT_EQ(result.verdict, Verdict::Proved)
            << result.id << ": " << result.statement << ": " << result.counterexample;
    }
    const double seconds =
        std::accumulate(results.begin(), results.end(), 0.0,
                        [](double sum, const ProofResult& result) { return sum + result.seconds; });
    std::cerr << results.size() << " statements in " << seconds << " s\n";
}

/// Statements on branches that no input takes: a wrong assumption would make all of them so.
std::vector<std::string> unreachable(const std::vector<ProofResult>& results) {
    std::vector<std::string> statements;
    for (const ProofResult& result : results) {
        if (const auto end = result.statement.find(" (and no input comes here)"); end != std::string::npos) {
            statements.push_back(result.statement.substr(0, end));
        }
    }
    return statements;
}

TEST(PolicyProof, The_reference_leaves_no_type_and_does_not_alternate) {
    const std::vector<ProofResult> results = prove_reference_policy();
    if (!has_prover(results)) {
        return;
    }
    EXPECT_GT(results.size(), 50U);
    expect_all_proved(results);
    EXPECT_EQ(unreachable(results),
              (std::vector<std::string>{"density inference: part x 10000 in the wide branch fits u128",
                                        "density inference: the wide quotient fits u16"}));
    for (const char* statement :
         {"the saturating product never saturates", "slots are fewer than the queue exactly where",
          "so its overflow error cannot occur", "sparse threshold change the topology at most once",
          "dense threshold change the topology at most once", "from T - hysteresis to T change the topology"}) {
        EXPECT_NE(find(results, statement), nullptr) << statement;
    }
}

TEST(PolicyProof, The_hardened_policy_leaves_no_type_and_does_not_alternate) {
    const std::vector<ProofResult> results = prove_hardened_policy();
    if (!has_prover(results)) {
        return;
    }
    EXPECT_GT(results.size(), 80U);
    expect_all_proved(results);
    // The wide branch of a ratio of counts, and the holds of topologies that never reach the frontier's
    // hysteresis.
    EXPECT_EQ(unreachable(results).size(), 6U) << ::testing::PrintToString(unreachable(results));
    for (const char* statement : {"accepted exactly where O6", "rounded up to whole blocks",
                                  "the peak is within the budget", "edges in their bands: no change but"}) {
        EXPECT_NE(find(results, statement), nullptr) << statement;
    }
}

TEST(PolicyProof, A_policy_without_memory_is_refuted_with_values) {
    const std::vector<ProofResult> results = prove_stateless_policy();
    if (!has_prover(results)) {
        return;
    }
    EXPECT_EQ(results.size(), 3U);
    for (const ProofResult& result : results) {
        EXPECT_EQ(result.verdict, Verdict::Refuted) << result.id;
        for (const char* name : {"threshold = ", "first reading = ", "second reading = ", "third reading = "}) {
            EXPECT_NE(result.counterexample.find(name), std::string::npos) << result.counterexample;
        }
    }
}

TEST(PolicyProof, The_formulas_are_the_code) {
    constexpr std::uint64_t kCases = 2500;
    const TieResult reference = tie_reference_model(kCases, 1);
    if (reference.cases == 0) {
        EXPECT_EQ(reference.first_difference, "built without Z3 (Debian package libz3-dev)");
        return;
    }
    EXPECT_EQ(reference.cases, kCases);
    EXPECT_EQ(reference.differences, 0U) << reference.first_difference;
    const TieResult hardened = tie_hardened_model(kCases, 1);
    EXPECT_EQ(hardened.cases, kCases);
    EXPECT_EQ(hardened.differences, 0U) << hardened.first_difference;
}

}  // namespace
}  // namespace megabed
