#pragma once

#include "gpu/jit/kernel_compiler.h"
#include "gpu/megakernel/run_layout.h"
#include "gpu/memory/device_pool.h"
#include "sim/graphs/graph.h"
#include "sim/input_error.h"
#include "sim/scenario.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace megabed::gpu {

/// When a kernel that was compiled for the run takes the place of the general one. It goes on with every launch
/// from then on, whatever its route. Device decisions only.
enum class CompiledRoute : std::uint8_t {
    Never,
    AsRecommended,  ///< from the first launch that is to take it
    Always,         ///< from the beginning
};

/// A kernel that was compiled for the run.
struct CompiledRun {
    JitOrigin origin{};
    SimTime elapsed{};  ///< to get its code, and to load it
};

struct TraversalKernelOptions {
    bool host_decides = false;
    CompiledPolicy policy{};  ///< where the device decides
    CompiledRoute compiled = CompiledRoute::Never;
    std::uint32_t notes_max = 1 << 12;  ///< launches that a kernel notes before the host has to empty them
    SimTime deadline{2'000'000'000};    ///< for a wait between blocks; beyond it the run ends
    std::uint32_t stuck_block = 0xFFFF'FFFF;  ///< tests: a block that does not come to the end of `stuck_wave`
    std::uint32_t stuck_wave = 0;
    bool arcs_nowhere = false;  ///< tests: the arcs of the graph lie at no address, so that the kernel faults
};

/// A traversal by the resident kernel: what the CUDA backend and the benchmarks drive.
class TraversalKernel {
public:
    /// Requires: the scenario's workload is a traversal; both arguments outlive the kernel; the policy is
    /// one whose parameters are valid. Errors: Unavailable, where there is no card, it has too little memory,
    /// or the kernel cannot run on it.
    [[nodiscard]] static Loaded<std::unique_ptr<TraversalKernel>> make(
        const Scenario& scenario, const CsrGraph& graph, const TraversalKernelOptions& options = {});
    TraversalKernel() = default;
    TraversalKernel(const TraversalKernel&) = delete;
    TraversalKernel& operator=(const TraversalKernel&) = delete;
    virtual ~TraversalKernel() = default;

    /// Puts everything to the beginning, with another root if one is given. Errors: what CUDA says.
    [[nodiscard]] virtual Loaded<void> begin(std::optional<Vertex> root) = 0;

    /// Lets a kernel run until it stops; WantsCompiled: after these notes the compiled kernel goes on. Device
    /// decisions only. Errors: what CUDA says; a failed wait, with the block that found it.
    [[nodiscard]] virtual Loaded<StopReason> run() = 0;
    /// What the last kernel did.
    [[nodiscard]] virtual const std::vector<LaunchNote>& notes() const = 0;
    /// Time of the last kernel between two events around it.
    [[nodiscard]] virtual double kernel_seconds() const = 0;

    /// Absent: the general kernel ran all launches so far.
    [[nodiscard]] virtual std::optional<CompiledRun> compiled() const = 0;
    /// Why no kernel could be compiled though one was wanted; the general one goes on then.
    [[nodiscard]] virtual std::optional<std::string> not_compiled() const = 0;

    /// Starts the kernel if it is not running, and returns when it asks for a decision or has stopped. Host
    /// decisions only. Errors: as `run`.
    [[nodiscard]] virtual Loaded<StopReason> await_question() = 0;
    /// Answers it, and waits until the launch is over. Errors: as `run`.
    [[nodiscard]] virtual Loaded<LaunchNote> answer(const LaunchRecommendation& recommendation) = 0;

    /// Where the traversal stands between launches.
    [[nodiscard]] virtual const FrontierReadings& frontier() const = 0;
    /// What a policy is told of the memory that the work takes, as the simulator counts it.
    [[nodiscard]] virtual std::uint64_t own_bytes() const = 0;
    /// With co-tenants, as the last kernel's last decision read it. Device decisions only.
    [[nodiscard]] virtual std::uint64_t resident_bytes() const = 0;
    /// Where the work's buffers come from.
    [[nodiscard]] virtual DevicePool& pool() = 0;
    /// Bytes of co-tenants, to be seen by the next decisions.
    virtual void set_co_tenant_bytes(std::uint64_t bytes) = 0;

    /// Values of all vertices in the graph's order: levels, distances or labels; empty for PageRank.
    [[nodiscard]] virtual Loaded<std::vector<std::uint32_t>> values() = 0;
    [[nodiscard]] virtual Loaded<std::vector<std::uint64_t>> ranks() = 0;
    /// Blocks that are resident at once.
    [[nodiscard]] virtual std::uint32_t resident_blocks() const = 0;
};

}  // namespace megabed::gpu
