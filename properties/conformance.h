#pragma once

#include "properties/golden_file.h"
#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace megabed {

/// Where the reference policy is asked.
enum class ConformancePlace : std::uint8_t {
    Host,
    Device,  ///< one CUDA thread a row; launch and sequence rows only
};

/// How one golden file compares with this policy.
struct ConformanceReport {
    std::string file;
    std::string kind;  ///< which function the rows are of
    std::uint64_t rows = 0;
    std::uint64_t mismatches = 0;
    std::vector<std::string> examples;  ///< the first few mismatches, a line each
};

/// Compares every row of a golden CSV file with the reference policy. The kind is known by the header.
/// Rows with outcome `panic` or `error` expect a typed error; NaNs are compared as a class.
/// Errors: a file that is no golden file, a cell that cannot be read; for Device, no device.
/// Source: spec "golden/".
[[nodiscard]] Loaded<ConformanceReport> check_conformance(const std::filesystem::path& path,
                                                          ConformancePlace place = ConformancePlace::Host);
[[nodiscard]] Loaded<ConformanceReport> check_conformance(GoldenFile file, ConformancePlace place);

}  // namespace megabed
