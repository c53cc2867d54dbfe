#pragma once

#include "sim/input_error.h"

#include <filesystem>
#include <string>
#include <vector>

namespace megabed {

struct CalibrateOptions {
    std::filesystem::path out;  ///< the profile
    std::string samples;        ///< where the samples of the fit are kept, too; empty: nowhere
    bool show_progress = true;
};

/// Fits a profile to samples that `calibrate` has kept: constants and times are theirs, the waves are gone
/// through again, so that no card is needed when the terms of waves change. Returns and errors as `calibrate`.
/// `also`: runs (FILE/RUN) of the stored record in `records` that it is fitted to, too; compare does not judge
/// by them.
struct RefitOptions {
    std::filesystem::path samples;
    std::vector<std::string> also;
    std::filesystem::path records;
};
[[nodiscard]] Loaded<int> refit(const RefitOptions& what, const CalibrateOptions& options);

/// Measures this machine's card and writes a device profile with what its waves cost: constants by small
/// kernels, and the terms of sim/costs/wave_terms.h by runs of scenarios/calibration/probes.toml, fitted by
/// bench/calibrate/fit_profile.py. Returns that program's exit status.
/// Errors: Unavailable, where there is no card or no SciPy; of the runs and of files.
[[nodiscard]] Loaded<int> calibrate(const CalibrateOptions& options);

}  // namespace megabed
