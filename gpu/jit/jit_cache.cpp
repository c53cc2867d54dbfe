#include "gpu/jit/jit_cache.h"

#include "sim/engine/digest.h"
#include "sim/file_output.h"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <system_error>
#include <type_traits>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace megabed {
namespace {

namespace fs = std::filesystem;

/// The layout of an entry: this header, symbol, code, log. `checksum` is XXH3 of all that follows it.
struct Header {
    std::uint64_t magic = 0;
    std::uint64_t checksum = 0;
    JitKey key{};
    std::int64_t compile_ns = 0;
    std::uint64_t symbol_bytes = 0;
    std::uint64_t code_bytes = 0;
    std::uint64_t log_bytes = 0;
};
static_assert(sizeof(Header) == 64 && std::is_trivially_copyable_v<Header>);

/// "mbjit" and the layout version in the last byte.
constexpr std::uint64_t kMagic = 0x6D62'6A69'7400'0001;
constexpr std::size_t kChecksumEnd = 16;
constexpr std::string_view kExtension = ".kernel";

std::uint64_t checksum_of(std::string_view entry) {
    return digest_of(std::as_bytes(std::span(entry.substr(kChecksumEnd))));
}

/// A text goes in with its length in front, so that no two lists of texts are the same bytes.
class KeyHash {
public:
    KeyHash() { XXH3_128bits_reset(&state_); }
    void add(std::uint64_t word) { XXH3_128bits_update(&state_, &word, sizeof word); }
    void add(std::string_view text) {
        add(std::uint64_t{text.size()});
        XXH3_128bits_update(&state_, text.data(), text.size());
    }
    void add(const std::vector<std::string>& texts) {
        add(std::uint64_t{texts.size()});
        for (const std::string& text : texts) {
            add(std::string_view(text));
        }
    }
    [[nodiscard]] JitKey value() const {
        const XXH128_hash_t hash = XXH3_128bits_digest(&state_);
        return {hash.high64, hash.low64};
    }

private:
    XXH3_state_t state_{};
};

struct File {
    fs::path path;
    std::uintmax_t size = 0;
    fs::file_time_type used{};
};

/// Temporary files are called like their entry with six letters behind.
bool is_temporary(const fs::path& file) {
    return file.stem().extension() == kExtension && file.extension().string().size() == 7;
}

}  // namespace

std::string hex(const JitKey& key) { return hex(key.high) + hex(key.low); }

JitKey jit_key(const JitCompiler& compiler, const JitRequest& request, JitArchitecture architecture,
               std::span<const JitHeader> headers) {
    KeyHash hash;
    hash.add(kMagic);
    hash.add(compiler.version());
    hash.add(compiler.options());
    hash.add(architecture.name());
    hash.add(request.source);
    hash.add(request.entry);
    hash.add(request.options);
    hash.add(std::uint64_t{request.defines.size()});
    for (const auto& [name, value] : request.defines) {
        hash.add(name);
        hash.add(value);
    }
    hash.add(std::uint64_t{headers.size()});
    for (const JitHeader& header : headers) {
        hash.add(header.name);
        hash.add(header.content);
    }
    return hash.value();
}

std::string encode_entry(const JitKey& key, const CachedImage& entry) {
    const JitImage& image = entry.image;
    const Header header{
        kMagic, 0, key, entry.compile_time.value(), image.symbol.size(), image.code.size(), image.log.size()};
    std::string bytes(sizeof header, '\0');
    std::memcpy(bytes.data(), &header, sizeof header);
    bytes += image.symbol;
    bytes += image.code;
    bytes += image.log;
    const std::uint64_t checksum = checksum_of(bytes);
    std::memcpy(bytes.data() + sizeof header.magic, &checksum, sizeof checksum);
    return bytes;
}

std::optional<CachedImage> decode_entry(const JitKey& key, std::string_view bytes) {
    Header header;
    if (bytes.size() < sizeof header) {
        return std::nullopt;
    }
    std::memcpy(&header, bytes.data(), sizeof header);
    const std::uint64_t room = bytes.size() - sizeof header;
    const bool whole = header.magic == kMagic && header.key == key && header.symbol_bytes <= room &&
                       header.code_bytes <= room && header.log_bytes <= room &&
                       header.symbol_bytes + header.code_bytes + header.log_bytes == room;
    if (!whole || checksum_of(bytes) != header.checksum) {
        return std::nullopt;
    }
    bytes.remove_prefix(sizeof header);
    CachedImage entry;
    entry.compile_time = SimTime(header.compile_ns);
    entry.image.symbol = bytes.substr(0, header.symbol_bytes);
    entry.image.code = bytes.substr(header.symbol_bytes, header.code_bytes);
    entry.image.log = bytes.substr(header.symbol_bytes + header.code_bytes);
    return entry;
}

fs::path JitCacheFolder::path_of(const JitKey& key) const {
    return folder_ / (hex(key) + std::string(kExtension));
}

std::optional<CachedImage> JitCacheFolder::find(const JitKey& key) const {
    const fs::path path = path_of(key);
    std::error_code code;
    // Opening a pipe would wait for its other end.
    if (!fs::is_regular_file(path, code)) {
        return std::nullopt;
    }
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const std::streamoff size = file ? std::streamoff{file.tellg()} : -1;
    if (size < 0) {
        return std::nullopt;
    }
    std::optional<CachedImage> entry;
    if (static_cast<std::uint64_t>(size) <= limit_.value()) {
        std::string bytes(static_cast<std::size_t>(size), '\0');
        file.seekg(0);
        file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        entry = file ? decode_entry(key, bytes) : std::nullopt;
    }
    if (entry) {
        fs::last_write_time(path, fs::file_time_type::clock::now(), code);  // used now
    } else {
        fs::remove(path, code);
    }
    return entry;
}

Loaded<void> JitCacheFolder::store(const JitKey& key, const CachedImage& entry) const {
    std::error_code code;
    fs::create_directories(folder_, code);
    if (code) {
        return Refusal(InputError{.where = folder_.string(),
                                  .line = {},
                                  .key = {},
                                  .problem = fmt::format("cannot be made: {}", code.message()),
                                  .allowed = {}});
    }
    auto written = write_file(path_of(key), encode_entry(key, entry));
    if (written) {
        trim();
    }
    return written;
}

/// Other processes may do the same at the same time: whatever fails here has been done by them.
void JitCacheFolder::trim() const {
    constexpr std::chrono::hours kAbandoned{1};
    std::vector<File> files;
    std::uintmax_t total = 0;
    std::error_code code;
    for (fs::directory_iterator entry(folder_, code), end; !code && entry != end; entry.increment(code)) {
        std::error_code gone;
        const std::uintmax_t size = entry->file_size(gone);
        const auto used = gone ? fs::file_time_type{} : entry->last_write_time(gone);
        if (gone) {
            continue;
        }
        if (entry->path().extension() == kExtension) {
            files.push_back({entry->path(), size, used});
            total += size;
        } else if (is_temporary(entry->path()) && fs::file_time_type::clock::now() - used > kAbandoned) {
            fs::remove(entry->path(), gone);
        }
    }
    std::sort(files.begin(), files.end(),
              [](const File& left, const File& right) { return left.used < right.used; });
    for (const File& file : files) {
        if (total <= limit_.value()) {
            return;
        }
        fs::remove(file.path, code);
        total -= file.size;
    }
}

}  // namespace megabed
