#pragma once

#include "sim/graphs/graph.h"
#include "sim/input_error.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The graphs and sources that searches are measured on, and what they have to come to.
namespace megabed {

inline constexpr std::size_t kSearchSources = 8;

struct SearchSource {
    Vertex root = 0;
    double undirected_edges = 0;  ///< of its component
};

/// A graph to measure on: `16`, `20`, `22` (Kronecker graphs of that scale, edge factor 16, or 8 at scale 16)
/// or `mesh` (1024 x 1024, 4 neighbours).
struct GraphChoice {
    std::string name;
    std::string spec;
};

/// Those named, or all. Errors: a name that is none of them.
[[nodiscard]] Loaded<std::vector<GraphChoice>> chosen_graphs(const std::vector<std::string_view>& names);

/// A graph with kSearchSources random vertices of the component that holds most edges. Answers of the oracles
/// are kept, since many rows ask for them.
class SearchGraph {
public:
    /// Made at the first call for a spec, and kept until another one is asked for. Errors: as load_graph.
    [[nodiscard]] static Loaded<SearchGraph*> of(const std::string& spec);

    [[nodiscard]] const CsrGraph& graph() const { return graph_; }
    [[nodiscard]] const std::vector<SearchSource>& sources() const { return sources_; }

    [[nodiscard]] const std::vector<std::uint32_t>& levels_from(std::size_t source);
    /// From the first source, with weights up to 255.
    [[nodiscard]] const std::vector<std::uint32_t>& distances();
    [[nodiscard]] const std::vector<std::uint32_t>& components();
    [[nodiscard]] const std::vector<std::uint64_t>& ranks();

private:
    explicit SearchGraph(CsrGraph graph);

    CsrGraph graph_;
    std::vector<SearchSource> sources_;
    std::vector<std::uint32_t> components_;
    std::optional<std::vector<std::uint32_t>> levels_[kSearchSources];
    std::optional<std::vector<std::uint32_t>> distances_;
    std::optional<std::vector<std::uint64_t>> ranks_;
};

/// The upper one of two middle values. Requires: not empty.
[[nodiscard]] double median(std::vector<double> values);

}  // namespace megabed
