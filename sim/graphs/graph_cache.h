#pragma once

#include "sim/graphs/graph.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace megabed {

/// A parsed graph kept as binary, so that the second load of a large file skips decompression, parsing and
/// building. An entry is named by the source's canonical path and holds its size and modification time; it is
/// used only if both still match, the layout version is this one and the checksum of the content holds.
/// Anything else counts as a miss, and the next store replaces the entry.
class GraphCache {
public:
    explicit GraphCache(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// `MEGABED_CACHE_DIR`, else `XDG_CACHE_HOME`/megabed, else `HOME`/.cache/megabed; nothing without either.
    [[nodiscard]] static std::optional<GraphCache> of_this_user();

    struct Entry {
        CsrGraph graph;
        std::uint64_t arcs_in_file = 0;
    };
    [[nodiscard]] std::optional<Entry> find(const std::filesystem::path& source) const;
    /// Best effort: a cache that cannot be written is no error.
    void store(const std::filesystem::path& source, const CsrGraph& graph, std::uint64_t arcs_in_file) const;

    [[nodiscard]] std::filesystem::path entry_path(const std::filesystem::path& source) const;

private:
    std::filesystem::path directory_;
};

/// The binary form of an entry; exposed for tests and fuzzing.
/// Errors: nothing is returned for bytes that are not a whole, consistent entry for this stamp.
struct SourceStamp {
    std::uint64_t size = 0;
    std::int64_t modified = 0;  ///< ticks of the file clock

    bool operator==(const SourceStamp&) const = default;
};
[[nodiscard]] std::string encode_graph(const SourceStamp& stamp, const CsrGraph& graph,
                                       std::uint64_t arcs_in_file);
[[nodiscard]] std::optional<GraphCache::Entry> decode_graph(const SourceStamp& stamp, std::string_view bytes);

}  // namespace megabed
