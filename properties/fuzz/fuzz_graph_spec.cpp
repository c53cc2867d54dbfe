// Any text as a generator SPEC. Sizes are cut down first, so that time goes into the parser.
#include "sim/graphs/graph_source.h"

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string spec(reinterpret_cast<const char*>(data), size);
    int digits = 0;
    for (char& symbol : spec) {
        const bool digit = std::isdigit(static_cast<unsigned char>(symbol)) != 0;
        digits = digit ? digits + 1 : 0;
        symbol = digits > 2 ? 'x' : symbol;
        symbol = digits == 1 && symbol > '1' ? '1' : symbol;
        symbol = digits == 2 && symbol > '2' ? '2' : symbol;
    }
    const bool small = spec.find("scale=") != std::string::npos || spec.find("rows=") != std::string::npos ||
                       spec.find("vertices=") != std::string::npos;
    if (small && spec.find("columns") == std::string::npos) {
        (void)megabed::generate_edges(spec);
    }
    return 0;
}
