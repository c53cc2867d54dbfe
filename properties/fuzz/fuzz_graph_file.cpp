// Any bytes as a graph file, plain or gzip: an answer or a refusal of one line, and endpoints within range.
#include "sim/graphs/edge_file.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto reader = megabed::LineReader::from_text("fuzz", {reinterpret_cast<const char*>(data), size});
    if (!reader) {
        return 0;
    }
    const auto file = megabed::read_edge_file(*reader);
    if (!file) {
        if (to_string(file.error()).find('\n') != std::string::npos) {
            std::abort();
        }
        return 0;
    }
    for (const auto& block : file->edges.blocks()) {
        for (const megabed::Edge& edge : block) {
            if (edge.from >= file->vertices || edge.to >= file->vertices) {
                std::abort();
            }
        }
    }
    return 0;
}
