#pragma once

#include "properties/counterexample_file.h"
#include "properties/expectation_file.h"
#include "properties/law_search.h"
#include "properties/policy_law.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace megabed {

/// What became of one law.
enum class Verdict : std::uint8_t {
    Holds,
    Breaks,         ///< it does not hold, or it was not tested: an interesting class was never reached
    Pinned,         ///< it breaks exactly where the expectations say
    Unpinned,       ///< it was expected to break, and held
    NotApplicable,  ///< the policy lacks what the law speaks of, or the law is checked elsewhere
};
/// `holds`, `breaks`, `pinned`, `unpinned`, `not-applicable`.
[[nodiscard]] std::string_view to_string(Verdict verdict);

struct VerifyOptions {
    std::vector<std::string> laws{};                   ///< ids; empty: all
    std::uint64_t cases = 200'000;                     ///< a law; the costly ones draw a share of it
    std::optional<std::chrono::nanoseconds> budget{};  ///< for all laws together, in place of `cases`
    std::uint64_t seed = 1;
    unsigned jobs = 1;
    Expectations expectations{};
    std::vector<Counterexample> regressions{};  ///< judged before anything is drawn
    std::chrono::nanoseconds shrink_budget = std::chrono::seconds(4);
    std::stop_token stop{};
};

struct LawReport {
    const Law* law = nullptr;
    Verdict verdict{};
    std::uint64_t cases = 0;  ///< that the law speaks of, pinned and regression inputs included
    double seconds = 0.0;
    std::string note{};  ///< why it is not applicable, unpinned or untested
    std::optional<Counterexample> counterexample{};
    std::vector<std::pair<std::string, std::uint64_t>> classes{};  ///< reached, with their cases
};

struct VerifyReport {
    std::string policy;
    std::uint64_t seed = 0;
    std::vector<LawReport> laws{};
    bool interrupted = false;

    /// No law breaks, none is unpinned, and nothing was cut short.
    [[nodiscard]] bool holds() const;
};

/// Checks every law that applies. `on_law` is told of each as it is done.
/// Reproducible: without a budget, equal options give equal verdicts, cases and counterexamples for any number
/// of jobs.
[[nodiscard]] VerifyReport verify(const Subject& subject, const VerifyOptions& options,
                                  const std::function<void(const LawReport&)>& on_law = {});

/// One more test case of a JUnit file.
struct JunitCase {
    std::string name;
    std::string failure{};  ///< empty: it passed
    double seconds = 0.0;
};

/// JUnit XML: one test case a law, then `more`.
[[nodiscard]] std::string junit_xml(const VerifyReport& report, std::span<const JunitCase> more = {});

}  // namespace megabed
