#pragma once

#include "sim/launch_record.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>

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
    /// What was added since the last call.
    [[nodiscard]] std::string take() { return std::exchange(text_, {}); }

private:
    std::string text_;
};

}  // namespace megabed
