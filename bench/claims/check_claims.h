#pragma once

#include "bench/claims/claims_file.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
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

/// Measures claims again; from their record where that is all there is. Claims that are not repeated and name
/// the same command share one run of it. `{scratch}` in a command is a folder that is gone at the end.
class ClaimChecker {
public:
    /// Requires: `root` is the checkout.
    explicit ClaimChecker(std::filesystem::path root);
    ClaimChecker(const ClaimChecker&) = delete;
    ClaimChecker& operator=(const ClaimChecker&) = delete;
    ~ClaimChecker();

    [[nodiscard]] ClaimReport check(const Claim& claim);

private:
    [[nodiscard]] std::optional<std::vector<std::string>> words_of(const Claim& claim) const;
    void measure(ClaimReport& report, const std::vector<std::string>& words);

    std::filesystem::path root_;
    std::filesystem::path scratch_;
    std::map<std::vector<std::string>, std::string> printed_;  ///< by command, what it printed
};

}  // namespace megabed
