#pragma once

#include "sim/graphs/edge_list.h"
#include "sim/graphs/line_reader.h"
#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace megabed {

/// The edges of a graph file as they stand in it.
struct EdgeFile {
    Vertex vertices = 0;
    std::uint64_t arcs_in_file = 0;  ///< entries, loops and duplicates included
    EdgeList edges;
};

/// Reads a graph file. The format is known by its first line:
///   `%%MatrixMarket ...`  Matrix Market coordinate, pattern|real|integer, general|symmetric, square
///   `c ...` or `p sp ...` DIMACS 9 shortest-path `.gr`
///   anything else         SNAP edge list, unless the name ends in .mtx or .gr: `#` comments, then two vertex
///   ids a line; ids are renumbered
///                         0..n-1 in ascending order, and an `Edges:` count in a comment is held to
/// Plain or gzip. Values and arc lengths are checked and dropped.
/// Errors: file and line of the first entry that breaks the format, a count that differs from the header.
/// Source: NIST Matrix Market exchange formats; 9th DIMACS challenge file formats; SNAP data set headers.
[[nodiscard]] Loaded<EdgeFile> read_edge_file(LineReader& reader);
[[nodiscard]] Loaded<EdgeFile> read_edge_file(const std::filesystem::path& path);

/// The parsers by themselves, for text that starts with `first_line` (already taken from the reader).
[[nodiscard]] Loaded<EdgeFile> read_matrix_market(LineReader& reader, std::string_view first_line);
[[nodiscard]] Loaded<EdgeFile> read_dimacs(LineReader& reader, std::string_view first_line);
[[nodiscard]] Loaded<EdgeFile> read_snap(LineReader& reader, std::string_view first_line);

}  // namespace megabed
