#include "gpu/megakernel/kernel_entries.h"
#include "gpu/megakernel/megakernel.cuh"

namespace megabed::gpu {

template __global__ void megakernel<TraversalKind::Components, NamedPolicy>(
    const __grid_constant__ RunArguments);

const void* connected_components_kernel() {
    return reinterpret_cast<const void*>(&megakernel<TraversalKind::Components, NamedPolicy>);
}

}  // namespace megabed::gpu
