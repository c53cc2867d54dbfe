#include "bench/study/message_link.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace megabed {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModule = "libmegabed_mpi.so";
constexpr const char* kMaker = "megabed_make_mpi_link";

bool started_by_mpirun() {
    constexpr std::array kNames{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"};
    for (const char* const name : kNames) {
        if (std::getenv(name) != nullptr) {  // NOLINT(concurrency-mt-unsafe): before any thread is started
            return true;
        }
    }
    return false;
}

/// Beside the program, as it is built, or in lib/megabed, as it is installed.
void* load_module() {
    std::error_code code;
    const fs::path folder = fs::read_symlink("/proc/self/exe", code).parent_path();
    for (const fs::path& path : {folder / kModule, folder / "../lib/megabed" / kModule}) {
        // Open MPI loads parts of itself that look for its symbols.
        if (void* const module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
            return module;
        }
    }
    return nullptr;
}

}  // namespace

Loaded<std::unique_ptr<MessageLink>> open_message_link() {
    if (!started_by_mpirun()) {
        return nullptr;
    }
    void* const module = load_module();
    void* const maker = module == nullptr ? nullptr : ::dlsym(module, kMaker);
    if (maker == nullptr) {
        return Refusal(
            InputError{.kind = InputErrorKind::Unavailable,
                       .where = "mpirun",
                       .line = {},
                       .key = {},
                       .problem = "this build of megabed has no MPI",
                       .allowed = "one that was built with libopenmpi-dev installed, or one process"});
    }
    using Make = MessageLink* (*)();
    return std::unique_ptr<MessageLink>(reinterpret_cast<Make>(maker)());
}

}  // namespace megabed
