#include "sim/memory_limit.h"

#include <fmt/format.h>
#include <unistd.h>

namespace megabed {

std::optional<InputError> exceeds_memory(std::string_view source, std::string_view what, std::uint64_t bytes) {
    const std::uint64_t present = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                                  static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    if (bytes <= present) {
        return std::nullopt;
    }
    return InputError{.where = std::string(source),
                      .line = {},
                      .key = {},
                      .problem = fmt::format("{} takes {} bytes of memory", what, bytes),
                      .allowed = fmt::format("at most the {} bytes of this machine", present)};
}

std::optional<InputError> exceeds_memory(std::string_view source, Vertex vertices, std::uint64_t edges) {
    constexpr std::uint64_t kBytesAVertex = 24;
    constexpr std::uint64_t kBytesAnEdge = 12;
    return exceeds_memory(source, fmt::format("building {} vertices and {} edges", vertices, edges),
                          vertices * kBytesAVertex + edges * kBytesAnEdge);
}

}  // namespace megabed
