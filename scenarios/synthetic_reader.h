#pragma once

#include "scenarios/run_reader.h"
#include "scenarios/section_reader.h"
#include "sim/scenario.h"

#include <filesystem>

namespace megabed {

/// Reads `[run.synthetic]`; what is wrong goes to `errors`. A recorded trace is relative to `folder`.
[[nodiscard]] SyntheticWorkload read_synthetic(const RunTables& tables, const std::filesystem::path& folder,
                                               FirstError& errors);

}  // namespace megabed
