#pragma once

#include "scenarios/run_reader.h"
#include "scenarios/section_reader.h"
#include "sim/scenario.h"

#include <filesystem>

namespace megabed {

/// Reads `[run.service]` with its tenants; what is wrong goes to `errors`. Trace files are relative to
/// `folder`.
[[nodiscard]] ServiceWorkload read_service(const RunTables& tables, const std::filesystem::path& folder,
                                           FirstError& errors);

}  // namespace megabed
