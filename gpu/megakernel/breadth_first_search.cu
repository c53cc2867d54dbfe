#include "gpu/megakernel/kernel_entries.h"
#include "gpu/megakernel/megakernel.cuh"

namespace megabed::gpu {

template __global__ void megakernel<TraversalKind::BreadthFirst, NamedPolicy>(
    const __grid_constant__ RunArguments);

const void* breadth_first_search_kernel() {
    return reinterpret_cast<const void*>(&megakernel<TraversalKind::BreadthFirst, NamedPolicy>);
}

}  // namespace megabed::gpu
