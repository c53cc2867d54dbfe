#include "gpu/megakernel/kernel_entries.h"
#include "gpu/megakernel/megakernel.cuh"

namespace megabed::gpu {

template __global__ void megakernel<TraversalKind::ShortestPaths, NamedPolicy>(
    const __grid_constant__ RunArguments);

const void* shortest_paths_kernel() {
    return reinterpret_cast<const void*>(&megakernel<TraversalKind::ShortestPaths, NamedPolicy>);
}

}  // namespace megabed::gpu
