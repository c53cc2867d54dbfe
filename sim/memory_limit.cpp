#include "sim/memory_limit.h"

#include <fmt/format.h>
#include <unistd.h>

namespace megabed {

std::optional<InputError> exceeds_memory(std::string_view source, Vertex vertices, std::uint64_t edges) {
    constexpr std::uint64_t kBytesAVertex = 24;
    constexpr std::uint64_t kBytesAnEdge = 12;
    const std::uint64_t needed = vertices * kBytesAVertex + edges * kBytesAnEdge;
    const std::uint64_t present = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                                  static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    if (needed <= present) {
        return std::nullopt;
    }
    return InputError{.where = std::string(source),
                      .line = {},
                      .key = {},
                      .problem = fmt::format("{} vertices and {} edges need {} bytes of memory to build",
                                             vertices, edges, needed),
                      .allowed = fmt::format("at most the {} bytes of this machine", present)};
}

}  // namespace megabed
