#pragma once

#include <filesystem>
#include <optional>

namespace megabed {

/// Where this user's caches are: `MEGABED_CACHE_DIR`, else `XDG_CACHE_HOME`/megabed, else
/// `HOME`/.cache/megabed; nothing without any of them. The folder may not exist yet.
[[nodiscard]] std::optional<std::filesystem::path> user_cache_folder();

}  // namespace megabed
