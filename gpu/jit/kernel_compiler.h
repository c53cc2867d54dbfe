#pragma once

#include "gpu/jit/jit_cache.h"
#include "gpu/jit/jit_request.h"
#include "gpu/jit/nvrtc.h"
#include "policy/units.h"
#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace megabed {

/// Where a kernel's code came from.
enum class JitOrigin : std::uint8_t {
    Memory,    ///< this process has had it before
    Disk,      ///< an earlier process has
    Compiled,  ///< now
};

/// "memory", "disk" or "compiled", for summaries and records.
[[nodiscard]] std::string_view to_string(JitOrigin origin);

/// A kernel's code, and what it took to get it.
struct CompiledKernel {
    std::shared_ptr<const JitImage> image;
    JitKey key{};
    JitArchitecture architecture{};
    JitOrigin origin{};
    SimTime elapsed{};       ///< of this request, whatever its origin
    SimTime compile_time{};  ///< of the compiler, when it was compiled
};

struct KernelCompilerSettings {
    /// Absent: nothing is kept on disk.
    std::optional<std::filesystem::path> folder{};
    Bytes disk_limit{std::uint64_t{256} << 20};
    Bytes memory_limit{std::uint64_t{64} << 20};
    /// Told once if the folder does not take what was compiled; everything else goes on.
    std::function<void(std::string_view)> notice{};

    /// `MEGABED_CACHE_DIR`/jit, else in the user's cache folder.
    [[nodiscard]] static KernelCompilerSettings of_this_user();
};

/// Compiles kernels, each only once: what was compiled is kept in memory and on disk. Threads that ask for the
/// same kernel at the same time wait for one compilation.
class KernelCompiler {
public:
    /// With NVRTC. Errors: as `load_nvrtc`.
    [[nodiscard]] static Loaded<KernelCompiler> with_nvrtc(KernelCompilerSettings settings);
    KernelCompiler(std::shared_ptr<const JitCompiler> compiler, KernelCompilerSettings settings);
    KernelCompiler(KernelCompiler&&) noexcept;
    KernelCompiler& operator=(KernelCompiler&&) noexcept;
    ~KernelCompiler();

    /// Errors: Invalid, with the compiler's log; Unavailable, if the compiler fails otherwise.
    [[nodiscard]] Loaded<CompiledKernel> compile(const JitRequest& request, JitArchitecture architecture);

    [[nodiscard]] const JitCompiler& compiler() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace megabed
