#pragma once

#include "bench/fidelity/agreement.h"
#include "bench/fidelity/hardware_record.h"
#include "sim/input_error.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace megabed {

struct CompareOptions {
    std::vector<std::string> scenarios;  ///< files or catalog names; empty: all of a stored reference
    std::vector<std::string> policies;   ///< empty: all of a stored reference, or those of `default_policies`
    std::string device = "h200-megakernel";       ///< profile of the simulation
    std::string reference = "cuda";               ///< this machine's card, or a stored record
    std::vector<std::string> settings;            ///< as `--set`, for the simulator and the card
    std::optional<std::filesystem::path> record;  ///< folder that takes what the card did
    unsigned repetitions = 3;                     ///< on the card
    bool show_progress = true;
};

/// Policies that the card is measured under where none is named: some that the profile was fitted with, some
/// not.
[[nodiscard]] std::vector<std::string> default_policies();

/// A run under one policy, simulated and measured.
struct ComparedRun {
    TimePair time;
    std::vector<std::string> topologies;
    std::vector<std::int64_t> simulated_ns;  ///< of every launch
    std::vector<std::int64_t> measured_ns;
    /// The first launch whose topology or queue is another; absent: both did the same.
    std::optional<std::size_t> differs_at;

    /// Median over the launches of |simulated - measured| / measured.
    [[nodiscard]] double wave_error() const;
};

struct ComparedRuns {
    std::vector<ComparedRun> runs;
    std::map<std::string, std::string> context;  ///< of the measurement
    std::string device;                          ///< profile of the simulation
};

/// Simulates every run and holds it against the reference. What a launch takes leaves out drain, relaunch and
/// compilation, on both sides.
/// Errors: of scenarios, policies and the record; a run that the record lacks; a workload without waves;
/// Unavailable, where there is no card to measure on.
[[nodiscard]] Loaded<ComparedRuns> compare_runs(const CompareOptions& options);

}  // namespace megabed
