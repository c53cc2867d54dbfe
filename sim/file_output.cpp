#include "sim/file_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace megabed {

Loaded<void> write_file(const std::filesystem::path& path, std::string_view content) {
    std::string temporary = path.string() + ".XXXXXX";
    const auto refuse = [&] {
        const int code = errno;
        return Refusal(
            InputError{.where = path.string(),
                       .line = {},
                       .key = {},
                       .problem = fmt::format("cannot be written: {}", std::generic_category().message(code)),
                       .allowed = {}});
    };
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
    const int descriptor = ::mkstemp(temporary.data());
    if (descriptor < 0) {
        return refuse();
    }
    constexpr mode_t kReadable = 0644;
    bool written = ::fchmod(descriptor, kReadable) == 0;
    std::string_view rest = content;
    while (written && !rest.empty()) {
        const ssize_t wrote = ::write(descriptor, rest.data(), rest.size());
        written = wrote > 0;
        rest.remove_prefix(written ? static_cast<std::size_t>(wrote) : 0);
    }
    written = written && ::fsync(descriptor) == 0;
    written = (::close(descriptor) == 0) && written;
    if (!written || std::rename(temporary.c_str(), path.c_str()) != 0) {
        const auto refusal = refuse();
        ::unlink(temporary.c_str());
        return refusal;
    }
    return {};
}

}  // namespace megabed
