#include "sim/file_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace megabed {

Loaded<FileStream> FileStream::create(const std::filesystem::path& path) {
    // A rename would put a file in the place of a device or a folder.
    std::error_code code;
    const auto status = std::filesystem::status(path, code);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        return Refusal(InputError{.where = path.string(),
                                  .line = {},
                                  .key = {},
                                  .problem = "is no regular file",
                                  .allowed = "the name of a file, new or to be replaced"});
    }
    std::string temporary = path.string() + ".XXXXXX";
    const int descriptor = ::mkstemp(temporary.data());
    FileStream stream(path, std::move(temporary), descriptor);
    constexpr mode_t kReadable = 0644;
    if (descriptor < 0 || ::fchmod(descriptor, kReadable) != 0) {
        return stream.refusal(errno);
    }
    return stream;
}

FileStream::FileStream(std::filesystem::path path, std::string temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

FileStream::FileStream(FileStream&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      failure_(other.failure_),
      buffer_(std::move(other.buffer_)) {}

FileStream& FileStream::operator=(FileStream&& other) noexcept {
    if (this != &other) {
        discard();
        path_ = std::move(other.path_);
        temporary_ = std::move(other.temporary_);
        descriptor_ = std::exchange(other.descriptor_, -1);
        failure_ = other.failure_;
        buffer_ = std::move(other.buffer_);
    }
    return *this;
}

FileStream::~FileStream() { discard(); }

void FileStream::append(std::string_view text) {
    constexpr std::size_t kBlock = std::size_t{1} << 20;
    buffer_ += text;
    if (buffer_.size() >= kBlock) {
        flush();
    }
}

Loaded<void> FileStream::commit() {
    flush();
    if (failure_ == 0 && ::fsync(descriptor_) != 0) {
        failure_ = errno;
    }
    if (::close(std::exchange(descriptor_, -1)) != 0 && failure_ == 0) {
        failure_ = errno;
    }
    if (failure_ == 0 && std::rename(temporary_.c_str(), path_.c_str()) != 0) {
        failure_ = errno;
    }
    if (failure_ != 0) {
        ::unlink(temporary_.c_str());
        return refusal(failure_);
    }
    return {};
}

void FileStream::flush() {
    std::string_view rest = buffer_;
    while (failure_ == 0 && !rest.empty()) {
        const ssize_t wrote = ::write(descriptor_, rest.data(), rest.size());
        if (wrote < 0) {
            failure_ = errno;
        } else {
            rest.remove_prefix(static_cast<std::size_t>(wrote));
        }
    }
    buffer_.clear();
}

void FileStream::discard() {
    if (descriptor_ >= 0) {
        ::close(std::exchange(descriptor_, -1));
        ::unlink(temporary_.c_str());
    }
}

Refusal FileStream::refusal(int code) const {
    return Refusal(
        InputError{.where = path_.string(),
                   .line = {},
                   .key = {},
                   .problem = fmt::format("cannot be written: {}", std::generic_category().message(code)),
                   .allowed = {}});
}

Loaded<void> write_file(const std::filesystem::path& path, std::string_view content) {
    auto stream = FileStream::create(path);
    if (!stream) {
        return Refusal(stream.error());
    }
    stream->append(content);
    return stream->commit();
}

}  // namespace megabed
