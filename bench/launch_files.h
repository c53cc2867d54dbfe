#pragma once

#include "sim/launch_record.h"

#include <span>
#include <string>
#include <string_view>

namespace megabed {

/// One column of launches.csv, for documentation.
struct LaunchColumn {
    std::string_view name;
    std::string_view meaning;
};
[[nodiscard]] std::span<const LaunchColumn> launch_columns();

/// Builds launches.csv: a header, then one row a launch in order. A reading that was not taken is an empty
/// cell.
class LaunchesCsv {
public:
    LaunchesCsv();
    void record(const LaunchRecord& record);
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::string text_;
};

/// Builds trace.json in the Trace Event Format that Perfetto opens: launches and decisions as slices, queue,
/// density, pressure and worker groups as counters. Times in microseconds of the backend's clock.
class TraceJson {
public:
    explicit TraceJson(std::string_view run_name);
    void record(const LaunchRecord& record);
    /// Closes and gives the document; call once.
    [[nodiscard]] std::string take();

private:
    std::string text_;
};

}  // namespace megabed
