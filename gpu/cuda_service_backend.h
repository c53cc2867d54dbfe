#pragma once

#include "gpu/cuda_backend.h"

#include <memory>

namespace megabed {

/// A service on the card, decided where `cuda_decision_place` says. Its memory and that of its co-tenants come
/// from one pool, which is capped at the scenario's budget.
/// Requires: the workload is a service, and `scenario` outlives the backend. Errors: as make_cuda_service.
[[nodiscard]] Loaded<std::unique_ptr<CudaBackend>> make_cuda_service_backend(const Scenario& scenario);

}  // namespace megabed
