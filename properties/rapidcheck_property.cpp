#include "properties/rapidcheck_property.h"

#include <fmt/format.h>
#include <map>
#include <set>
#include <sstream>

namespace megabed {

rc::detail::TestParams property_parameters(int cases) {
    rc::detail::TestParams parameters = rc::detail::configuration().testParams;
    parameters.maxSuccess = cases;
    return parameters;
}

namespace {

/// Cases in which each class was reached. RapidCheck shows a tag as it would be written, in quotes.
std::map<std::string, int> cases_by_class(const rc::detail::Distribution& distribution) {
    std::map<std::string, int> reached;
    for (const auto& [tags, cases] : distribution) {
        for (std::string tag : std::set<std::string>(tags.begin(), tags.end())) {
            if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') {
                tag = tag.substr(1, tag.size() - 2);
            }
            reached[tag] += cases;
        }
    }
    return reached;
}

std::string replay_of(const std::string& id, const rc::detail::Reproduce& reproduce) {
    rc::detail::Configuration again;
    again.reproduce.emplace(id, reproduce);
    return fmt::format("replay: RC_PARAMS=\"{}\"", rc::detail::configToMinimalString(again));
}

}  // namespace

PropertyVerdict judge(const std::string& id, const rc::detail::TestResult& result,
                      const std::vector<std::string>& must_reach) {
    const std::uint64_t seed = rc::detail::configuration().testParams.seed;
    PropertyVerdict verdict;
    rc::detail::SuccessResult success;
    if (!result.match(success)) {
        std::ostringstream message;
        rc::detail::printResultMessage(result, message);
        verdict.report = fmt::format("property {}, seed {}: {}", id, seed, message.str());
        if (rc::detail::FailureResult failure; result.match(failure)) {
            verdict.report += "\n" + replay_of(id, failure.reproduce);
        }
        return verdict;
    }
    const std::map<std::string, int> reached = cases_by_class(success.distribution);
    verdict.holds = success.numSuccess > 0;
    verdict.report = fmt::format("property {}, seed {}: {} cases", id, seed, success.numSuccess);
    for (const auto& [name, cases] : reached) {
        verdict.report += fmt::format("; {} {}", name, cases);
    }
    for (const std::string& name : must_reach) {
        if (!reached.contains(name)) {
            verdict.holds = false;
            verdict.report += fmt::format("\nthe class '{}' was never reached", name);
        }
    }
    return verdict;
}

}  // namespace megabed
