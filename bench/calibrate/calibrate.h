#pragma once

#include "sim/input_error.h"

#include <filesystem>
#include <string>

namespace megabed {

struct CalibrateOptions {
    std::filesystem::path out;  ///< the profile
    std::string samples;        ///< where the samples of the fit are kept, too; empty: nowhere
    bool show_progress = true;
};

/// Measures this machine's card and writes a device profile with what its waves cost: constants by small
/// kernels, and the terms of sim/costs/wave_terms.h by runs of scenarios/calibration/probes.toml, fitted by
/// bench/calibrate/fit_profile.py. Returns that program's exit status.
/// Errors: Unavailable, where there is no card or no SciPy; of the runs and of files.
[[nodiscard]] Loaded<int> calibrate(const CalibrateOptions& options);

}  // namespace megabed
