#pragma once

#include "gpu/service/service_layout.h"
#include "policy/launch_recommendation.h"
#include "policy/policy.h"
#include "sim/engine/digest.h"
#include "sim/input_error.h"
#include "sim/launch_record.h"
#include "sim/scenario.h"
#include "sim/service_totals.h"
#include "sim/threads/thread_backend.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace megabed {

class DevicePool;

struct CudaServiceOptions {
    SimTime deadline{10'000'000'000};  ///< for one item, and for any progress; beyond it the run ends
    DecisionPlace decide = DecisionPlace::Host;
    /// Tests: what the code behind each opcode does, by its place in `Publishers::opcodes`. Empty: all spin.
    std::vector<ServiceHandler> handlers{};
};

/// A service on the device, in the shape of `ThreadWork`: the same tenants, on a host thread, publish in
/// measured time; a resident kernel serves them. The ring lies in device memory, where all its steps are
/// atomic; items cross in an inbox of mapped memory, in which every word has one writer. The ring is full for
/// publishers while the host has not been told of a free slot, some microseconds after it is one.
///
/// The host decides every launch, or the device does, with the policy of the scenario's name compiled there: it
/// goes from launch to launch by itself, and they are handed out here one by one, as if they happened now.
///
/// While the kernel runs, nothing else may wait for the whole device (cudaFree, cudaMalloc, loading a module):
/// it would wait for ever. `park` before, and the next launch starts it again.
class CudaService {
public:
    CudaService() = default;
    CudaService(const CudaService&) = delete;
    CudaService& operator=(const CudaService&) = delete;
    virtual ~CudaService() = default;

    [[nodiscard]] virtual bool done() const = 0;
    /// Fills the fields of the request that speak of the work.
    virtual void observe(Observation& observation) = 0;
    /// Device bytes of the work, as the simulator counts them, and of others: when `observe` was called last.
    [[nodiscard]] virtual Bytes resident() const = 0;
    /// What others hold on the device. One thread at a time.
    virtual void set_co_tenant_bytes(Bytes bytes) = 0;
    /// Carries out a launch, or as much of it as happens before something fails. Another workgroup_size_x than
    /// before costs a relaunch. Where the device decides: hands out the launch that it has carried out, and
    /// fails if it decided otherwise.
    virtual LaunchOutcome launch(const LaunchRecommendation& recommendation) = 0;
    [[nodiscard]] virtual std::uint64_t levels() const = 0;
    [[nodiscard]] virtual const ServiceTotals* service_totals() const = 0;
    /// Adds what does not depend on time: what came, and that everything is accounted for.
    virtual void add_results(Digest& digest) const = 0;
    /// Measured, from when the tenants began.
    [[nodiscard]] virtual SimTime now() const = 0;

    /// The slot that ended the run and why, or what broke down.
    [[nodiscard]] virtual std::optional<std::string> failure() const = 0;
    /// After a failure: a worker could only be stopped together with the context. This process cannot use CUDA
    /// any more; everything else works.
    [[nodiscard]] virtual bool context_lost() const = 0;
    /// Ends the kernel until the next launch; items wait meanwhile.
    virtual void park() = 0;
    /// Mean time in which the device decided a launch; absent where it did not.
    [[nodiscard]] virtual std::optional<double> deciding_ns() const = 0;
    [[nodiscard]] virtual RingCounts ring_counts() const = 0;
};

/// Everything on the device comes from `pool`.
/// Requires: the workload is a service, and `scenario` outlives this; where the device is to decide, the policy
/// compiles for it (cuda_decision_place).
/// Errors: Unavailable: no CUDA in this build, no device, not enough device memory.
[[nodiscard]] Loaded<std::unique_ptr<CudaService>> make_cuda_service(const Scenario& scenario, DevicePool& pool,
                                                                     const CudaServiceOptions& options = {});

}  // namespace megabed
