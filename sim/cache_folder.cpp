#include "sim/cache_folder.h"

#include <cstdlib>

namespace megabed {
namespace {

std::optional<std::filesystem::path> variable(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr && *value != '\0' ? std::optional<std::filesystem::path>(value) : std::nullopt;
}

}  // namespace

std::optional<std::filesystem::path> user_cache_folder() {
    if (const auto chosen = variable("MEGABED_CACHE_DIR")) {
        return chosen;
    }
    if (const auto cache = variable("XDG_CACHE_HOME")) {
        return *cache / "megabed";
    }
    if (const auto home = variable("HOME")) {
        return *home / ".cache" / "megabed";
    }
    return std::nullopt;
}

}  // namespace megabed
