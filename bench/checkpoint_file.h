#pragma once

#include "scenarios/scenario_loader.h"
#include "sim/input_error.h"

#include <filesystem>
#include <string>

namespace megabed {

/// A simulation that was stopped on its way, as a file holds it.
struct StoredCheckpoint {
    std::string scenario_path;
    std::string scenario_text;
    ScenarioOverrides overrides;
    std::string run;    ///< its name in the scenario
    std::string state;  ///< what ScenarioRun::save wrote
};

/// Writes a checkpoint: a line of JSON about the run, then its state and a checksum.
/// Errors: as write_file.
[[nodiscard]] Loaded<void> write_checkpoint(const std::filesystem::path& path,
                                            const StoredCheckpoint& checkpoint);

/// Errors: no checkpoint; damaged; written by another version or revision of the program.
[[nodiscard]] Loaded<StoredCheckpoint> load_checkpoint(const std::filesystem::path& path);

}  // namespace megabed
