#pragma once

#include "gpu/jit/jit_request.h"
#include "sim/input_error.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace megabed {

/// What a compiler made of a program.
struct JitImage {
    std::string symbol;  ///< the entry's name in `code`
    std::string code;    ///< a cubin, or PTX without its final zero
    std::string log;     ///< warnings; may be empty
};

/// A compiler of CUDA C++ at run time. Calls may come from several threads at once.
class JitCompiler {
public:
    JitCompiler() = default;
    JitCompiler(const JitCompiler&) = delete;
    JitCompiler& operator=(const JitCompiler&) = delete;
    virtual ~JitCompiler() = default;

    /// Names the compiler so that two which may give different code have different names.
    [[nodiscard]] virtual std::string version() const = 0;
    /// Options that every kernel is compiled with.
    [[nodiscard]] virtual std::vector<std::string> options() const = 0;
    /// The best for a card of this capability (10 x major + minor): its own code, or PTX where the compiler is
    /// older than the card. Errors: Unavailable, where the card is too old.
    [[nodiscard]] virtual Loaded<JitArchitecture> architecture_for(std::uint32_t capability) const = 0;
    /// Errors: Invalid, with the compiler's log and the first line that it names.
    [[nodiscard]] virtual Loaded<JitImage> compile(const JitRequest& request, JitArchitecture architecture,
                                                   std::span<const JitHeader> headers) const = 0;
};

/// NVRTC, loaded now: a program that never asks for it starts without it. `library` is a file to load; by
/// default `MEGABED_NVRTC`, else libnvrtc where the system looks for libraries, where this was built, and where
/// CUDA_HOME, CUDA_PATH and the usual installations are. Errors: Unavailable, with where it was looked for.
[[nodiscard]] Loaded<std::shared_ptr<const JitCompiler>> load_nvrtc(const std::string& library = {});

}  // namespace megabed
