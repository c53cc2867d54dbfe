#pragma once

#include "bench/claims/claims_file.h"

#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

enum class ClaimVerdict : std::uint8_t {
    Same,
    Faster,
    Slower,
    Ambiguous,  ///< measurements on both sides of the tolerance, or none
};
/// `SAME`, `FASTER`, `SLOWER`, `AMBIGUOUS`.
[[nodiscard]] std::string_view to_string(ClaimVerdict verdict);

struct ClaimReport {
    const Claim* claim = nullptr;
    ClaimVerdict verdict{};
    std::vector<double> measured;  ///< in the claim's unit, ascending; a measurement each
    std::string source;            ///< what was measured: the command, or the record that was read
    std::string note;              ///< why nothing was measured
};

/// What measurements say about a stated value. Requires: `measured` ascends.
[[nodiscard]] ClaimVerdict judge_claim(const Claim& claim, const std::vector<double>& measured);

/// Measures a claim again; from its record where that is all there is. Requires: `root` is the checkout.
[[nodiscard]] ClaimReport check_claim(const Claim& claim, const std::filesystem::path& root);

}  // namespace megabed
