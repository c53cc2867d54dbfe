#pragma once

#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

/// Lines of a plain or gzip-compressed text file, or of text in memory, in chunks of bounded size.
/// gzip is known by its first two bytes, never by the name.
class LineReader {
public:
    /// Errors: missing, a directory, unreadable.
    [[nodiscard]] static Loaded<LineReader> open(const std::filesystem::path& path);
    /// Reads `text` as if it stood in a file called `name`. `text` may be gzip-compressed; it is copied.
    [[nodiscard]] static Loaded<LineReader> from_text(std::string name, std::string_view text);

    LineReader(LineReader&&) noexcept;
    LineReader& operator=(LineReader&&) noexcept;
    ~LineReader();

    /// The next line without its end, valid until the next call; nothing at the end of the file.
    /// Errors: corrupt or truncated compression, a read failure, a line longer than 1 MiB.
    [[nodiscard]] Loaded<std::optional<std::string_view>> next();

    /// 1-based number of the line that `next` returned last.
    [[nodiscard]] std::uint64_t line_number() const { return line_number_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool compressed() const;
    /// Decompressed bytes taken in so far.
    [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }

    /// A refusal at the current line.
    [[nodiscard]] Refusal refuse(std::string problem, std::string allowed = {}) const;
    /// A refusal of the file as a whole.
    [[nodiscard]] Refusal refuse_file(std::string problem, std::string allowed = {}) const;

private:
    struct Source;
    LineReader(std::string name, std::unique_ptr<Source> source);
    [[nodiscard]] Loaded<bool> refill();

    std::string name_;
    std::unique_ptr<Source> source_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::uint64_t line_number_ = 0;
    std::uint64_t bytes_read_ = 0;
    bool exhausted_ = false;
};

}  // namespace megabed
