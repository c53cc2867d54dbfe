#pragma once

#include "policy/policy.h"
#include "properties/law_case.h"
#include "properties/policy_law.h"

#include <optional>
#include <string>

namespace megabed {

/// A policy being asked one request after another, as a runner would: an answer's state is carried, an error
/// leaves it as it was.
class Walk {
public:
    /// Stands where the case's prelude leads.
    Walk(const Policy& policy, const LawCase& input);

    /// Decides without moving on.
    [[nodiscard]] Result<Decision> look(const LaunchRequest& request) {
        observation_.request = request;
        return policy_.recommend(observation_, state_);
    }
    /// Decides and moves on if there is an answer.
    Result<Decision> take(const LaunchRequest& request);

    [[nodiscard]] const PolicyState& state() const { return state_; }
    /// The frontier topology of the last answer that had one.
    [[nodiscard]] std::optional<DispatchTopology> settled() const { return settled_; }

private:
    const Policy& policy_;
    Observation observation_{};
    PolicyState state_{};
    std::optional<DispatchTopology> settled_{};
};

/// The classes of parameters: standard or custom, and how wide their hysteresis is.
[[nodiscard]] std::uint32_t parameter_classes(const LaunchPolicyParameters& parameters);
/// The classes that every case counts: parameters and start.
[[nodiscard]] std::uint32_t start_classes(const LawCase& input);
/// The class of an answer's topology, or of a refusal.
[[nodiscard]] std::uint32_t answer_class(const Result<Decision>& decision);

/// The signals in which two requests may differ.
enum StepSignal : std::uint32_t {
    kDensity = 1,
    kPressure = 2,
    kHotOpcodes = 4,
    kHotWindows = 8,
    kEdges = 16,
    kQueue = 32,
    kRequeues = 64,
    kNodes = 128,
};

/// Whether two requests are equal but for the given signals.
[[nodiscard]] bool differ_only_in(const LaunchRequest& left, const LaunchRequest& right, std::uint32_t signals);
/// Whether all steps of a case are, pairwise.
[[nodiscard]] bool steps_differ_only_in(const LawCase& input, std::uint32_t signals);

/// The cell of a density in the partition cut by both bands: below, sparse band, between, dense band, above.
[[nodiscard]] int density_cell(const LaunchPolicyParameters& parameters, BasisPoints density);

/// t - max(1, t/16), the lower end of a counter's band. Requires: threshold >= 2.
[[nodiscard]] std::uint32_t counter_band_low(std::uint32_t threshold);

[[nodiscard]] Judgement outside_domain();
[[nodiscard]] Judgement breaks(std::uint32_t classes, std::string why);

/// Starts a case: valid parameters, and in half of the cases up to three requests that lead to a state:
/// variants of `request` with other signals, sometimes any request.
void draw_start(Choices& choices, LawCase& input, LaunchRequest& request);
/// A start and one request as its only step.
void draw_any_step(Choices& choices, LawCase& input);
/// Whether no adapter limit is 0.
[[nodiscard]] bool has_limits(const LaunchRequest& request);
/// Draws density, pressure, hot counts and edges anew.
void redraw_signals(Choices& choices, const LaunchPolicyParameters& parameters, LaunchRequest& request);

}  // namespace megabed
