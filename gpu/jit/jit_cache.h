#pragma once

#include "gpu/jit/nvrtc.h"
#include "policy/units.h"
#include "sim/input_error.h"

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace megabed {

/// What a kernel is cached by: a hash of everything that its code depends on.
/// Source: XXH3-128 of the xxHash library, seed 0.
struct JitKey {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    constexpr auto operator<=>(const JitKey&) const = default;
};

/// 32 lower-case hexadecimal digits.
[[nodiscard]] std::string hex(const JitKey& key);

/// Hashes the compiler's version and options, the architecture, source, entry, defines, options, and every byte
/// of `headers`. What a program is called is left out.
[[nodiscard]] JitKey jit_key(const JitCompiler& compiler, const JitRequest& request,
                             JitArchitecture architecture, std::span<const JitHeader> headers);

/// An image and what it cost.
struct CachedImage {
    JitImage image{};
    SimTime compile_time{};  ///< of the compiler, when it was compiled
};

/// Compiled kernels in a folder, a file each, named by the key. Files are written under a temporary name and
/// renamed, so that any number of processes may share a folder. A file that is not whole, that is another key's
/// or whose checksum is wrong counts as a miss and is removed. The checksum guards against accidents, not
/// attacks: the folder is its user's own.
class JitCacheFolder {
public:
    /// `limit` is of all files together; what was used longest ago goes first.
    explicit JitCacheFolder(std::filesystem::path folder, Bytes limit = Bytes(std::uint64_t{256} << 20))
        : folder_(std::move(folder)), limit_(limit) {}

    [[nodiscard]] std::optional<CachedImage> find(const JitKey& key) const;
    /// Errors: the folder cannot be made or does not take a file.
    [[nodiscard]] Loaded<void> store(const JitKey& key, const CachedImage& entry) const;

    [[nodiscard]] std::filesystem::path path_of(const JitKey& key) const;

private:
    void trim() const;

    std::filesystem::path folder_;
    Bytes limit_;
};

/// The content of a file; exposed for tests. Nothing is decoded from bytes that are not a whole entry of this
/// key.
[[nodiscard]] std::string encode_entry(const JitKey& key, const CachedImage& entry);
[[nodiscard]] std::optional<CachedImage> decode_entry(const JitKey& key, std::string_view bytes);

}  // namespace megabed
