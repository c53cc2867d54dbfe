#pragma once

#include "gpu/prescribed/prescribed_layout.h"

struct CUstream_st;

namespace megabed::gpu {

/// The resident kernel of prescribed waves, blocks of kBlockLanes lanes. It takes one PrescribedArguments.
[[nodiscard]] const void* prescribed_kernel();
/// Writes the graph that the arguments describe into their arrays.
void launch_write_graph(const PrescribedArguments& run, CUstream_st* stream);

}  // namespace megabed::gpu
