#pragma once

#include "gpu/service/service_layout.h"
#include "sim/input_error.h"

#include <cstdint>

namespace megabed {

/// Groups of `lanes` lanes that are resident on the current device at a time, beside the steward's block; at
/// most kServiceGroupsMax. `decides`: of the kernel whose steward decides launches.
/// Errors: Unavailable, in CUDA's words, or if not even one is.
[[nodiscard]] Loaded<std::uint32_t> resident_service_groups(std::uint32_t lanes, bool decides);

/// Starts the service on `stream` (a cudaStream_t): a block of `lanes` lanes for the steward and one for each
/// of `groups` groups, all resident. It ends on Park, or when it is aborted. Its steward decides launches where
/// the state has rules. Requires: lanes a multiple of 32, groups <= state.ring.worker_count and what is
/// resident. Errors: Unavailable, in CUDA's words.
[[nodiscard]] Loaded<void> start_service(const ServiceState& state, std::uint32_t groups, std::uint32_t lanes,
                                         void* stream);

}  // namespace megabed
