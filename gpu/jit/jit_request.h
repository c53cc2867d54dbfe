#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace megabed {

/// A file that a program includes, by the name that stands in its `#include`.
struct JitHeader {
    std::string_view name;
    std::string_view content;
};

/// What to compile for: the code of one architecture (a cubin), or PTX that the driver compiles for any card of
/// that capability or a later one.
struct JitArchitecture {
    std::uint32_t capability = 90;  ///< 10 x major + minor
    bool ptx = false;

    constexpr bool operator==(const JitArchitecture&) const = default;

    /// "sm_90" or "compute_90".
    [[nodiscard]] std::string name() const;
};

/// One kernel to be compiled at run time. Two requests that are equal in everything but `program` are one
/// kernel.
///
///     JitRequest request{.program = "bfs-push", .source = "#include \"gpu/kernels/wave.cuh\"\n"};
///     request.define("MEGABED_KIND", 2).define("MEGABED_PULL", "false");
///     request.entry = "megabed::wave<MEGABED_KIND>";
struct JitRequest {
    std::string program = "kernel";  ///< what it is called in messages and in the compiler's log
    std::string source;              ///< CUDA C++20; sees the embedded headers and `headers`
    std::vector<std::pair<std::string, std::string>> defines{};  ///< in this order
    /// The kernel: the name of an extern "C" function, or any expression that names a __global__ function, an
    /// instance of a template say. It may use what `defines` define.
    std::string entry;
    std::vector<JitHeader> headers{};    ///< beside the embedded ones, before them where a name is the same
    std::vector<std::string> options{};  ///< of NVRTC, beside those that every kernel of this project has

    JitRequest& define(std::string name, std::string value) {
        defines.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    template <std::integral Integer>
    JitRequest& define(std::string name, Integer value) {
        return define(std::move(name), std::to_string(value));
    }
};

}  // namespace megabed
