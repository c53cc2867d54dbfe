#include "sim/graphs/graph_cache.h"

#include "sim/cache_folder.h"
#include "sim/engine/digest.h"
#include "sim/file_output.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <span>
#include <system_error>
#include <vector>

namespace megabed {
namespace {

namespace fs = std::filesystem;

/// The layout of an entry: this header, offsets, targets. `checksum` is XXH3 of all that follows it.
struct Header {
    std::uint64_t magic = 0;
    std::uint64_t checksum = 0;
    SourceStamp stamp{};
    std::uint64_t arcs_in_file = 0;
    std::uint64_t vertices = 0;
    std::uint64_t arcs = 0;
};
static_assert(sizeof(Header) == 56);

/// "mbcsr" and the layout version in the last byte.
constexpr std::uint64_t kMagic = 0x6D62'6373'7200'0001;
constexpr std::size_t kChecksumEnd = 16;

std::uint64_t checksum_of(std::string_view entry) {
    return digest_of(std::as_bytes(std::span(entry.substr(kChecksumEnd))));
}

std::optional<SourceStamp> stamp_of(const fs::path& source) {
    std::error_code code;
    const std::uintmax_t size = fs::file_size(source, code);
    if (code) {
        return std::nullopt;
    }
    const auto modified = fs::last_write_time(source, code);
    if (code) {
        return std::nullopt;
    }
    return SourceStamp{size, modified.time_since_epoch().count()};
}

bool rows_are_simple_and_sorted(const CsrGraph& graph) {
    for (Vertex vertex = 0; vertex < graph.vertices(); ++vertex) {
        const auto row = graph.neighbours(vertex);
        for (std::size_t at = 0; at < row.size(); ++at) {
            if (row[at] >= graph.vertices() || row[at] == vertex || (at > 0 && row[at] <= row[at - 1])) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace

std::string encode_graph(const SourceStamp& stamp, const CsrGraph& graph, std::uint64_t arcs_in_file) {
    const Header header{kMagic, 0, stamp, arcs_in_file, graph.vertices(), graph.arcs()};
    const std::size_t offset_bytes = graph.offsets().size_bytes();
    std::string entry(sizeof header + offset_bytes + graph.targets().size_bytes(), '\0');
    std::memcpy(entry.data(), &header, sizeof header);
    std::memcpy(entry.data() + sizeof header, graph.offsets().data(), offset_bytes);
    if (graph.arcs() != 0) {
        std::memcpy(entry.data() + sizeof header + offset_bytes, graph.targets().data(),
                    graph.targets().size_bytes());
    }
    const std::uint64_t checksum = checksum_of(entry);
    std::memcpy(entry.data() + sizeof header.magic, &checksum, sizeof checksum);
    return entry;
}

std::optional<GraphCache::Entry> decode_graph(const SourceStamp& stamp, std::string_view bytes) {
    Header header;
    if (bytes.size() < sizeof header) {
        return std::nullopt;
    }
    std::memcpy(&header, bytes.data(), sizeof header);
    const std::uint64_t room = bytes.size() - sizeof header;
    const bool plausible = header.magic == kMagic && header.stamp == stamp &&
                           header.vertices <= std::numeric_limits<Vertex>::max() &&
                           header.vertices < room / sizeof(std::uint64_t) &&
                           header.arcs <= room / sizeof(Vertex) &&
                           (header.vertices + 1) * sizeof(std::uint64_t) + header.arcs * sizeof(Vertex) == room;
    if (!plausible || checksum_of(bytes) != header.checksum) {
        return std::nullopt;
    }
    std::vector<std::uint64_t> offsets(header.vertices + 1);
    std::vector<Vertex> targets(header.arcs);
    std::memcpy(offsets.data(), bytes.data() + sizeof header, offsets.size() * sizeof(std::uint64_t));
    if (!targets.empty()) {
        std::memcpy(targets.data(), bytes.data() + sizeof header + offsets.size() * sizeof(std::uint64_t),
                    targets.size() * sizeof(Vertex));
    }
    if (offsets.front() != 0 || offsets.back() != targets.size() ||
        !std::is_sorted(offsets.begin(), offsets.end())) {
        return std::nullopt;
    }
    GraphCache::Entry entry{CsrGraph(std::move(offsets), std::move(targets)), header.arcs_in_file};
    if (!rows_are_simple_and_sorted(entry.graph)) {
        return std::nullopt;
    }
    return entry;
}

std::optional<GraphCache> GraphCache::of_this_user() {
    auto folder = user_cache_folder();
    return folder ? std::optional<GraphCache>(std::move(*folder)) : std::nullopt;
}

fs::path GraphCache::entry_path(const fs::path& source) const {
    std::error_code code;
    const fs::path canonical = fs::weakly_canonical(source, code);
    const std::string name = (code ? fs::absolute(source) : canonical).string();
    return directory_ /
           (source.filename().string() + "." + hex(digest_of(std::as_bytes(std::span(name)))) + ".csr");
}

std::optional<GraphCache::Entry> GraphCache::find(const fs::path& source) const {
    const auto stamp = stamp_of(source);
    std::ifstream file(entry_path(source), std::ios::binary | std::ios::ate);
    if (!stamp || !file) {
        return std::nullopt;
    }
    std::string bytes(static_cast<std::size_t>(std::max<std::streamoff>(file.tellg(), 0)), '\0');
    file.seekg(0);
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file ? decode_graph(*stamp, bytes) : std::nullopt;
}

void GraphCache::store(const fs::path& source, const CsrGraph& graph, std::uint64_t arcs_in_file) const {
    const auto stamp = stamp_of(source);
    std::error_code code;
    fs::create_directories(directory_, code);
    if (stamp && !code) {
        (void)write_file(entry_path(source), encode_graph(*stamp, graph, arcs_in_file));
    }
}

}  // namespace megabed
