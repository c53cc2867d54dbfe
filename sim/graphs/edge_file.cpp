#include "sim/graphs/edge_file.h"

#include <fmt/format.h>
#include <string>
#include <string_view>

namespace megabed {

namespace {

bool named(const LineReader& reader, std::string_view ending) {
    const std::string& name = reader.name();
    return name.ends_with(ending) || name.ends_with(std::string(ending) + ".gz");
}

Loaded<EdgeFile> read_known_format(LineReader& reader, const std::string& line) {
    if (line.starts_with("%%MatrixMarket")) {
        return read_matrix_market(reader, line);
    }
    if (named(reader, ".mtx")) {
        return reader.refuse(fmt::format("the first line is {}", printable(line)), "%%MatrixMarket ...");
    }
    if (line == "c" || line.starts_with("c ") || line.starts_with("p ")) {
        return read_dimacs(reader, line);
    }
    if (named(reader, ".gr")) {
        return reader.refuse(fmt::format("the first line is {}", printable(line)),
                             "c ... or p sp VERTICES ARCS");
    }
    return read_snap(reader, line);
}

}  // namespace

Loaded<EdgeFile> read_edge_file(LineReader& reader) {
    const auto first = reader.next();
    if (!first) {
        return Refusal(first.error());
    }
    if (!*first) {
        return reader.refuse_file("is empty", "Matrix Market, DIMACS 9 .gr or a SNAP edge list");
    }
    auto file = read_known_format(reader, std::string(**first));
    // Damage inside a compressed file shows as strange text long before the checksum at its end. If the rest
    // does not decompress either, that is what to report.
    while (!file && reader.compressed()) {
        const auto rest = reader.next();
        if (!rest) {
            return Refusal(rest.error());
        }
        if (!*rest) {
            break;
        }
    }
    return file;
}

Loaded<EdgeFile> read_edge_file(const std::filesystem::path& path) {
    auto reader = LineReader::open(path);
    if (!reader) {
        return Refusal(reader.error());
    }
    return read_edge_file(*reader);
}

}  // namespace megabed
