// Any bytes as a cache entry. The checksum is made right first, so that the checks behind it are reached.
#include "sim/engine/digest.h"
#include "sim/graphs/graph_cache.h"
#include "sim/traversals/breadth_first_search.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes(reinterpret_cast<const char*>(data), size);
    if (size >= 32) {
        const std::uint64_t checksum = megabed::digest_of(std::as_bytes(std::span(bytes).subspan(16)));
        std::memcpy(bytes.data() + 8, &checksum, sizeof checksum);
        megabed::SourceStamp stamp;
        std::memcpy(&stamp, bytes.data() + 16, sizeof stamp);
        if (const auto entry = megabed::decode_graph(stamp, bytes); entry && entry->graph.vertices() > 0) {
            (void)megabed::search_levels(entry->graph, 0);
        }
    }
    return 0;
}
