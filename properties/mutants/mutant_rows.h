#pragma once

#include "policy/policy_parts.h"
#include "policy/reference_policy.h"

#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace megabed {

/// One mutant of the reference policy behind the project's own types.
struct MutantRow {
    std::string_view name;
    std::string_view equivalent;  ///< why no input can tell it from the reference; empty if one can
    Result<reference::Answer> (*recommend)(const LaunchPolicyParameters& parameters,
                                           const LaunchRequest& request,
                                           std::optional<DispatchTopology> previous) = nullptr;
    std::unique_ptr<AnswerCache> (*make_cache)() = nullptr;
};

/// The unmutated policy, then every mutant of mutants.toml in its order.
[[nodiscard]] std::vector<MutantRow> mutant_rows();

/// A mutant has types of its own that are laid out like ours: values go over by their bytes.
template <class To, class From>
To carry_over(const From& from) {
    static_assert(std::is_trivially_copyable_v<To> && std::is_trivially_copyable_v<From>);
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(static_cast<void*>(&to), &from, sizeof to);
    return to;
}

template <class Theirs>
Result<reference::Answer> result_of(const Theirs& theirs) {
    if (!theirs) {
        return Failure(carry_over<Error>(theirs.error()));
    }
    return carry_over<reference::Answer>(*theirs);
}

template <class Topology>
std::optional<Topology> topology_of(std::optional<DispatchTopology> topology) {
    return topology ? std::optional(static_cast<Topology>(*topology)) : std::nullopt;
}

template <class Parameters, class Request, class Topology, class Cache>
class MutantCache final : public AnswerCache {
public:
    [[nodiscard]] Result<reference::Answer> recommend(const LaunchPolicyParameters& parameters,
                                                      const LaunchRequest& request,
                                                      std::optional<DispatchTopology> previous) override {
        return result_of(cache_.recommend(carry_over<Parameters>(parameters), carry_over<Request>(request),
                                          topology_of<Topology>(previous)));
    }
    [[nodiscard]] LaunchCacheStats stats() const override {
        return carry_over<LaunchCacheStats>(cache_.stats());
    }
    void clear() override { cache_.clear(); }

private:
    Cache cache_;
};

template <class Parameters, class Request, class Topology, class Cache, auto Recommend>
MutantRow row_of(std::string_view name, std::string_view equivalent) {
    return {name, equivalent,
            [](const LaunchPolicyParameters& parameters, const LaunchRequest& request,
               std::optional<DispatchTopology> previous) {
                return result_of(Recommend(carry_over<Parameters>(parameters), carry_over<Request>(request),
                                           topology_of<Topology>(previous)));
            },
            [] {
                return std::unique_ptr<AnswerCache>(
                    std::make_unique<MutantCache<Parameters, Request, Topology, Cache>>());
            }};
}

}  // namespace megabed
