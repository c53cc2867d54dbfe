#pragma once

#include "sim/input_error.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace megabed {

/// A file that is written piece by piece under a temporary name beside its own, and takes its own name when it
/// is whole. Without `commit` nothing remains.
class FileStream {
public:
    /// Errors: the folder does not take a file; the name is that of a device or a folder.
    [[nodiscard]] static Loaded<FileStream> create(const std::filesystem::path& path);

    FileStream(FileStream&& other) noexcept;
    FileStream& operator=(FileStream&& other) noexcept;
    ~FileStream();

    /// Pieces are gathered and written in large blocks. A failure is reported by `commit`.
    void append(std::string_view text);
    /// Writes what is left and gives the file its name. Errors: any write that failed, a full disk say.
    [[nodiscard]] Loaded<void> commit();

private:
    FileStream(std::filesystem::path path, std::string temporary, int descriptor);
    void flush();
    void discard();
    [[nodiscard]] Refusal refusal(int code) const;

    std::filesystem::path path_;
    std::string temporary_;
    int descriptor_ = -1;
    int failure_ = 0;  ///< errno of the first write that failed
    std::string buffer_;
};

/// Writes a whole file under a temporary name and renames it: readers see the old file or the new one.
/// Errors: as FileStream.
[[nodiscard]] Loaded<void> write_file(const std::filesystem::path& path, std::string_view content);

}  // namespace megabed
