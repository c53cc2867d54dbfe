#include "sim/edge_file.h"

#include <string>

namespace megabed {

Loaded<EdgeFile> read_edge_file(LineReader& reader) {
    const auto first = reader.next();
    if (!first) {
        return Refusal(first.error());
    }
    if (!*first) {
        return reader.refuse_file("is empty", "Matrix Market, DIMACS 9 .gr or a SNAP edge list");
    }
    const std::string line(**first);
    if (line.starts_with("%%MatrixMarket")) {
        return read_matrix_market(reader, line);
    }
    if (line == "c" || line.starts_with("c ") || line.starts_with("p ")) {
        return read_dimacs(reader, line);
    }
    return read_snap(reader, line);
}

Loaded<EdgeFile> read_edge_file(const std::filesystem::path& path) {
    auto reader = LineReader::open(path);
    if (!reader) {
        return Refusal(reader.error());
    }
    return read_edge_file(*reader);
}

}  // namespace megabed
