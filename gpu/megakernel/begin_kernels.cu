#include "gpu/megakernel/kernel_entries.h"
#include "gpu/megakernel/solo_levels.cuh"

namespace megabed::gpu {
namespace {

/// Labels, residuals and the queue of all vertices, for the traversals that begin everywhere.
__global__ void begin_everywhere(RunArguments run, std::uint64_t residual) {
    const std::uint32_t stride = gridDim.x * blockDim.x;
    for (Vertex vertex = blockIdx.x * blockDim.x + threadIdx.x; vertex < run.graph.vertices; vertex += stride) {
        run.arrays.queue[0][vertex] = {vertex, run.graph.row[vertex]};
        if (run.arrays.residual != nullptr) {
            run.arrays.residual[vertex] = residual;
        } else {
            run.arrays.value[vertex] = run.graph.original == nullptr ? vertex : run.graph.original[vertex];
        }
    }
}

/// The root alone. One thread.
__global__ void begin_at(RunArguments run, Vertex root) {
    run.arrays.queue[0][0] = {root, 0};
    run.arrays.value[root] = 0;
    const std::uint32_t bit = 1U << root % 32;
    if (run.arrays.held != nullptr) {
        run.arrays.held[root / 32] = bit;
    } else {
        run.arrays.visited[0][root / 32] = bit;
    }
}

}  // namespace

std::uint32_t solo_shared_bytes(std::uint32_t vertices, std::uint32_t words) {
    return SoloArrays::bytes(vertices, words);
}
std::uint32_t solo_vertices_most() { return kSoloVerticesMost; }

void launch_begin_at(const RunArguments& run, Vertex root, CUstream_st* stream) {
    begin_at<<<1, 1, 0, stream>>>(run, root);
}

void launch_begin_everywhere(const RunArguments& run, std::uint64_t residual, CUstream_st* stream) {
    constexpr unsigned kBlocks = 256;
    constexpr unsigned kLanes = 256;
    begin_everywhere<<<kBlocks, kLanes, 0, stream>>>(run, residual);
}

}  // namespace megabed::gpu
