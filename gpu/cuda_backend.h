#pragma once

#include "gpu/injected_fault.h"
#include "sim/backend.h"
#include "sim/graphs/graph.h"
#include "sim/input_error.h"
#include "sim/scenario.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace megabed {

struct CudaOptions {
    SimTime deadline{2'000'000'000};  ///< for a wait between blocks; beyond it the run ends
    /// Launches of the compiled route run in a kernel that is compiled for the scenario, at the first of them,
    /// and kept in the user's cache. Traversals that are decided on the device.
    bool compiles = false;
    InjectedFault fault{};  ///< tests: in the first wave; of a traversal always a bad address
};

/// A backend on the card: the work is done, and there is a result to look at.
class CudaBackend : public Backend {
public:
    /// When the work is done: of a traversal the digest of the values of all vertices, as `oracle_digest`; of
    /// prescribed work what its waves came to, as `prescribed_oracle`. Absent for services, or where the card
    /// failed.
    [[nodiscard]] virtual std::optional<std::uint64_t> result_digest() const = 0;
    /// Where the kernel of the compiled route came from, or why there is none. Absent: none was wanted.
    [[nodiscard]] virtual std::optional<std::string> compiled_route() const { return std::nullopt; }
};

/// Where the policy of a scenario is decided on the card: where the scenario wants it, if the policy is one
/// that compiles for the device, and nothing comes between telemetry and policy.
[[nodiscard]] DecisionPlace cuda_decision_place(const Scenario& scenario);

/// The CUDA megakernel. Where the device decides, a kernel runs many launches on its own; the backend then
/// hands them out one by one, as if they happened now, and holds each decision that it is given against the
/// device's. Requires: `scenario` and `graph` outlive the backend; `graph` is not null where the workload
/// traverses one. Errors: Unavailable, where this build or this machine has no CUDA, the card cannot hold the
/// work, or a fault has lost this process's CUDA context.
[[nodiscard]] Loaded<std::unique_ptr<CudaBackend>> make_cuda_backend(const Scenario& scenario,
                                                                     const CsrGraph* graph,
                                                                     const CudaOptions& options = {});

}  // namespace megabed
