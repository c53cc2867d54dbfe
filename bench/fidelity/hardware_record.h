#pragma once

#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

/// What a card took for runs, stored so that a machine without one can compare with it: a folder with
/// record.json (provenance, and of every run the time of each repetition) and waves.csv.gz (the median of every
/// launch).
namespace megabed {

/// One launch of a recorded run.
struct RecordedLaunch {
    std::string topology;
    std::uint32_t queue_len = 0;
    std::int64_t ns = 0;  ///< median over the repetitions, without drain, relaunch and compilation

    bool operator==(const RecordedLaunch&) const = default;
};

/// One run of a scenario under one policy.
struct RecordedRun {
    std::string scenario;  ///< FILE/RUN
    std::string policy;
    std::vector<std::int64_t> busy_ns;  ///< of all launches, a value a repetition
    std::vector<RecordedLaunch> launches;

    bool operator==(const RecordedRun&) const = default;
};

struct HardwareRecord {
    std::map<std::string, std::string> context;  ///< card, driver, date_utc, git_revision and more
    std::vector<RecordedRun> runs;

    bool operator==(const HardwareRecord&) const = default;
};

/// Both files, each whole or not at all; record.json comes last. Errors: of writing.
[[nodiscard]] Loaded<void> write_record(const std::filesystem::path& folder, const HardwareRecord& record);

/// `path`: the folder, or its record.json. Errors: file, key or line, what is there and what is allowed.
[[nodiscard]] Loaded<HardwareRecord> load_record(const std::filesystem::path& path);

}  // namespace megabed
