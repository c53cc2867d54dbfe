#pragma once

#include "bench/study/study.h"
#include "sim/input_error.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace megabed {

/// A parameter that a search draws values of.
struct TunedParameter {
    std::string key;  ///< as `--set` takes it
    std::int64_t from = 0;
    std::int64_t to = 0;
    bool logarithmic = false;         ///< as likely in every decade, where values span several
    std::vector<std::string> values;  ///< to choose from in place of a range, as TOML
};

/// What `megabed tune` reads (keys: bench/study/STUDIES.md).
struct TunePlan {
    Study tuned_on;  ///< policies: the one to tune, then the baseline; likewise
    Study held_out;
    std::vector<TunedParameter> parameters;
    std::size_t candidates = 81;
    std::size_t eta = 3;  ///< a rung keeps one of so many, and tries those on so many times as many points
    std::size_t points_min = 1;  ///< points of the first rung at least
    std::uint64_t seed = 1;      ///< of the candidates and of the order of points
};

/// Indices into the policies of a plan's studies.
inline constexpr std::size_t kTunedPolicy = 0;
inline constexpr std::size_t kTuneBaseline = 1;

/// Errors: as load_study; a parameter that the policy does not take; a scenario both tuned on and held out.
[[nodiscard]] Loaded<TunePlan> load_tune_plan(const std::filesystem::path& path);

}  // namespace megabed
