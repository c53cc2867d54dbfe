#pragma once

#include <rapidcheck.h>
#include <string>
#include <utility>
#include <vector>

namespace megabed {

/// What a law's check came to.
struct LawVerdict {
    bool holds = false;
    std::string
        report;  ///< for people: cases, classes reached, or the shrunk counterexample and how to replay it
};

/// Judges a finished RapidCheck run: a law holds only if cases ran and every class in `must_reach` was reached.
[[nodiscard]] LawVerdict judge(const std::string& id, const rc::detail::TestResult& result,
                               const std::vector<std::string>& must_reach);

/// Parameters of RC_PARAMS with `cases` successes asked for; the seed is the environment's or random.
[[nodiscard]] rc::detail::TestParams law_parameters(int cases);

/// Checks a law with RapidCheck. `property` is a callable as for `rc::check`; it tags its inputs with RC_TAG or
/// RC_CLASSIFY, and a class that was never reached is a failure, so that no law passes vacuously.
/// Replay: RC_PARAMS="reproduce=..." as the report says.
template <class Property>
[[nodiscard]] LawVerdict check_law(const std::string& id, int cases, const std::vector<std::string>& must_reach,
                                   Property&& property) {
    rc::detail::TestMetadata metadata;
    metadata.id = id;
    metadata.description = id;
    return judge(id,
                 rc::detail::checkTestable(std::forward<Property>(property), metadata, law_parameters(cases)),
                 must_reach);
}

}  // namespace megabed
