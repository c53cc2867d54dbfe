#include "sim/graphs/edge_file.h"
#include "sim/graphs/text_scan.h"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace megabed {
namespace {

/// The number behind `Edges:` in a header comment, if there is one.
std::optional<std::uint64_t> announced_edges(std::string_view comment) {
    constexpr std::string_view kLabel = "Edges:";
    const std::size_t at = comment.find(kLabel);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    return TextScan(comment.substr(at + kLabel.size())).number<std::uint64_t>();
}

template <class Visit>
void for_each_edge(EdgeList& edges, Visit visit) {
    for (auto& block : edges.blocks()) {
        for (Edge& edge : block) {
            visit(edge);
        }
    }
}

/// Ranks by a table over all ids up to the largest: fast, and small when ids are dense.
Vertex renumber_dense(EdgeList& edges, Vertex largest) {
    std::vector<Vertex> rank(std::size_t{largest} + 1, 0);
    for_each_edge(edges, [&](const Edge& edge) { rank[edge.from] = rank[edge.to] = 1; });
    Vertex vertices = 0;
    for (Vertex& entry : rank) {
        vertices += std::exchange(entry, vertices);
    }
    for_each_edge(edges, [&](Edge& edge) { edge = {rank[edge.from], rank[edge.to]}; });
    return vertices;
}

/// Ranks by binary search among the ids that occur.
Vertex renumber_scattered(EdgeList& edges) {
    std::vector<Vertex> ids;
    for_each_edge(edges, [&](const Edge& edge) { ids.insert(ids.end(), {edge.from, edge.to}); });
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    const auto rank = [&](Vertex id) {
        return static_cast<Vertex>(std::lower_bound(ids.begin(), ids.end(), id) - ids.begin());
    };
    for_each_edge(edges, [&](Edge& edge) { edge = {rank(edge.from), rank(edge.to)}; });
    return static_cast<Vertex>(ids.size());
}

/// Replaces ids by their rank among the ids that occur; gives the number of ids.
Vertex renumber(EdgeList& edges) {
    Vertex largest = 0;
    for_each_edge(edges, [&](const Edge& edge) { largest = std::max({largest, edge.from, edge.to}); });
    const bool dense = largest / 4 <= edges.size();
    return dense ? renumber_dense(edges, largest) : renumber_scattered(edges);
}

/// Whether all that is left of a line are numbers: weights, signs and time stamps are common and not used.
bool only_numbers_left(TextScan& scan) {
    while (!scan.at_end()) {
        const std::string_view token = scan.token();
        double value = 0;
        const auto [stop, code] = std::from_chars(token.data(), token.data() + token.size(), value);
        if (code == std::errc::invalid_argument || stop != token.data() + token.size()) {
            return false;
        }
    }
    return true;
}

}  // namespace

Loaded<EdgeFile> read_snap(LineReader& reader, std::string_view first_line) {
    EdgeFile file;
    std::optional<std::uint64_t> announced;
    std::optional<std::string_view> line = first_line;
    while (line) {
        TextScan scan(*line);
        if ((*line).starts_with('#')) {
            if (const auto edges = announced_edges(*line)) {
                announced = edges;
            }
        } else if (!scan.at_end()) {
            const auto from = scan.number<Vertex>();
            const auto to = from ? scan.number<Vertex>() : std::nullopt;
            if (!to || !only_numbers_left(scan)) {
                return reader.refuse(fmt::format("the line is {}", printable(*line)),
                                     "two vertex ids from 0 to 4294967294, then numbers");
            }
            if (std::max(*from, *to) == std::numeric_limits<Vertex>::max()) {
                return reader.refuse("the line names vertex 4294967295", "0 to 4294967294");
            }
            file.edges.push_back({*from, *to});
            ++file.arcs_in_file;
        }
        const auto next = reader.next();
        if (!next) {
            return Refusal(next.error());
        }
        line = *next;
    }
    if (announced && *announced != file.arcs_in_file) {
        return reader.refuse_file(
            fmt::format("holds {} edges, its header says {}", file.arcs_in_file, *announced));
    }
    if (file.arcs_in_file == 0) {
        return reader.refuse_file("holds no edge", "Matrix Market, DIMACS 9 .gr or a SNAP edge list");
    }
    file.vertices = renumber(file.edges);
    return file;
}

}  // namespace megabed
