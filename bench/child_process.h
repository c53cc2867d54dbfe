#pragma once

#include <optional>
#include <string>
#include <vector>

namespace megabed {

/// Where a child's standard output goes.
enum class ChildOutput : unsigned char {
    Inherited,
    Captured,
    Dropped,  ///< its standard error, too
};

struct ChildResult {
    int status = 0;      ///< exit status; 128 + the signal that ended it
    std::string output;  ///< what it wrote, if captured
};

/// Runs a program, looked up on the PATH where it has no slash, with standard input closed, and waits for it.
/// Nothing: it could not be started. Requires: `words` has the program first.
[[nodiscard]] std::optional<ChildResult> run_child(const std::vector<std::string>& words, ChildOutput output);

}  // namespace megabed
