#pragma once

#include "gpu/jit/jit_request.h"
#include "gpu/megakernel/run_layout.h"

namespace megabed::gpu {

/// The resident kernel of one run, for the compiler at run time: its policy is the only one in it, and policy
/// parameters, limits and the graph's constants are constants of the code. The kernel refuses
/// (StopReason::Foreign) a run of other inputs. Requires: the device decides.
[[nodiscard]] JitRequest compiled_traversal(const RunArguments& run);

}  // namespace megabed::gpu
