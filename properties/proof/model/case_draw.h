#pragma once

#include "policy/launch_parameters.h"
#include "policy/launch_request.h"

#include <cstdint>
#include <optional>
#include <random>

namespace megabed::proof {

/// Draws the inputs of a tie: numbers of any magnitude, and thresholds and extremes each -1, +0 and +1.
class CaseDraw {
public:
    explicit CaseDraw(std::uint64_t seed) : engine_(seed) {}

    [[nodiscard]] LaunchPolicyParameters any_parameters();
    /// What law O6 accepts.
    [[nodiscard]] LaunchPolicyParameters valid_parameters();
    /// About half of the requests are of a size that does not overflow.
    [[nodiscard]] LaunchRequest request(const LaunchPolicyParameters& parameters);
    /// Uniform in 0..end-1.
    [[nodiscard]] std::uint64_t below(std::uint64_t end) { return engine_() % end; }
    /// Mostly inside the band of a threshold or just outside.
    [[nodiscard]] BasisPoints density(const LaunchPolicyParameters& parameters);
    [[nodiscard]] BasisPoints pressure(const LaunchPolicyParameters& parameters);

private:
    [[nodiscard]] std::uint64_t magnitude(unsigned bits);
    [[nodiscard]] std::uint32_t near(std::uint32_t value);
    [[nodiscard]] BasisPoints reading_near(BasisPoints threshold, BasisPoints hysteresis);
    [[nodiscard]] std::uint32_t count();
    [[nodiscard]] std::optional<std::uint32_t> maybe_count(std::uint32_t threshold);

    std::mt19937_64 engine_;
};

}  // namespace megabed::proof
