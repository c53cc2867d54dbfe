#pragma once

#include <string>

namespace megabed {

/// `0.1.0`
[[nodiscard]] std::string version();
/// The git revision this was built from, with `-dirty` for local changes.
[[nodiscard]] std::string revision();
/// The day of that revision, as 2026-11-23; empty where git does not tell.
[[nodiscard]] std::string revision_date();
/// Name and version of the compiler that built this.
[[nodiscard]] std::string compiler();
/// Version, revision, compiler and whether CUDA parts are built; the text of `--version`.
[[nodiscard]] std::string version_text();

}  // namespace megabed
