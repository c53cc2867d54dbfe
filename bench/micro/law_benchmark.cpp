// What `megabed verify` spends its time on. Items are cases: of one law, generation and judging included (goal
// 1,000,000 a second on one core for laws of a single decision); of all laws in turn; of model and code side by
// side; and, for the enumeration, decisions.
#include "properties/boundary_enumeration.h"
#include "properties/case_minimiser.h"
#include "properties/law_search.h"
#include "properties/laws.h"
#include "properties/proof/policy_proof.h"
#include "properties/verify.h"

#include <benchmark/benchmark.h>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {
namespace {

constexpr std::uint64_t kCases = 20'000;

void search(benchmark::State& state, const std::string& policy, const std::string& id) {
    const Subject subject = *find_policy_source(policy);
    const Law& law = *find_law(id);
    SearchOptions options;
    options.cases = kCases / law.cost;
    std::uint64_t cases = 0;
    for (auto _ : state) {
        ++options.seed;
        const SearchResult result = search_law(subject, law, options);
        cases += result.cases + result.outside;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(cases));
}

void register_search(const std::string& policy, const std::string& law) {
    benchmark::RegisterBenchmark(("search/" + policy + "/" + law).c_str(), [policy,
                                                                            law](benchmark::State& state) {
        search(state, policy, law);
    })->Unit(benchmark::kMillisecond);
}

/// Every law of a policy, by one that obeys it: a search that breaks a law ends early. The hardened policy has
/// no cache, of which the T laws speak.
[[maybe_unused]] const bool kEveryLaw = [] {
    for (const Law& law : known_laws()) {
        if (law.check != nullptr) {
            register_search(law.id.starts_with("T") ? "reference" : "hardened", std::string(law.id));
        }
    }
    register_search("reference", "O5a");
    return true;
}();

/// All laws as `megabed verify` checks them, on one thread.
void verify_all(benchmark::State& state, const std::string& policy) {
    const Subject subject = *find_policy_source(policy);
    VerifyOptions options;
    options.cases = kCases;
    std::uint64_t cases = 0;
    for (auto _ : state) {
        ++options.seed;
        for (const LawReport& law : verify(subject, options).laws) {
            cases += law.cases;
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(cases));
}
BENCHMARK_CAPTURE(verify_all, hardened, "hardened")->Unit(benchmark::kMillisecond);

void shrink(benchmark::State& state, const std::string& law_id) {
    const Subject subject = *find_policy_source("reference");
    const Law& law = *find_law(law_id);
    const SearchResult found = search_law(subject, law, {});
    std::uint64_t tries = 0;
    for (auto _ : state) {
        const MinimisedCase small = minimise(*found.broken, [&](const LawCase& input) {
            return judge_case(subject, law, input).outcome == CaseOutcome::Breaks;
        });
        tries = small.tries;
        benchmark::DoNotOptimize(&small);
    }
    state.counters["tries"] = static_cast<double>(tries);
}
BENCHMARK_CAPTURE(shrink, S4, "S4")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(shrink, S5, "S5")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(shrink, M2b, "M2b")->Unit(benchmark::kMillisecond);

/// The three parts of `megabed verify --prove`. Without Z3 the last two do nothing, which their items show.
void prove_statements(benchmark::State& state, std::vector<ProofResult> (*prove_policy)()) {
    std::size_t statements = 0;
    for (auto _ : state) {
        for (const ProofResult& result : prove_policy()) {
            statements += result.verdict == ProofResult::Verdict::Proved ? 1 : 0;
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(statements));
}
BENCHMARK_CAPTURE(prove_statements, reference, prove_reference_policy)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(prove_statements, hardened, prove_hardened_policy)->Unit(benchmark::kMillisecond);

void tie(benchmark::State& state, TieResult (*tie_model)(std::uint64_t cases, std::uint64_t seed)) {
    constexpr std::uint64_t kTied = 200;
    std::uint64_t cases = 0;
    for (auto _ : state) {
        cases += tie_model(kTied, 1).cases;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(cases));
}
BENCHMARK_CAPTURE(tie, reference, tie_reference_model)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tie, hardened, tie_hardened_model)->Unit(benchmark::kMillisecond);

/// Half a minute: not under ctest, and not among what bench/compare measures.
void enumerate(benchmark::State& state) {
    const Subject subject = *find_policy_source("hardened");
    std::uint64_t decisions = 0;
    for (auto _ : state) {
        for (const EnumeratedLaw& law : enumerate_boundaries(subject, LaunchPolicyParameters::standard())) {
            decisions += law.decisions;
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(decisions));
}
BENCHMARK(enumerate)->Name("enumerate/hardened")->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace megabed
