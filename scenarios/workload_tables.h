#pragma once

#include "sim/scenario.h"

#include <array>
#include <string>
#include <string_view>

namespace megabed {

/// The tables of which a run holds one, such as `[run.bfs]`. Traversals have a table for each kind, so a table
/// is not simply an alternative of `Workload`.
inline constexpr std::array<std::string_view, 7> kWorkloadTables{
    "bfs", "sssp", "components", "pagerank", "synthetic", "service", "requests"};

/// The table that a workload is read from.
[[nodiscard]] std::string_view workload_table(const Workload& workload);

/// `[run.bfs], [run.sssp], ...`, for messages.
[[nodiscard]] std::string listed_workload_tables();

}  // namespace megabed
