#pragma once

#include "policy/policy.h"
#include "sim/engine/checkpoint.h"
#include "sim/engine/counter_random.h"
#include "sim/scenario.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace megabed {

/// What stands between the readings of a backend and the policy: drops, delays, quantises, corrupts and
/// reorders them as the scenario says. Faults act in the order in which the scenario lists them, each with a
/// random stream of its own, drawn once a launch whatever the readings are, so that policies meet the same
/// faults.
class TelemetryFaults {
public:
    /// Requires: `faults` outlives this.
    TelemetryFaults(const std::vector<TelemetryFault>& faults, std::uint64_t seed);

    [[nodiscard]] bool any() const { return !states_.empty(); }
    /// What the policy gets to see of one launch.
    [[nodiscard]] Observation deliver(const Observation& truth);

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& launch_;
        for (State& state : states_) {
            archive& state.random;
            archive_plain(archive, state.delivered);
            archive_plain(archive, state.late);
            archive_plain(archive, state.late_in);
            archive_plain_items(archive, state.past);
        }
    }

private:
    /// One reading; a counter is always there.
    using Reading = std::optional<std::uint64_t>;
    struct State {
        CounterRandom random;
        std::vector<Reading> past{};  ///< Delay: a ring of the last `amount` readings
        Reading delivered{};          ///< the value that came through last
        Reading late{};               ///< Reorder: a reading that is on its way
        std::uint32_t late_in = 0;    ///< launches until it arrives; 0: none is on its way
    };

    [[nodiscard]] static Reading read(const LaunchRequest& request, Signal signal);
    static void write(LaunchRequest& request, Signal signal, Reading reading);
    [[nodiscard]] static Reading disturb(const TelemetryFault& fault, State& state, Reading reading,
                                         std::uint64_t launch, bool hit, std::uint64_t draw);

    const std::vector<TelemetryFault>& faults_;
    std::vector<State> states_;
    std::uint64_t launch_ = 0;
};

/// As in a scenario file.
[[nodiscard]] std::string_view to_string(Signal signal);
[[nodiscard]] std::string_view to_string(FaultKind kind);

}  // namespace megabed
