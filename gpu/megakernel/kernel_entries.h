#pragma once

#include "gpu/megakernel/run_layout.h"

#include <cstdint>

struct CUstream_st;

/// The resident kernels, one a kind of traversal, each compiled on its own. All take one RunArguments.
namespace megabed::gpu {

/// Bytes of dynamic shared memory that a search takes which keeps frontiers of so many vertices, and a bitmap
/// of so many words, in one block.
[[nodiscard]] std::uint32_t solo_shared_bytes(std::uint32_t vertices, std::uint32_t words);
/// The greatest frontier worth keeping there: what one block has lanes for.
[[nodiscard]] std::uint32_t solo_vertices_most();

[[nodiscard]] const void* breadth_first_search_kernel();
[[nodiscard]] const void* shortest_paths_kernel();
[[nodiscard]] const void* connected_components_kernel();
[[nodiscard]] const void* page_rank_kernel();

/// What puts the arrays to the beginning, after they were cleared.
void launch_begin_at(const RunArguments& run, Vertex root, CUstream_st* stream);
void launch_begin_everywhere(const RunArguments& run, std::uint64_t residual, CUstream_st* stream);

}  // namespace megabed::gpu
