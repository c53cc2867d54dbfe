#pragma once

#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace megabed {

/// What the runs of one policy came to under one combination of parameters, or on one scenario. Means are over
/// runs; nothing where no run tells.
struct StudyFigures {
    std::string group;  ///< label of the combination or of the scenario
    std::string policy;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    std::optional<double> makespan_geomean_ns;  ///< of makespans above 0
    std::optional<double> regret_mean;
    std::optional<double> flaps_mean;
    std::optional<double> switches_mean;    ///< of topology
    std::optional<double> cache_hit_share;  ///< of all requests, where the study counts them
};

enum class FigureGroup : std::uint8_t { Variant, Scenario };

/// The figures of a study's database, in the study's order; policies run fastest. Opens the file read-only.
/// Errors: it cannot be read.
[[nodiscard]] Loaded<std::vector<StudyFigures>> study_figures(const std::filesystem::path& path,
                                                              FigureGroup group);

/// Why runs failed, and how many for each reason.
struct StudyFailure {
    std::string error;
    std::uint64_t runs = 0;
};

/// At most `most` of them, the most frequent first. Opens the file read-only. Errors: it cannot be read.
[[nodiscard]] Loaded<std::vector<StudyFailure>> study_failures(const std::filesystem::path& path,
                                                               std::uint64_t most);

}  // namespace megabed
