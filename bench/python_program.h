#pragma once

#include "sim/input_error.h"

#include <string>
#include <vector>

namespace megabed {

/// Runs one of the project's Python programs, named relative to bench/, and waits for it: its exit status. It
/// is found where this build has it, else where it was installed. The interpreter is MEGABED_PYTHON, else
/// python3, or where that one lacks the modules in `needs`, the system's own. Errors: no interpreter, no such
/// program, or no interpreter with the modules (Unavailable).
[[nodiscard]] Loaded<int> run_python(const std::string& program, const std::vector<std::string>& arguments,
                                     const std::vector<std::string>& needs = {"matplotlib"});

}  // namespace megabed
