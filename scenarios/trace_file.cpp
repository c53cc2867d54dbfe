#include "scenarios/trace_file.h"

#include "sim/graphs/line_reader.h"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace megabed {
namespace {

std::vector<std::string_view> cells_of(std::string_view line) {
    std::vector<std::string_view> cells;
    while (true) {
        const std::size_t comma = line.find(',');
        cells.push_back(line.substr(0, comma));
        if (comma == std::string_view::npos) {
            return cells;
        }
        line.remove_prefix(comma + 1);
    }
}

/// Where the wanted columns stand in a row, in the order in which they were asked for.
struct Columns {
    std::vector<std::optional<std::size_t>> places;
    std::vector<std::string> names;
    std::size_t width = 0;
};

/// The first `required` of `names` must be there.
Loaded<Columns> read_header(LineReader& lines, const std::vector<std::string>& names, std::size_t required) {
    const auto header = lines.next();
    if (!header) {
        return Refusal(header.error());
    }
    if (!*header) {
        return lines.refuse_file("is empty", fmt::format("a header with the column {}", names[0]));
    }
    const auto cells = cells_of(**header);
    Columns columns{{}, names, cells.size()};
    for (std::size_t name = 0; name < names.size(); ++name) {
        const auto found = std::find(cells.begin(), cells.end(), names[name]);
        if (found == cells.end() && name < required) {
            return lines.refuse(fmt::format("has no column {}", names[name]),
                                fmt::format("a header with the column {}", names[name]));
        }
        if (found != cells.end() && std::find(found + 1, cells.end(), names[name]) != cells.end()) {
            return lines.refuse(fmt::format("has two columns {}", names[name]), "one");
        }
        columns.places.push_back(found == cells.end()
                                     ? std::nullopt
                                     : std::optional(static_cast<std::size_t>(found - cells.begin())));
    }
    return columns;
}

/// One row's numbers in the order of the names; a column that is not there reads 0.
Loaded<std::vector<std::uint64_t>> read_row(const LineReader& lines, std::string_view line,
                                            const Columns& columns, std::uint64_t most) {
    const auto cells = cells_of(line);
    if (cells.size() != columns.width) {
        return lines.refuse(fmt::format("has {} cells", cells.size()),
                            fmt::format("{}, as the header has", columns.width));
    }
    std::vector<std::uint64_t> numbers;
    for (std::size_t column = 0; column < columns.places.size(); ++column) {
        std::uint64_t number = 0;
        if (columns.places[column]) {
            const std::string_view cell = cells[*columns.places[column]];
            const auto [stop, code] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
            if (code != std::errc() || stop != cell.data() + cell.size() || number > most) {
                return lines.refuse(fmt::format("{} is {}", columns.names[column], printable(cell)),
                                    fmt::format("a whole number from 0 to {}", most));
            }
        }
        numbers.push_back(number);
    }
    return numbers;
}

/// Calls `take` with the numbers of every row; a refusal of its ends the reading.
template <class Take>
Loaded<void> for_each_row(const std::filesystem::path& path, const std::vector<std::string>& names,
                          std::size_t required, std::uint64_t most, Take take) {
    auto lines = LineReader::open(path);
    if (!lines) {
        return Refusal(lines.error());
    }
    const auto columns = read_header(*lines, names, required);
    if (!columns) {
        return Refusal(columns.error());
    }
    std::uint64_t rows = 0;
    while (true) {
        const auto line = lines->next();
        if (!line) {
            return Refusal(line.error());
        }
        if (!*line) {
            break;
        }
        if ((*line)->empty()) {
            continue;
        }
        const auto row = read_row(*lines, **line, *columns, most);
        if (!row) {
            return Refusal(row.error());
        }
        if (const auto taken = take(*lines, *row); !taken) {
            return taken;
        }
        ++rows;
    }
    if (rows == 0) {
        return lines->refuse_file("has no rows", "at least one row under the header");
    }
    return {};
}

}  // namespace

Loaded<std::vector<TraceItem>> load_arrival_trace(const std::filesystem::path& path) {
    constexpr std::uint64_t kLatest = 1'000'000'000'000'000;
    std::vector<TraceItem> items;
    const auto read =
        for_each_row(path, {"time_ns", "opcode", "work_ns"}, 1, kLatest,
                     [&](const LineReader& lines, const std::vector<std::uint64_t>& row) -> Loaded<void> {
                         const SimTime time(static_cast<std::int64_t>(row[0]));
                         if (!items.empty() && time < items.back().time) {
                             return lines.refuse(fmt::format("time_ns is {}, before the row above", row[0]),
                                                 fmt::format("{} or later", items.back().time.value()));
                         }
                         if (row[1] > std::numeric_limits<std::uint32_t>::max()) {
                             return lines.refuse(fmt::format("opcode is {}", row[1]), "0 to 4294967295");
                         }
                         items.push_back({time, static_cast<std::uint32_t>(row[1]),
                                          SimTime(static_cast<std::int64_t>(row[2]))});
                         return {};
                     });
    if (!read) {
        return Refusal(read.error());
    }
    return items;
}

Loaded<std::vector<BasisPoints>> load_density_trace(const std::filesystem::path& path) {
    std::vector<BasisPoints> densities;
    const auto read =
        for_each_row(path, {"density_bps"}, 1, kWholeBps,
                     [&](const LineReader& /*lines*/, const std::vector<std::uint64_t>& row) -> Loaded<void> {
                         densities.emplace_back(static_cast<std::uint16_t>(row[0]));
                         return {};
                     });
    if (!read) {
        return Refusal(read.error());
    }
    return densities;
}

}  // namespace megabed
