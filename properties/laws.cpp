#include "properties/laws.h"

#include "properties/law_families.h"

#include <algorithm>
#include <array>

namespace megabed {
namespace {

constexpr std::array kElsewhere{
    Law{.id = "D1",
        .sentence = "same scenario and seed, same digest, for any thread count, run twice",
        .scope = LawScope::Simulator},
    Law{.id = "D2",
        .sentence = "every queued item is executed exactly once or reported",
        .scope = LawScope::Simulator},
    Law{.id = "D3", .sentence = "simulated time never goes back", .scope = LawScope::Simulator},
    Law{.id = "D4",
        .sentence = "traversal frontiers equal a Boost.Graph breadth-first search, level by level",
        .scope = LawScope::Simulator},
    Law{.id = "B1", .sentence = "every ring slot is claimed exactly once", .scope = LawScope::Backends},
    Law{.id = "B2", .sentence = "results equal the oracle on every backend", .scope = LawScope::Backends},
    Law{.id = "B3",
        .sentence = "under the same recorded telemetry all backends take the same decisions",
        .scope = LawScope::Backends},
};

std::vector<Law> collect() {
    std::vector<Law> laws;
    for (const auto family : {stability_laws(), monotonicity_laws(), size_laws(), budget_laws(), safety_laws(),
                              cache_laws(), part_laws(), std::span<const Law>(kElsewhere)}) {
        laws.insert(laws.end(), family.begin(), family.end());
    }
    return laws;
}

constexpr std::array<LawClass, kOwnClasses> kCommonClasses{
    LawClass{"standard parameters"}, LawClass{"custom parameters"},   LawClass{"no hysteresis"},
    LawClass{"narrow hysteresis"},   LawClass{"standard hysteresis"}, LawClass{"wide hysteresis"},
    LawClass{"blank start"},         LawClass{"carried state"},       LawClass{"empty", true},
    LawClass{"sparse", true},        LawClass{"hybrid", true},        LawClass{"dense", true},
    LawClass{"fused", true},         LawClass{"memory", true},        LawClass{"refused", true},
};

}  // namespace

std::span<const Law> known_laws() {
    static const std::vector<Law> laws = collect();
    return laws;
}

Judgement judge(const Law& law, const Policy& policy, const PolicyParts& parts, const LawCase& input) {
    if (law.scope == LawScope::Policy && !law.any_parameters && !accepted_by_o6(input.parameters)) {
        return {CaseOutcome::OutsideDomain, 0, {}};
    }
    return law.check(policy, parts, input);
}

const Law* find_law(std::string_view id) {
    const auto laws = known_laws();
    const auto found = std::find_if(laws.begin(), laws.end(), [&](const Law& law) { return law.id == id; });
    return found == laws.end() ? nullptr : &*found;
}

LawClass class_of(const Law& law, std::uint32_t index) {
    if (index < kOwnClasses) {
        return kCommonClasses[index];
    }
    const std::size_t own = index - kOwnClasses;
    return own < law.own_classes.size() ? law.own_classes[own] : LawClass{};
}

}  // namespace megabed
