#include "sim/graphs/edge_file.h"
#include "sim/graphs/text_scan.h"

#include <fmt/format.h>
#include <algorithm>
#include <limits>
#include <optional>

namespace megabed {
namespace {

struct Problem {
    Vertex vertices = 0;
    std::uint64_t arcs = 0;
};

Loaded<Problem> parse_problem(const LineReader& reader, std::string_view line, TextScan scan) {
    const std::string_view kind = scan.token();
    const auto vertices = scan.number<std::uint64_t>();
    const auto arcs = scan.number<std::uint64_t>();
    if (kind != "sp" || !vertices || !arcs || !scan.at_end()) {
        return reader.refuse(fmt::format("the problem line is {}", printable(line)), "p sp VERTICES ARCS");
    }
    if (*vertices > std::numeric_limits<Vertex>::max()) {
        return reader.refuse(fmt::format("the problem line names {} vertices", *vertices),
                             "at most 4294967295 vertices");
    }
    return Problem{static_cast<Vertex>(*vertices), *arcs};
}

Loaded<Edge> parse_arc(const LineReader& reader, std::string_view line, TextScan scan, Vertex vertices) {
    const auto from = scan.number<std::uint64_t>();
    const auto to = from ? scan.number<std::uint64_t>() : std::nullopt;
    const auto length = to ? scan.number<std::uint32_t>() : std::nullopt;
    if (!length || !scan.at_end()) {
        return reader.refuse(fmt::format("the arc is {}", printable(line)),
                             "a FROM TO LENGTH, with a length from 0 to 4294967295");
    }
    const std::uint64_t largest = std::max(*from, *to);
    if (*from == 0 || *to == 0 || largest > vertices) {
        return reader.refuse(fmt::format("the arc names vertex {}", largest > vertices ? largest : 0),
                             fmt::format("1 to {}", vertices));
    }
    return Edge{static_cast<Vertex>(*from - 1), static_cast<Vertex>(*to - 1)};
}

}  // namespace

Loaded<EdgeFile> read_dimacs(LineReader& reader, std::string_view first_line) {
    std::optional<Problem> problem;
    EdgeFile file;
    std::optional<std::string_view> line = first_line;
    while (line) {
        TextScan scan(*line);
        const std::string_view kind = scan.token();
        if (kind == "p") {
            if (problem) {
                return reader.refuse("a second problem line", "one");
            }
            const auto parsed = parse_problem(reader, *line, scan);
            if (!parsed) {
                return Refusal(parsed.error());
            }
            problem = *parsed;
            file.vertices = problem->vertices;
        } else if (kind == "a") {
            if (!problem) {
                return reader.refuse("an arc before the problem line", "p sp VERTICES ARCS first");
            }
            if (file.arcs_in_file == problem->arcs) {
                return reader.refuse(fmt::format("more arcs than the {} of the problem line", problem->arcs));
            }
            const auto edge = parse_arc(reader, *line, scan, problem->vertices);
            if (!edge) {
                return Refusal(edge.error());
            }
            file.edges.push_back(*edge);
            ++file.arcs_in_file;
        } else if (kind != "c" && !kind.empty()) {
            return reader.refuse(fmt::format("the line starts with {}", printable(kind)), "c, p, a");
        }
        const auto next = reader.next();
        if (!next) {
            return Refusal(next.error());
        }
        line = *next;
    }
    if (!problem) {
        return reader.refuse_file("has no problem line", "p sp VERTICES ARCS");
    }
    if (file.arcs_in_file != problem->arcs) {
        return reader.refuse_file(
            fmt::format("holds {} arcs, the problem line says {}", file.arcs_in_file, problem->arcs));
    }
    return file;
}

}  // namespace megabed
