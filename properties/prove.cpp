#include "properties/prove.h"

#include <algorithm>

namespace megabed {

bool ProveReport::is_pinned(const EnumeratedLaw& law, const Expectations& expectations) {
    return std::any_of(expectations.pinned.begin(), expectations.pinned.end(),
                       [&](const PinnedBreak& pin) { return pin.law == law.law; });
}

bool ProveReport::holds(const Expectations& expectations) const {
    const bool laws_hold = std::all_of(enumerated.begin(), enumerated.end(), [&](const EnumeratedLaw& law) {
        return (law.broken > 0) == is_pinned(law, expectations);
    });
    const bool statements_hold = std::all_of(proved.begin(), proved.end(), [](const ProofResult& result) {
        return result.verdict == ProofResult::Verdict::Proved;
    });
    return !interrupted && laws_hold && statements_hold && tie.differences == 0;
}

Loaded<ProveReport> prove(const Subject& subject, const ProveOptions& options) {
    ProveReport report;
    const bool reference = subject.name == "reference";
    report.has_model = reference || subject.name == "hardened";
    if (report.has_model) {
        report.proved = reference ? prove_reference_policy() : prove_hardened_policy();
        const ProofResult& first = report.proved.front();
        if (first.verdict == ProofResult::Verdict::Unknown && report.proved.size() == 1) {
            return Refusal(InputError{.kind = InputErrorKind::Unavailable,
                                      .where = "--prove",
                                      .line = {},
                                      .key = {},
                                      .problem = first.counterexample,
                                      .allowed = "a build with it"});
        }
        report.tie = reference ? tie_reference_model(options.tie_cases, options.seed)
                               : tie_hardened_model(options.tie_cases, options.seed);
    }
    report.enumerated = enumerate_boundaries(subject, options.parameters, {options.jobs, options.stop});
    report.interrupted = options.stop.stop_requested();
    return report;
}

}  // namespace megabed
