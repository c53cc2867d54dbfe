#include "scenarios/shipped_folder.h"

#include <cstdlib>
#include <system_error>

namespace megabed {
namespace {

namespace fs = std::filesystem;

/// PREFIX/share/megabed, for a program that is in PREFIX/bin.
fs::path data_beside_program() {
    std::error_code code;
    const fs::path program = fs::read_symlink("/proc/self/exe", code);
    return code ? fs::path() : program.parent_path().parent_path() / "share" / "megabed";
}

}  // namespace

fs::path find_shipped(const ShippedFolder& folder) {
    const char* const chosen = std::getenv(folder.variable);
    if (chosen != nullptr && *chosen != '\0') {
        return chosen;
    }
    std::error_code code;
    if (fs::path beside = data_beside_program() / folder.name; fs::is_directory(beside, code)) {
        return beside;
    }
    return fs::is_directory(folder.source, code) ? folder.source : folder.installed;
}

}  // namespace megabed
