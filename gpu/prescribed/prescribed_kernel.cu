#include "gpu/prescribed/prescribed_entries.h"
#include "gpu/prescribed/prescribed_kernel.cuh"

namespace megabed::gpu {
namespace {

__global__ void __launch_bounds__(kBlockLanes, 1)
    prescribed_megakernel(const __grid_constant__ PrescribedArguments run) {
    __shared__ PrescribedShared shared;
    PrescribedMegakernel(run, shared).run();
}

__global__ void write_graph(const __grid_constant__ PrescribedArguments run) {
    const std::uint64_t lanes = std::uint64_t{gridDim.x} * blockDim.x;
    const std::uint64_t lane = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
    const std::uint64_t arcs = std::uint64_t{run.graph.vertices} * run.graph.degree;
    for (std::uint64_t arc = lane; arc < arcs; arc += lanes) {
        run.arrays.column[arc] = run.graph.neighbour(static_cast<Vertex>(arc / run.graph.degree),
                                                     static_cast<std::uint32_t>(arc % run.graph.degree));
    }
    for (std::uint64_t vertex = lane; vertex < run.graph.vertices; vertex += lanes) {
        run.arrays.weight[vertex] = run.graph.weight(static_cast<Vertex>(vertex));
    }
}

}  // namespace

const void* prescribed_kernel() { return reinterpret_cast<const void*>(&prescribed_megakernel); }

void launch_write_graph(const PrescribedArguments& run, CUstream_st* stream) {
    constexpr unsigned kBlocks = 256;
    constexpr unsigned kLanes = 256;
    write_graph<<<kBlocks, kLanes, 0, stream>>>(run);
}

}  // namespace megabed::gpu
