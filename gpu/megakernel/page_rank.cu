#include "gpu/megakernel/kernel_entries.h"
#include "gpu/megakernel/megakernel.cuh"

namespace megabed::gpu {

template __global__ void megakernel<TraversalKind::PageRank, NamedPolicy>(const __grid_constant__ RunArguments);

const void* page_rank_kernel() {
    return reinterpret_cast<const void*>(&megakernel<TraversalKind::PageRank, NamedPolicy>);
}

}  // namespace megabed::gpu
