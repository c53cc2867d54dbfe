#pragma once

#include "policy/units.h"
#include "sim/input_error.h"
#include "sim/scenario.h"

#include <filesystem>
#include <vector>

namespace megabed {

/// Reads recorded arrivals: CSV, plain or gzip, with a header. Columns `time_ns` (required, never going back),
/// `opcode` and `work_ns`; others are passed over. 0 in `work_ns`: the tenant's item time.
/// Errors: as LineReader; a column missing or there twice; a cell that is no number; time that goes back; no
/// rows.
[[nodiscard]] Loaded<std::vector<TraceItem>> load_arrival_trace(const std::filesystem::path& path);

/// Reads the column `density_bps` of a CSV, such as the launches.csv of an earlier run.
/// Errors: as above; a density above 10000.
[[nodiscard]] Loaded<std::vector<BasisPoints>> load_density_trace(const std::filesystem::path& path);

}  // namespace megabed
