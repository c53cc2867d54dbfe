#include "properties/check_laws.h"

#include "properties/laws.h"

#include <fmt/format.h>
#include <iterator>

namespace megabed {

LawsResult check_laws(const std::string& name,
                      const std::function<std::unique_ptr<Policy>(const LaunchPolicyParameters&)>& make,
                      const VerifyOptions& options, const PolicyParts& parts) {
    for (const std::string& id : options.laws) {
        if (find_law(id) == nullptr) {
            std::string known;
            for (const Law& law : known_laws()) {
                fmt::format_to(std::back_inserter(known), "{}{}", known.empty() ? "" : ", ", law.id);
            }
            return {false, fmt::format("{} is no law; there are {}\n", id, known)};
        }
    }
    const Subject subject{name, make, parts, false};
    const VerifyReport report = verify(subject, options);
    LawsResult result{report.holds(), {}};
    for (const LawReport& law : report.laws) {
        if (law.verdict == Verdict::NotApplicable) {
            continue;
        }
        fmt::format_to(std::back_inserter(result.report), "{} {}: {}\n", law.law->id, to_string(law.verdict),
                       law.law->sentence);
        const bool failed = law.verdict == Verdict::Breaks || law.verdict == Verdict::Unpinned;
        if (!law.note.empty()) {
            fmt::format_to(std::back_inserter(result.report), "  {}\n", law.note);
        }
        if (failed && law.counterexample) {
            fmt::format_to(std::back_inserter(result.report), "  {}\n{}{}", law.counterexample->why,
                           case_as_table(subject, law.counterexample->input),
                           counterexample_as_toml(*law.counterexample));
        }
    }
    fmt::format_to(std::back_inserter(result.report), "seed {}\n", report.seed);
    return result;
}

}  // namespace megabed
