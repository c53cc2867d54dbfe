#pragma once

#include "gpu/cuda_backend.h"

namespace megabed {

/// Synthetic frontiers and listed requests on the card. Requires, errors: as make_cuda_backend.
[[nodiscard]] Loaded<std::unique_ptr<CudaBackend>> make_cuda_prescribed_backend(const Scenario& scenario,
                                                                                const CudaOptions& options);

}  // namespace megabed
