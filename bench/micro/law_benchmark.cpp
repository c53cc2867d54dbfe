#include "properties/case_minimiser.h"
#include "properties/law_search.h"
#include "properties/laws.h"

#include <benchmark/benchmark.h>
#include <string>

// Cases a second on one core, generation and judging included: goal 1,000,000 for laws of a single decision.
namespace megabed {
namespace {

void search(benchmark::State& state, const std::string& policy, const std::string& law) {
    const Subject subject = *find_policy_source(policy);
    SearchOptions options;
    options.cases = 20'000;
    std::uint64_t cases = 0;
    for (auto _ : state) {
        ++options.seed;
        const SearchResult result = search_law(subject, *find_law(law), options);
        cases += result.cases + result.outside;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(cases));
}
BENCHMARK_CAPTURE(search, hardened_O4_one_decision, "hardened", "O4")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, hardened_M2c_one_decision, "hardened", "M2c")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, reference_O5a_one_decision, "reference", "O5a")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, hardened_S1_trajectory, "hardened", "S1")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, hardened_M1a_pairs, "hardened", "M1a")->Unit(benchmark::kMillisecond);

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

}  // namespace
}  // namespace megabed
