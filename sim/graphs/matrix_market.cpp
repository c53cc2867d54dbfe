#include "sim/graphs/edge_file.h"
#include "sim/graphs/text_scan.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <string>

namespace megabed {
namespace {

enum class Field : std::uint8_t { Pattern, Integer, Real };

struct Header {
    Field field{};
    Vertex vertices = 0;
    std::uint64_t entries = 0;
};

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char symbol) { return static_cast<char>(std::tolower(symbol)); });
    return result;
}

Loaded<Header> parse_banner(const LineReader& reader, std::string_view line) {
    TextScan scan(line);
    (void)scan.token();
    const std::string object = lower(scan.token());
    const std::string format = lower(scan.token());
    const std::string field = lower(scan.token());
    const std::string symmetry = lower(scan.token());
    if (object != "matrix" || format != "coordinate") {
        return reader.refuse(fmt::format("the banner says {}", printable(object + " " + format)),
                             "matrix coordinate");
    }
    Header header;
    if (field == "pattern") {
        header.field = Field::Pattern;
    } else if (field == "integer") {
        header.field = Field::Integer;
    } else if (field == "real") {
        header.field = Field::Real;
    } else {
        return reader.refuse(fmt::format("the banner's field is {}", printable(field)),
                             "pattern, real, integer");
    }
    if (symmetry != "general" && symmetry != "symmetric") {
        return reader.refuse(fmt::format("the banner's symmetry is {}", printable(symmetry)),
                             "general, symmetric");
    }
    return header;
}

/// The size line `rows columns entries`, after comments and blank lines.
Loaded<Header> parse_header(LineReader& reader, std::string_view banner) {
    auto header = parse_banner(reader, banner);
    if (!header) {
        return header;
    }
    while (true) {
        const auto line = reader.next();
        if (!line) {
            return Refusal(line.error());
        }
        if (!*line) {
            return reader.refuse_file("ends before the size line", "rows columns entries");
        }
        TextScan scan(**line);
        if ((**line).starts_with('%') || scan.at_end()) {
            continue;
        }
        const auto rows = scan.number<std::uint64_t>();
        const auto columns = scan.number<std::uint64_t>();
        const auto entries = scan.number<std::uint64_t>();
        if (!rows || !columns || !entries || !scan.at_end()) {
            return reader.refuse(fmt::format("the size line is {}", printable(**line)), "rows columns entries");
        }
        if (*rows != *columns) {
            return reader.refuse(fmt::format("the matrix is {} x {}", *rows, *columns), "a square matrix");
        }
        if (*rows > std::numeric_limits<Vertex>::max()) {
            return reader.refuse(fmt::format("the matrix has {} rows", *rows), "at most 4294967295 rows");
        }
        header->vertices = static_cast<Vertex>(*rows);
        header->entries = *entries;
        return header;
    }
}

/// Whether the rest of a line is the value that the field announces.
bool value_fits(TextScan& scan, Field field) {
    if (field == Field::Pattern) {
        return scan.at_end();
    }
    const std::string_view token = scan.token();
    const std::string_view digits = token.starts_with('+') ? token.substr(1) : token;
    const char* const end = digits.data() + digits.size();
    if (field == Field::Integer) {
        std::int64_t value = 0;
        const auto [stop, code] = std::from_chars(digits.data(), end, value);
        return code == std::errc() && stop == end && scan.at_end();
    }
    double value = 0;
    const auto [stop, code] = std::from_chars(digits.data(), end, value);
    return code != std::errc::invalid_argument && !digits.empty() && stop == end && scan.at_end();
}

constexpr std::array<std::string_view, 3> kEntryShapes{"row column", "row column integer", "row column real"};

}  // namespace

Loaded<EdgeFile> read_matrix_market(LineReader& reader, std::string_view first_line) {
    const auto header = parse_header(reader, first_line);
    if (!header) {
        return Refusal(header.error());
    }
    EdgeFile file;
    file.vertices = header->vertices;
    while (true) {
        const auto line = reader.next();
        if (!line) {
            return Refusal(line.error());
        }
        if (!*line) {
            break;
        }
        TextScan scan(**line);
        if (scan.at_end() || (**line).starts_with('%')) {
            continue;
        }
        if (file.arcs_in_file == header->entries) {
            return reader.refuse(fmt::format("more entries than the {} of the size line", header->entries));
        }
        const auto row = scan.number<std::uint64_t>();
        const auto column = row ? scan.number<std::uint64_t>() : std::nullopt;
        if (!row || !column || !value_fits(scan, header->field)) {
            return reader.refuse(fmt::format("the entry is {}", printable(**line)),
                                 std::string(kEntryShapes[static_cast<std::size_t>(header->field)]));
        }
        const std::uint64_t largest = std::max(*row, *column);
        if (*row == 0 || *column == 0 || largest > header->vertices) {
            return reader.refuse(
                fmt::format("the entry names vertex {}", largest > header->vertices ? largest : 0),
                fmt::format("1 to {}", header->vertices));
        }
        file.edges.push_back({static_cast<Vertex>(*row - 1), static_cast<Vertex>(*column - 1)});
        ++file.arcs_in_file;
    }
    if (file.arcs_in_file != header->entries) {
        return reader.refuse_file(
            fmt::format("holds {} entries, the size line says {}", file.arcs_in_file, header->entries));
    }
    return file;
}

}  // namespace megabed
