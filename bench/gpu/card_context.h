#pragma once

#include "sim/input_error.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

/// What is written into every record of a measurement on a card: name and value.
using CardContext = std::map<std::string, std::string>;

/// The clocks of the current card, looked at while it works.
/// Source: NVML (libnvidia-ml.so.1, which comes with the driver); where it is not there, what CUDA calls the
/// highest clocks.
class CardClocks {
public:
    /// Requires: there is a card.
    CardClocks();
    CardClocks(const CardClocks&) = delete;
    CardClocks& operator=(const CardClocks&) = delete;
    ~CardClocks();

    /// Reads the clocks, unless it did within the last 20 ms. To be called right after measured work.
    void look();
    /// sm_clock_mhz (the median of all looks), sm_clock_mhz_min, sm_clock_mhz_max, memory_clock_mhz,
    /// clock_looks and clock_source.
    [[nodiscard]] CardContext context() const;
    /// Of the driver; says so where only the CUDA version that it supports is known.
    [[nodiscard]] std::string driver() const;

private:
    struct Nvml;
    std::unique_ptr<Nvml> nvml_;  ///< null: not there
    std::vector<std::uint32_t> sm_mhz_;
    std::uint32_t memory_mhz_ = 0;
    std::int64_t last_look_ns_ = 0;
};

/// What is known before the first measurement: card, driver, cuda_runtime, cuda_compiler, date_utc,
/// git_revision. Errors: Unavailable, where there is no card.
[[nodiscard]] Loaded<CardContext> card_context(const CardClocks& clocks);

/// The folder of a card under bench/results: `NVIDIA H200` is in `h200`, `NVIDIA GeForce RTX 4090` in
/// `geforce-rtx-4090`.
[[nodiscard]] std::string results_folder_of(std::string_view card);

/// The middle of some values, the upper one of two. Requires: not empty.
[[nodiscard]] std::uint32_t middle_of(std::vector<std::uint32_t> values);

}  // namespace megabed
