#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// How far simulated times are from measured ones.
namespace megabed {

/// A run under one policy, simulated and measured.
struct TimePair {
    std::string scenario;  ///< FILE/RUN
    std::string policy;
    double simulated_ns = 0;
    double measured_ns = 0;  ///< median of the repetitions
    double noise_ns = 0;     ///< largest less least of them
    bool fitted = false;     ///< the profile was fitted to this run

    /// (simulated - measured) / measured.
    [[nodiscard]] double error() const { return simulated_ns / measured_ns - 1; }
};

struct Agreement {
    std::size_t pairs = 0;
    double median_abs_error = 0;
    double p90_abs_error = 0;
    /// Kendall's tau of the policies' order, over those that the measurement tells apart: (concordant -
    /// discordant pairs) / pairs, the mean over scenarios; absent where none is told apart. Source: Kendall,
    /// Biometrika 30 (1938).
    std::optional<double> kendall_tau;
    /// Share of two policies' differences, of those larger than both noises together, that have the same sign.
    std::optional<double> sign_agreement;
    std::size_t differences = 0;  ///< that it is a share of
};

/// Requires: a pair; measured times above 0.
[[nodiscard]] Agreement agreement_of(std::span<const TimePair> pairs);

/// The value below which `share` of the values are, linear between neighbours. Requires: a value; share in [0,
/// 1].
[[nodiscard]] double quantile(std::vector<double> values, double share);

}  // namespace megabed
