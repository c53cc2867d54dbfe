#include "bench/version.h"

#include "generated/revision.h"

#include <fmt/format.h>

namespace megabed {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

}  // namespace

std::string version() { return MEGABED_VERSION; }
std::string revision() { return MEGABED_REVISION; }
std::string compiler() { return kCompiler; }

std::string revision_date() { return MEGABED_REVISION_DATE; }

std::string version_text() {
    return fmt::format("megabed {} ({}), {}, CUDA {}", version(), revision(), kCompiler, MEGABED_CUDA_VERSION);
}

}  // namespace megabed
