#pragma once

#include "gpu/device_policy.h"
#include "policy/policy_parts.h"
#include "policy/reference_policy.h"
#include "properties/golden_file.h"
#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace megabed {

/// What golden rows are compared with.
struct ConformanceTarget {
    /// Answers of all questions, in order.
    std::function<Loaded<std::vector<Result<reference::Answer>>>(std::span<const PolicyCase>)> answer;
    /// The cache for rows of that kind. Null: only launch and sequence rows can be compared.
    std::unique_ptr<AnswerCache> (*make_cache)() = nullptr;
};

[[nodiscard]] ConformanceTarget reference_on_host();
/// One CUDA thread a row. Errors of its answers: no device.
[[nodiscard]] ConformanceTarget reference_on_device();

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
/// Errors: a file that is no golden file, a cell that cannot be read; those of the target's answers.
/// Source: spec "golden/".
[[nodiscard]] Loaded<ConformanceReport> check_conformance(
    const std::filesystem::path& path, const ConformanceTarget& target = reference_on_host());
[[nodiscard]] Loaded<ConformanceReport> check_conformance(GoldenFile file, const ConformanceTarget& target);

}  // namespace megabed
