#pragma once

#include "properties/choices.h"

#include <rapidcheck.h>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace megabed {

/// Choices that RapidCheck makes, so that RC_PARAMS prints and replays them. Only inside a property.
class RapidChoices final : public Choices {
public:
    [[nodiscard]] std::uint64_t next() override {
        return *rc::gen::noShrink(rc::gen::resize(100, rc::gen::arbitrary<std::uint64_t>()));
    }
};

/// What a RapidCheck run of a property came to.
struct PropertyVerdict {
    bool holds = false;
    std::string
        report;  ///< for people: cases, classes reached, or the shrunk counterexample and how to replay it
};

/// Judges a finished RapidCheck run: a property holds only if cases ran and every class in `must_reach` was
/// reached.
[[nodiscard]] PropertyVerdict judge(const std::string& id, const rc::detail::TestResult& result,
                                    const std::vector<std::string>& must_reach);

/// Parameters of RC_PARAMS with `cases` successes asked for; the seed is the environment's or random.
[[nodiscard]] rc::detail::TestParams property_parameters(int cases);

/// Checks a property with RapidCheck. `property` is a callable as for `rc::check`; it tags its inputs with
/// RC_TAG or RC_CLASSIFY, and a class that was never reached is a failure, so that none passes vacuously.
/// Replay: RC_PARAMS="reproduce=..." as the report says.
template <class Property>
[[nodiscard]] PropertyVerdict check_property(const std::string& id, int cases,
                                             const std::vector<std::string>& must_reach, Property&& property) {
    rc::detail::TestMetadata metadata;
    metadata.id = id;
    metadata.description = id;
    return judge(
        id, rc::detail::checkTestable(std::forward<Property>(property), metadata, property_parameters(cases)),
        must_reach);
}

}  // namespace megabed
