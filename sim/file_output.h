#pragma once

#include "sim/input_error.h"

#include <filesystem>
#include <string_view>

namespace megabed {

/// Writes a file whole or not at all: into a temporary file beside it, flushed, then renamed over it.
/// Errors: the directory is missing or not writable; the disk is full. No temporary file is left behind.
[[nodiscard]] Loaded<void> write_file(const std::filesystem::path& path, std::string_view content);

}  // namespace megabed
