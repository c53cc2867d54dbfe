#include "sim/graphs/line_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <boost/iostreams/device/array.hpp>
#include <boost/iostreams/device/file_descriptor.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <boost/iostreams/read.hpp>
#include <cerrno>
#include <cstring>
#include <ios>
#include <system_error>

namespace megabed {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;
constexpr std::streamsize kDecompressBuffer = 1 << 16;

bool is_gzip(std::string_view head) { return head.size() >= 2 && head[0] == '\x1f' && head[1] == '\x8b'; }

}  // namespace

/// The bytes behind a reader: a file or memory, through a gzip filter when they are compressed.
struct LineReader::Source {
    std::string memory;
    bool compressed = false;
    boost::iostreams::filtering_streambuf<boost::iostreams::input> stream;

    template <class Device>
    void chain(const Device& device, bool gzip) {
        compressed = gzip;
        if (gzip) {
            stream.push(boost::iostreams::gzip_decompressor(boost::iostreams::zlib::default_window_bits,
                                                            kDecompressBuffer));
        }
        stream.push(device, kDecompressBuffer);
    }
};

LineReader::LineReader(std::string name, std::unique_ptr<Source> source)
    : name_(std::move(name)), source_(std::move(source)), buffer_(kChunk) {}
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;
LineReader::~LineReader() = default;

Loaded<LineReader> LineReader::open(const std::filesystem::path& path) {
    const auto refuse = [&](std::string problem, std::string allowed = {}) {
        return Refusal(InputError{.where = path.string(),
                                  .line = {},
                                  .key = {},
                                  .problem = std::move(problem),
                                  .allowed = std::move(allowed)});
    };
    std::error_code code;
    if (std::filesystem::is_directory(path, code)) {
        return refuse("is a directory", "a file");
    }
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return refuse(fmt::format("cannot be read: {}", std::generic_category().message(errno)),
                      "a readable file");
    }
    std::array<char, 2> head{};
    const ssize_t got = ::pread(descriptor, head.data(), head.size(), 0);
    auto source = std::make_unique<Source>();
    const bool gzip = got == 2 && is_gzip({head.data(), head.size()});
    source->chain(boost::iostreams::file_descriptor_source(descriptor, boost::iostreams::close_handle), gzip);
    return LineReader(path.string(), std::move(source));
}

Loaded<LineReader> LineReader::from_text(std::string name, std::string_view text) {
    auto source = std::make_unique<Source>();
    source->memory.assign(text);
    source->chain(boost::iostreams::array_source(source->memory.data(), source->memory.size()), is_gzip(text));
    return LineReader(std::move(name), std::move(source));
}

bool LineReader::compressed() const { return source_->compressed; }

Refusal LineReader::refuse(std::string problem, std::string allowed) const {
    return Refusal(InputError{.where = name_,
                              .line = line_number_,
                              .key = {},
                              .problem = std::move(problem),
                              .allowed = std::move(allowed)});
}

Refusal LineReader::refuse_file(std::string problem, std::string allowed) const {
    return Refusal(InputError{
        .where = name_, .line = {}, .key = {}, .problem = std::move(problem), .allowed = std::move(allowed)});
}

/// Moves the unread rest to the front and reads more behind it; false at the end of the file.
Loaded<bool> LineReader::refill() {
    const std::size_t rest = end_ - begin_;
    if (rest == buffer_.size()) {
        ++line_number_;
        return refuse(fmt::format("the line is longer than {} bytes", kChunk), "text lines");
    }
    std::memmove(buffer_.data(), buffer_.data() + begin_, rest);
    begin_ = 0;
    end_ = rest;
    try {
        const std::streamsize got = boost::iostreams::read(source_->stream, buffer_.data() + end_,
                                                           static_cast<std::streamsize>(buffer_.size() - end_));
        if (got <= 0) {
            exhausted_ = true;
            return false;
        }
        end_ += static_cast<std::size_t>(got);
        bytes_read_ += static_cast<std::uint64_t>(got);
        return true;
    } catch (const std::ios_base::failure& failure) {
        return refuse_file(source_->compressed ? std::string("the gzip stream is corrupt or truncated")
                                               : fmt::format("reading failed: {}", failure.what()));
    } catch (const std::exception& failure) {
        return refuse_file(fmt::format("reading failed: {}", failure.what()));
    }
}

Loaded<std::optional<std::string_view>> LineReader::next() {
    std::size_t searched = begin_;
    while (true) {
        const char* const from = buffer_.data() + searched;
        const auto* const stop = static_cast<const char*>(std::memchr(from, '\n', end_ - searched));
        if (stop != nullptr) {
            std::string_view line(buffer_.data() + begin_,
                                  static_cast<std::size_t>(stop - buffer_.data()) - begin_);
            begin_ += line.size() + 1;
            ++line_number_;
            if (line.ends_with('\r')) {
                line.remove_suffix(1);
            }
            return line;
        }
        if (exhausted_) {
            if (begin_ == end_) {
                return std::nullopt;
            }
            const std::string_view line(buffer_.data() + begin_, end_ - begin_);
            begin_ = end_;
            ++line_number_;
            return line;
        }
        const std::size_t rest = end_ - begin_;
        if (const auto more = refill(); !more) {
            return Refusal(more.error());
        }
        searched = begin_ + rest;
    }
}

}  // namespace megabed
