#pragma once

#include "sim/graphs/edge_list.h"
#include "sim/graphs/graph.h"
#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace megabed {

/// One graph generator and its SPEC syntax, for `list generators`.
struct GeneratorRow {
    std::string_view name;
    std::string_view usage;  ///< SPEC with defaults
    std::string_view summary;
};
[[nodiscard]] std::span<const GeneratorRow> graph_generators();

/// A graph and where its time went.
struct LoadedGraph {
    CsrGraph graph;
    std::uint64_t arcs_in_file = 0;  ///< entries of the file, or edges generated; before cleaning
    bool from_cache = false;
    double load_seconds = 0;
    double build_seconds = 0;
};

/// Loads a graph file, or generates a graph from a SPEC such as `rmat:scale=16,edge_factor=16,seed=1`.
/// A source is a SPEC when it starts with a generator's name and a colon.
/// Errors: as the parsers; unknown generator or key; a value out of range; more memory than the machine has.
[[nodiscard]] Loaded<LoadedGraph> load_graph(const std::string& source);

/// Only the generator part: vertices and raw edges of a SPEC.
struct GeneratedEdges {
    Vertex vertices = 0;
    EdgeList edges;
};
[[nodiscard]] Loaded<GeneratedEdges> generate_edges(std::string_view spec);

/// Whether a source names a generator.
[[nodiscard]] bool is_generator_spec(std::string_view source);

}  // namespace megabed
