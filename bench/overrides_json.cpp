#include "bench/overrides_json.h"

#include <string>
#include <vector>

namespace megabed {
namespace {

using Json = nlohmann::ordered_json;

template <class Value>
Json or_null(const std::optional<Value>& value) {
    return value ? Json(*value) : Json(nullptr);
}

/// A whole number up to `most`, or null; false for anything else.
template <class Number>
bool read_number(const Json& json, std::uint64_t most, std::optional<Number>& number) {
    if (json.is_null()) {
        return true;
    }
    if (!json.is_number_unsigned() || json.get<std::uint64_t>() > most) {
        return false;
    }
    number = json.get<Number>();
    return true;
}

}  // namespace

Json overrides_json(const ScenarioOverrides& overrides) {
    Json json;
    json["set"] = overrides.settings;
    json["policy"] = or_null(overrides.policy);
    json["seed"] = or_null(overrides.seed);
    json["decide"] =
        overrides.decide ? Json(*overrides.decide == DecisionPlace::Host ? "host" : "device") : Json(nullptr);
    json["replications"] = or_null(overrides.replications);
    return json;
}

std::optional<ScenarioOverrides> overrides_from_json(const Json& json) {
    constexpr std::uint64_t kReplicationsMax = 1'000'000;
    constexpr std::uint64_t kSeedMax = std::numeric_limits<std::uint64_t>::max();
    try {
        ScenarioOverrides overrides;
        overrides.settings = json.at("set").get<std::vector<std::string>>();
        if (!json.at("policy").is_null()) {
            overrides.policy = json.at("policy").get<std::string>();
        }
        if (!json.at("decide").is_null()) {
            overrides.decide =
                json.at("decide").get<std::string>() == "host" ? DecisionPlace::Host : DecisionPlace::Device;
        }
        const bool numbers =
            read_number(json.at("seed"), kSeedMax, overrides.seed) &&
            read_number(json.value("replications", Json(nullptr)), kReplicationsMax, overrides.replications);
        return numbers ? std::optional(overrides) : std::nullopt;
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

}  // namespace megabed
