#pragma once

#include "sim/graphs/line_reader.h"
#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

/// One row of a golden CSV file with typed access by column. The first cell that cannot be read is remembered
/// with its line and column; later reads then give defaults.
class GoldenRow {
public:
    /// Requires: `columns` and `reader` outlive the row.
    GoldenRow(const std::vector<std::string>& columns, std::vector<std::string> cells, const LineReader& reader)
        : columns_(columns), cells_(std::move(cells)), file_(reader.name()), line_(reader.line_number()) {}

    /// Requires of all: the column is one of the file's.
    [[nodiscard]] std::string_view text(std::string_view column) const;
    [[nodiscard]] std::uint64_t u64(std::string_view column);
    [[nodiscard]] std::uint32_t u32(std::string_view column);
    [[nodiscard]] std::uint16_t u16(std::string_view column);
    [[nodiscard]] bool flag(std::string_view column);
    /// 16 hexadecimal digits of the bit pattern.
    [[nodiscard]] double real(std::string_view column);
    /// Values joined by semicolons; an empty cell is no value.
    [[nodiscard]] std::vector<double> reals(std::string_view column);
    [[nodiscard]] std::vector<std::uint32_t> counts(std::string_view column);
    /// The index of the cell among `names`; nothing for an empty cell.
    [[nodiscard]] std::optional<std::size_t> choice(std::string_view column,
                                                    const std::vector<std::string_view>& names);

    [[nodiscard]] const std::optional<InputError>& error() const { return error_; }
    [[nodiscard]] std::uint64_t line() const { return line_; }

private:
    template <class Integer>
    Integer integer(std::string_view column);
    void refuse(std::string_view column, std::string_view cell, std::string allowed);

    const std::vector<std::string>& columns_;
    std::vector<std::string> cells_;
    std::string_view file_;
    std::uint64_t line_;
    std::optional<InputError> error_;
};

/// A golden CSV file, plain or gzip, read row by row.
class GoldenFile {
public:
    /// Errors: as LineReader; an empty file.
    [[nodiscard]] static Loaded<GoldenFile> open(const std::filesystem::path& path);
    [[nodiscard]] static Loaded<GoldenFile> from_reader(LineReader reader);

    [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
    [[nodiscard]] bool has_columns(const std::vector<std::string_view>& names) const;
    /// The next row; nothing at the end. Errors: a row whose number of cells differs from the header's.
    [[nodiscard]] Loaded<std::optional<GoldenRow>> next();
    [[nodiscard]] const LineReader& reader() const { return reader_; }

private:
    GoldenFile(LineReader reader, std::vector<std::string> columns)
        : reader_(std::move(reader)), columns_(std::move(columns)) {}

    LineReader reader_;
    std::vector<std::string> columns_;
};

}  // namespace megabed
