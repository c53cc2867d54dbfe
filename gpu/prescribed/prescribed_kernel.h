#pragma once

#include "gpu/memory/device_pool.h"
#include "gpu/prescribed/prescribed_layout.h"
#include "sim/input_error.h"
#include "sim/scenario.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace megabed::gpu {

struct PrescribedKernelOptions {
    bool host_decides = false;
    CompiledPolicy policy{};            ///< where the device decides
    std::uint32_t notes_max = 1 << 12;  ///< launches that a kernel notes before the host has to empty them
    std::uint32_t table_max = 1 << 12;  ///< waves that it is given at a time, at least; requires: not 0
    SimTime deadline{2'000'000'000};    ///< for a wait between blocks; beyond it the run ends
    std::uint32_t stuck_block = 0xFFFF'FFFF;  ///< tests: a block that does not come to the end of `stuck_wave`
    std::uint32_t stuck_wave = 0;
    InjectedFault fault{};  ///< tests: at the begin of `fault_wave`
    std::uint64_t fault_wave = 0;
};

/// Prescribed waves by a resident kernel: what the CUDA backend drives.
class PrescribedKernel {
public:
    /// Requires: the scenario's work is prescribed; it outlives the kernel; the policy is one whose parameters
    /// are valid. Errors: Unavailable, where there is no card, it has too little memory, or the kernel cannot
    /// run on it.
    [[nodiscard]] static Loaded<std::unique_ptr<PrescribedKernel>> make(
        const Scenario& scenario, const PrescribedKernelOptions& options = {});
    PrescribedKernel() = default;
    PrescribedKernel(const PrescribedKernel&) = delete;
    PrescribedKernel& operator=(const PrescribedKernel&) = delete;
    virtual ~PrescribedKernel() = default;

    /// Lets a kernel run until it stops. Device decisions only. Errors, here and below: what CUDA says; a
    /// failed wait, with the block that found it.
    [[nodiscard]] virtual Loaded<StopReason> run() = 0;
    /// What the last kernel did.
    [[nodiscard]] virtual const std::vector<PrescribedNote>& notes() const = 0;

    /// Starts the kernel if it is not running, and returns when it asks for a decision or all waves are done.
    /// Host decisions only.
    [[nodiscard]] virtual Loaded<StopReason> await_question() = 0;
    /// Answers it, and waits until the launch is over.
    [[nodiscard]] virtual Loaded<PrescribedNote> answer(const LaunchRecommendation& recommendation) = 0;

    /// Leaves the next wave out: a request that was refused.
    [[nodiscard]] virtual Loaded<void> skip() = 0;

    /// `with_wave` of all waves, when the kernel has stopped.
    [[nodiscard]] virtual std::uint64_t result() const = 0;
    /// What a policy is told of the memory that the work takes, as the simulator counts it.
    [[nodiscard]] virtual std::uint64_t own_bytes() const = 0;
    /// With co-tenants, as the last kernel's last decision read it. Device decisions only.
    [[nodiscard]] virtual std::uint64_t resident_bytes() const = 0;
    /// Where the work's buffers come from.
    [[nodiscard]] virtual DevicePool& pool() = 0;
    /// Bytes of co-tenants, to be seen by the next decisions.
    virtual void set_co_tenant_bytes(std::uint64_t bytes) = 0;
};

}  // namespace megabed::gpu
