#pragma once

#include "policy/error.h"
#include "policy/policy.h"
#include "sim/engine/digest.h"

namespace megabed {

/// Adds what was decided and why; the state that is carried shows in the next decision.
void add_decision(Digest& digest, const Decision& decision);
/// Adds which refusal it was.
void add_refusal(Digest& digest, const Error& error);

}  // namespace megabed
