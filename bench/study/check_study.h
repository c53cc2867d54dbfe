#pragma once

#include "bench/study/study_database.h"

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace megabed {

/// A run that came out differently when it was done again.
struct DifferentRun {
    std::uint64_t id = 0;
    std::string label;  ///< scenario run, policy and seed
    std::string expected;
    std::string digest;  ///< what was seen; the error of a run that could not be done
};

struct CheckResult {
    std::uint64_t checked = 0;
    bool interrupted = false;
    std::vector<DifferentRun> different;
};

/// Does stored runs again and compares digests. Plug-ins among their policies are loaded first.
/// Errors: a plug-in that is not there.
[[nodiscard]] Loaded<CheckResult> check_sample(const StoredSample& sample, unsigned jobs, std::stop_token stop);

}  // namespace megabed
