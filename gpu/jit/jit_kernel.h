#pragma once

#include "gpu/jit/kernel_compiler.h"
#include "policy/units.h"
#include "sim/input_error.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace megabed {

/// How a kernel is launched.
struct JitLaunch {
    std::uint32_t blocks = 1;
    std::uint32_t lanes = 1;         ///< of a block
    std::uint32_t shared_bytes = 0;  ///< dynamic shared memory of a block
    bool cooperative = false;        ///< all blocks resident at once, or refused
    void* stream = nullptr;          ///< a cudaStream_t; null is the default stream
};

/// A kernel that is loaded and can be launched. Copies share the loaded code, which stays as long as one of
/// them. Requires: no launch is unfinished when the last one goes.
class JitKernel {
public:
    /// What the runtime's functions that take a kernel's address take too (a cudaKernel_t): launches,
    /// occupancy, attributes.
    [[nodiscard]] const void* function() const { return function_; }
    [[nodiscard]] const CompiledKernel& compiled() const { return compiled_; }
    /// Of loading the code; 0 if it was loaded already.
    [[nodiscard]] SimTime load_time() const { return load_time_; }

    /// Of a lane: registers, and bytes of local memory.
    [[nodiscard]] std::uint32_t registers() const { return registers_; }
    [[nodiscard]] std::uint32_t local_bytes() const { return local_bytes_; }

    /// Blocks that can be resident on the whole device at once; 0: not even one. Above 48 KiB of dynamic shared
    /// memory this also allows the kernel that much. Errors: what the device says.
    [[nodiscard]] Loaded<std::uint32_t> resident_blocks(std::uint32_t lanes, std::uint32_t shared_bytes) const;

    /// Returns when the launch is in the stream. `arguments` are addresses of the kernel's parameters, in
    /// order; they are read before this returns. Errors: what the device says, such as a grid that cannot be
    /// resident.
    [[nodiscard]] Loaded<void> launch(const JitLaunch& launch, std::span<void* const> arguments) const;

    /// Requires: the types are exactly those of the kernel's parameters; nobody can check that.
    template <class... Arguments>
    [[nodiscard]] Loaded<void> launch_with(const JitLaunch& how, Arguments... arguments) const {
        const std::array<void*, sizeof...(Arguments)> addresses{static_cast<void*>(&arguments)...};
        return launch(how, addresses);
    }

private:
    friend class JitKernels;
    struct Library;
    [[nodiscard]] Loaded<void> load();

    CompiledKernel compiled_;
    std::shared_ptr<const Library> loaded_code_;
    const void* function_ = nullptr;
    SimTime load_time_{};
    std::uint32_t registers_ = 0;
    std::uint32_t local_bytes_ = 0;
};

/// Waits for a stream (a cudaStream_t; null is the default stream). Errors: what failed in it.
[[nodiscard]] Loaded<void> finish_stream(void* stream);

/// The kernels of a process: compiled for the current device, loaded, and kept for the next time.
class JitKernels {
public:
    /// Errors: Unavailable, without a device or without NVRTC.
    [[nodiscard]] static Loaded<JitKernels> on_this_device(KernelCompilerSettings settings);
    JitKernels(JitKernels&&) noexcept;
    JitKernels& operator=(JitKernels&&) noexcept;
    ~JitKernels();

    /// Errors: as KernelCompiler::compile; what the device says.
    [[nodiscard]] Loaded<JitKernel> kernel(const JitRequest& request);

    [[nodiscard]] JitArchitecture architecture() const;
    [[nodiscard]] KernelCompiler& compiler();

private:
    struct Parts;
    explicit JitKernels(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace megabed
