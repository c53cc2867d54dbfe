#pragma once

#include "policy/arc_policy.h"
#include "policy/cugraph_rule.h"
#include "policy/gap_rule.h"
#include "policy/gswitch_rule.h"
#include "policy/gunrock_rule.h"
#include "policy/hardened_policy.h"
#include "policy/policy.h"
#include "policy/reference_policy.h"
#include "policy/vyre_driver_rule.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/// The registered policies that are pure functions, as one function that also compiles as device code: a kernel
/// decides with it what the policy of that name decides on the host. Learning policies and plug-ins are not
/// among them.
namespace megabed {

enum class CompiledPolicy : std::uint8_t {
    Reference,
    Stateless,
    Hardened,
    FixedSparse,
    FixedHybrid,
    FixedDense,
    FixedFused,
    FixedMemory,
    Gap,
    Cugraph,
    Gunrock,
    Gswitch,
    VyreDriver,
    Arcs,
};

inline constexpr std::size_t kCompiledPolicies = static_cast<std::size_t>(CompiledPolicy::Arcs) + 1;

/// Their registered names, in the order above.
[[nodiscard]] constexpr std::array<std::string_view, kCompiledPolicies> compiled_policy_names() {
    return {"reference",   "stateless",   "hardened",     "fixed:sparse", "fixed:hybrid",
            "fixed:dense", "fixed:fused", "fixed:memory", "gap",          "cugraph",
            "gunrock",     "gswitch",     "vyre-driver",  "arcs"};
}

/// By its registered name; absent: the policy needs a host.
[[nodiscard]] constexpr std::optional<CompiledPolicy> compiled_policy(std::string_view name) {
    constexpr auto kNames = compiled_policy_names();
    for (std::size_t at = 0; at < kNames.size(); ++at) {
        if (kNames[at] == name) {
            return static_cast<CompiledPolicy>(at);
        }
    }
    return std::nullopt;
}

namespace reference {

/// A decision that goes on with `next`.
[[nodiscard]] constexpr Result<Decision> decision_of(const Result<Answer>& answer, const PolicyState& next) {
    if (!answer) {
        return Failure(answer.error());
    }
    Result<Decision> decision(tl::in_place);
    (*decision).recommendation = (*answer).recommendation;
    (*decision).next = next;
    (*decision).rule = (*answer).choice.rule;
    (*decision).hold = (*answer).choice.hold;
    return decision;
}

/// The reference, with the topology that it remembers.
[[nodiscard]] constexpr Result<Decision> decide(const LaunchPolicyParameters& parameters,
                                                const LaunchRequest& request, const PolicyState& state) {
    const auto answer = recommend(parameters, request, state.previous_topology());
    PolicyState next;
    if (answer) {
        next.remember((*answer).recommendation.topology);
    }
    return decision_of(answer, next);
}

/// One topology whatever the readings say, but Empty for an empty queue.
[[nodiscard]] constexpr Result<Decision> decide_fixed(const LaunchPolicyParameters& parameters,
                                                      const LaunchRequest& request, DispatchTopology topology) {
    const auto signals = infer_missing_signals(parameters, request);
    TopologyChoice choice{topology, TopologyRule::Forced, TopologyHold::None};
    if (request.queue_len == 0) {
        choice = {DispatchTopology::Empty, TopologyRule::QueueEmpty, TopologyHold::None};
    }
    return decision_of(complete(parameters, request, signals, choice), {});
}

}  // namespace reference

/// What the policy of that name answers.
/// Requires: for Hardened and Arcs, parameters that `hardened::check_parameters` accepts.
[[nodiscard]] constexpr Result<Decision> recommend_compiled(CompiledPolicy policy,
                                                            const LaunchPolicyParameters& parameters,
                                                            const Observation& observation,
                                                            const PolicyState& state) {
    const LaunchRequest& request = observation.request;
    switch (policy) {
    case CompiledPolicy::Reference:
        return reference::decide(parameters, request, state);
    case CompiledPolicy::Stateless:
        return reference::decision_of(reference::recommend(parameters, request), {});
    case CompiledPolicy::Hardened:
        return hardened::recommend(parameters, request, state);
    case CompiledPolicy::FixedSparse:
        return reference::decide_fixed(parameters, request, DispatchTopology::SparseFrontier);
    case CompiledPolicy::FixedHybrid:
        return reference::decide_fixed(parameters, request, DispatchTopology::HybridFrontier);
    case CompiledPolicy::FixedDense:
        return reference::decide_fixed(parameters, request, DispatchTopology::DenseFrontier);
    case CompiledPolicy::FixedFused:
        return reference::decide_fixed(parameters, request, DispatchTopology::FusedDense);
    case CompiledPolicy::FixedMemory:
        return reference::decide_fixed(parameters, request, DispatchTopology::MemoryConstrained);
    case CompiledPolicy::Gap:
        return field::recommend<field::Gap>(parameters, observation, state);
    case CompiledPolicy::Cugraph:
        return field::recommend<field::Cugraph>(parameters, observation, state);
    case CompiledPolicy::Gunrock:
        return field::recommend<field::Gunrock>(parameters, observation, state);
    case CompiledPolicy::Gswitch:
        return field::recommend<field::Gswitch>(parameters, observation, state);
    case CompiledPolicy::VyreDriver:
        return field::recommend<field::VyreDriver>(parameters, observation, state);
    case CompiledPolicy::Arcs:
        return arcs::recommend(parameters, observation, state);
    }
    return fail(ErrorCode::NotSupported, ErrorField::Topology, static_cast<std::uint64_t>(policy), 0);
}

}  // namespace megabed
