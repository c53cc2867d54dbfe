#pragma once

#include "policy/compiled_policy.h"

#include <cstddef>
#include <utility>

namespace megabed::gpu {

/// Calls body.operator()<kPolicy>(), which returns whether it has decided, for a policy that is known only when
/// the kernel runs. False where there is no such policy. One branch for each, so that a body may be a function
/// of its own for every policy, with its own registers.
template <class Body, std::size_t... kAt>
[[nodiscard]] __device__ bool with_policy(CompiledPolicy policy, Body body,
                                          std::index_sequence<kAt...> /*all*/) {
    bool decided = false;
    (void)((policy == static_cast<CompiledPolicy>(kAt) &&
            (decided = body.template operator()<static_cast<CompiledPolicy>(kAt)>(), true)) ||
           ...);
    return decided;
}
template <class Body>
[[nodiscard]] __device__ bool with_policy(CompiledPolicy policy, Body body) {
    return with_policy(policy, body, std::make_index_sequence<kCompiledPolicies>());
}

}  // namespace megabed::gpu
