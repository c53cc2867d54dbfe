#include "bench/python_program.h"

#include "bench/child_process.h"
#include "scenarios/shipped_folder.h"

#include <fmt/format.h>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace megabed {
namespace {

namespace fs = std::filesystem;

InputError unavailable(std::string where, std::string problem, std::string allowed) {
    return {.kind = InputErrorKind::Unavailable,
            .where = std::move(where),
            .line = {},
            .key = {},
            .problem = std::move(problem),
            .allowed = std::move(allowed)};
}

/// Interpreters to try. Another Python than the system's may stand first on the path.
std::vector<std::string> interpreters() {
    const char* const chosen = std::getenv("MEGABED_PYTHON");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    if (chosen != nullptr && *chosen != '\0') {
        return {chosen};
    }
    return {"python3", "/usr/bin/python3"};
}

bool has_modules(const std::string& interpreter, const std::vector<std::string>& needs) {
    constexpr const char* kLook =
        "import importlib.util, sys\n"
        "sys.exit(0 if all(importlib.util.find_spec(name) for name in sys.argv[1:]) else 1)";
    std::vector<std::string> words{interpreter, "-c", kLook};
    words.insert(words.end(), needs.begin(), needs.end());
    const auto looked = run_child(words, ChildOutput::Dropped);
    return looked && looked->status == 0;
}

Loaded<fs::path> find_program(const std::string& program) {
    const fs::path folder = find_shipped({.variable = "MEGABED_PROGRAMS",
                                          .name = "programs",
                                          .source = MEGABED_BENCH_SOURCE,
                                          .installed = MEGABED_BENCH_INSTALLED});
    std::error_code code;
    if (fs::is_regular_file(folder / program, code)) {
        return folder / program;
    }
    return Refusal(unavailable((folder / program).string(), "is not there",
                               "the whole checkout or package; MEGABED_PROGRAMS names its folder"));
}

}  // namespace

Loaded<int> run_python(const std::string& program, const std::vector<std::string>& arguments,
                       const std::vector<std::string>& needs) {
    const auto path = find_program(program);
    if (!path) {
        return Refusal(path.error());
    }
    for (const std::string& interpreter : interpreters()) {
        if (!has_modules(interpreter, needs)) {
            continue;
        }
        std::vector<std::string> words{interpreter, path->string()};
        words.insert(words.end(), arguments.begin(), arguments.end());
        if (const auto result = run_child(words, ChildOutput::Inherited)) {
            return result->status;
        }
    }
    return Refusal(
        unavailable("python3", fmt::format("none is here with {}", fmt::join(needs, ", ")),
                    fmt::format("the packages python3 and python3-{}; MEGABED_PYTHON names an interpreter",
                                fmt::join(needs, " and python3-"))));
}

}  // namespace megabed
