#include "policy/registry.h"
#include "properties/case_aims.h"
#include "properties/law_search.h"
#include "properties/laws.h"
#include "properties/rapidcheck_property.h"
#include "scenarios/request_toml.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

// The hysteresis is as wide as its parameter says: nowhere narrower, and nowhere wider either.
namespace megabed {
namespace {

using enum DispatchTopology;

/// A request that no counter, graph or memory budget says anything about.
LaunchRequest plain_request() {
    LaunchRequest request = base_request();
    request.queue_len = 1;
    request.requested_hit_capacity = 1;
    request.graph_node_count = 0;  // never fused, whatever counts as hot
    request.frontier_density = BasisPoints(0);
    request.memory_pressure = BasisPoints(0);
    return request;
}

using Reading = std::optional<BasisPoints> LaunchRequest::*;

/// A topology that a blank state answers to one reading, and a band in which it must last.
struct Held {
    DispatchTopology topology;
    std::int64_t settles_at;
    Reading reading;
    std::int64_t low;
    std::int64_t high;
    std::int64_t beyond;  ///< one outside the band, where it must not last
};

std::vector<Held> holds_of(const LaunchPolicyParameters& parameters) {
    const std::int64_t width = parameters.hysteresis.value();
    const std::int64_t sparse = parameters.sparse_frontier_threshold.value();
    const std::int64_t dense = parameters.dense_frontier_threshold.value();
    const std::int64_t memory = parameters.memory_pressure_threshold.value();
    constexpr auto kDensity = &LaunchRequest::frontier_density;
    std::vector<Held> holds{
        {SparseFrontier, 0, kDensity, sparse - width, sparse + width, sparse + width + 1},
        {DenseFrontier, kWholeBps, kDensity, dense - width, dense + width, dense - width - 1},
        {MemoryConstrained, memory, &LaunchRequest::memory_pressure, memory - width, memory,
         memory - width - 1},
    };
    if (sparse + 1 < dense) {  // else there is no density between
        holds.push_back(
            {HybridFrontier, sparse + 1, kDensity, sparse - width, sparse + width, sparse - width - 1});
        holds.push_back(
            {HybridFrontier, sparse + 1, kDensity, dense - width, dense + width, dense + width + 1});
    }
    return holds;
}

std::string width_class(BasisPoints width) {
    return width.value() == 0    ? "none"
           : width.value() < 250 ? "narrow"
           : width.value() > 250 ? "wide"
                                 : "standard";
}

/// Takes the readings of each band from the topology they are to hold.
void check_holds(const std::string& name, Choices& choices, const LaunchPolicyParameters& parameters) {
    const auto policy = make_policy(name, parameters);
    for (const Held& held : holds_of(parameters)) {
        LaunchRequest request = plain_request();
        PolicyState state;
        const auto answer = [&](std::int64_t reading) {
            request.*held.reading = BasisPoints(static_cast<std::uint16_t>(reading));
            const auto decision = policy->recommend({request, {}}, state);
            RC_ASSERT(decision.has_value());
            state = decision->next;
            return decision->recommendation.topology;
        };
        RC_ASSERT((answer(held.settles_at) == held.topology));
        const auto low = static_cast<std::uint64_t>(held.low);
        const auto high = static_cast<std::uint64_t>(held.high);
        for (const std::uint64_t reading :
             {low, high, choices.between(low, high), choices.between(low, high), high, low}) {
            RC_ASSERT((answer(static_cast<std::int64_t>(reading)) == held.topology));
        }
        RC_ASSERT((answer(held.beyond) != held.topology));
    }
}

/// Two requests that differ in one reading.
LawCase pair_of(Reading reading, int first, int second) {
    LawCase input;
    for (const int bps : {first, second}) {
        LaunchRequest request = base_request();
        request.*reading = BasisPoints(static_cast<std::uint16_t>(bps));
        input.steps.push_back(request);
    }
    return input;
}

TEST(HysteresisWidth, A_law_about_a_band_speaks_of_the_parameters_own) {
    constexpr auto kDensity = &LaunchRequest::frontier_density;
    constexpr auto kPressure = &LaunchRequest::memory_pressure;
    LawCase relieved = pair_of(kPressure, 9000, 8200);  // law M1b: the second is below the band, and all dense
    relieved.steps[1].frontier_density = BasisPoints(kWholeBps);
    LawCase spike = pair_of(kDensity, 600, 600);  // law S4: a pressure spike from below the band in between
    spike.steps.insert(spike.steps.begin() + 1, spike.steps[0]);
    spike.steps[0].memory_pressure = spike.steps[2].memory_pressure = BasisPoints(8300);
    spike.steps[1].memory_pressure = BasisPoints(9000);
    LawCase low = pair_of(kDensity, 0, 1);
    low.parameters.sparse_frontier_threshold = BasisPoints(52);
    low.parameters.dense_frontier_threshold = BasisPoints(9000);
    const struct {
        std::string_view law;
        LawCase input;
        std::uint16_t least;  ///< widths of which the law speaks of this case: least to most
        std::uint16_t most;
    } cases[] = {
        {"S1", pair_of(kDensity, 463, 537), 37, 499},
        {"S1", pair_of(kDensity, 4100, 3700), 300, 499},
        {"S1", pair_of(kDensity, 500, 500), 0, 499},
        {"S2", pair_of(kPressure, 8463, 8500), 37, 499},
        {"S2", pair_of(kPressure, 8500, 8500), 0, 499},
        {"S4", pair_of(kDensity, 500, 601), 101, 499},  // one band; of a narrower one the first alone
        {"S4", pair_of(kDensity, 4001, 9000), 0, 0},    // above the dense band, if that is a point
        {"S4", spike, 0, 199},
        {"M1b", relieved, 0, 299},
        {"O7", low, 0, 50},
    };
    const Subject subject = *find_policy_source("hardened");
    for (const auto& expected : cases) {
        for (std::uint16_t width = 0; width < 500; ++width) {
            LawCase input = expected.input;
            input.parameters.hysteresis = BasisPoints(width);
            const bool speaks =
                judge_case(subject, *find_law(expected.law), input).outcome != CaseOutcome::OutsideDomain;
            EXPECT_EQ(speaks, width >= expected.least && width <= expected.most)
                << expected.law << ' ' << width;
        }
    }
}

TEST(HysteresisWidth, A_topology_lasts_inside_its_bands_and_not_one_basis_point_further) {
    for (const std::string name : {"reference", "hardened"}) {
        const PropertyVerdict verdict =
            check_property("holds of " + name, 5000, {"none", "narrow", "standard", "wide"}, [&] {
                RapidChoices choices;
                const LaunchPolicyParameters parameters = aim::valid_parameters(choices);
                RC_TAG(width_class(parameters.hysteresis));
                check_holds(name, choices, parameters);
            });
        EXPECT_TRUE(verdict.holds) << name << ": " << verdict.report;
        std::cerr << verdict.report << '\n';
    }
}

}  // namespace
}  // namespace megabed
