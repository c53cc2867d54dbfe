#include "properties/golden_file.h"

#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <boost/token_functions.hpp>
#include <boost/tokenizer.hpp>
#include <cassert>
#include <charconv>
#include <limits>
#include <utility>

namespace megabed {
namespace {

/// Cells of a CSV line. Text in double quotes may hold commas; it is informative only.
Loaded<std::vector<std::string>> split(const LineReader& reader, std::string_view line) {
    const std::string text(line);
    const boost::escaped_list_separator<char> separator("", ",", "\"");
    try {
        const boost::tokenizer<boost::escaped_list_separator<char>> cells(text, separator);
        return std::vector<std::string>(cells.begin(), cells.end());
    } catch (const boost::escaped_list_error&) {
        return reader.refuse("the row cannot be split into cells", "CSV");
    }
}

}  // namespace

std::string_view GoldenRow::text(std::string_view column) const {
    const auto found = std::find(columns_.begin(), columns_.end(), column);
    assert(found != columns_.end());
    return cells_[static_cast<std::size_t>(found - columns_.begin())];
}

void GoldenRow::refuse(std::string_view column, std::string_view cell, std::string allowed) {
    if (!error_) {
        error_ = InputError{.where = std::string(file_),
                            .line = line_,
                            .key = std::string(column),
                            .problem = fmt::format("is {}", printable(cell)),
                            .allowed = std::move(allowed)};
    }
}

template <class Integer>
Integer GoldenRow::integer(std::string_view column) {
    const std::string_view cell = text(column);
    Integer value{};
    const auto [stop, code] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (code != std::errc() || stop != cell.data() + cell.size()) {
        refuse(column, cell, fmt::format("0 to {}", std::numeric_limits<Integer>::max()));
        return 0;
    }
    return value;
}

std::uint64_t GoldenRow::u64(std::string_view column) { return integer<std::uint64_t>(column); }
std::uint32_t GoldenRow::u32(std::string_view column) { return integer<std::uint32_t>(column); }
std::uint16_t GoldenRow::u16(std::string_view column) { return integer<std::uint16_t>(column); }

bool GoldenRow::flag(std::string_view column) {
    const std::string_view cell = text(column);
    if (cell != "0" && cell != "1") {
        refuse(column, cell, "0, 1");
    }
    return cell == "1";
}

double GoldenRow::real(std::string_view column) {
    const std::vector<double> values = reals(column);
    if (values.size() != 1) {
        refuse(column, text(column), "one number of 16 hexadecimal digits");
        return 0;
    }
    return values.front();
}

std::vector<double> GoldenRow::reals(std::string_view column) {
    constexpr std::size_t kDigits = 16;
    constexpr int kHexadecimal = 16;
    std::vector<double> values;
    std::string_view rest = text(column);
    while (!rest.empty()) {
        const std::string_view digits = rest.substr(0, rest.find(';'));
        std::uint64_t bits = 0;
        const auto [stop, code] =
            std::from_chars(digits.data(), digits.data() + digits.size(), bits, kHexadecimal);
        if (code != std::errc() || digits.size() != kDigits || stop != digits.data() + digits.size()) {
            refuse(column, digits, "16 hexadecimal digits, joined by ;");
            return values;
        }
        values.push_back(std::bit_cast<double>(bits));
        rest.remove_prefix(std::min(rest.size(), digits.size() + 1));
    }
    return values;
}

std::vector<std::uint32_t> GoldenRow::counts(std::string_view column) {
    std::vector<std::uint32_t> values;
    std::string_view rest = text(column);
    while (!rest.empty()) {
        const std::string_view digits = rest.substr(0, rest.find(';'));
        std::uint32_t value = 0;
        const auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (code != std::errc() || stop != digits.data() + digits.size()) {
            refuse(column, digits, "numbers from 0 to 4294967295, joined by ;");
            return values;
        }
        values.push_back(value);
        rest.remove_prefix(std::min(rest.size(), digits.size() + 1));
    }
    return values;
}

std::optional<std::size_t> GoldenRow::choice(std::string_view column,
                                             const std::vector<std::string_view>& names) {
    const std::string_view cell = text(column);
    if (cell.empty()) {
        return std::nullopt;
    }
    const auto found = std::find(names.begin(), names.end(), cell);
    if (found == names.end()) {
        refuse(column, cell, listed(names));
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - names.begin());
}

Loaded<GoldenFile> GoldenFile::open(const std::filesystem::path& path) {
    auto reader = LineReader::open(path);
    if (!reader) {
        return Refusal(reader.error());
    }
    return from_reader(*std::move(reader));
}

Loaded<GoldenFile> GoldenFile::from_reader(LineReader reader) {
    const auto header = reader.next();
    if (!header) {
        return Refusal(header.error());
    }
    if (!*header) {
        return reader.refuse_file("is empty", "a golden CSV file with a header");
    }
    auto columns = split(reader, **header);
    if (!columns) {
        return Refusal(columns.error());
    }
    return GoldenFile(std::move(reader), *std::move(columns));
}

bool GoldenFile::has_columns(const std::vector<std::string_view>& names) const {
    return std::all_of(names.begin(), names.end(), [&](std::string_view name) {
        return std::find(columns_.begin(), columns_.end(), name) != columns_.end();
    });
}

Loaded<std::optional<GoldenRow>> GoldenFile::next() {
    const auto line = reader_.next();
    if (!line) {
        return Refusal(line.error());
    }
    if (!*line) {
        return std::nullopt;
    }
    auto cells = split(reader_, **line);
    if (!cells) {
        return Refusal(cells.error());
    }
    if (cells->size() != columns_.size()) {
        return reader_.refuse(fmt::format("the row has {} cells", cells->size()),
                              fmt::format("the {} of the header", columns_.size()));
    }
    return GoldenRow(columns_, *std::move(cells), reader_);
}

}  // namespace megabed
