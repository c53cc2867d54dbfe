#pragma once

#include "policy/policy.h"
#include "policy/units.h"
#include "sim/scenario.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

namespace megabed {

/// A fresh policy for a scenario. Called once a simulation.
using MakeRunPolicy = std::function<std::unique_ptr<Policy>(const Scenario&)>;

/// Whether the scenario's densities are still to be searched for.
[[nodiscard]] bool is_adversarial(const Scenario& scenario);

/// What the adversary found.
struct AdversaryResult {
    std::vector<BasisPoints> trajectory;  ///< densities, one a wave
    double worth = 0;                     ///< flaps, or regret as a share of the best makespan
    std::uint32_t runs = 0;               ///< simulations spent
    bool stopped = false;                 ///< asked to stop before it was through
};

/// Searches for the trajectory of densities that makes a policy flap, or regret, the most: hill climbing on the
/// simulator from oscillations around each threshold, with changes of one stretch at a time and restarts from
/// the best when it gets stuck. Densities stay between `low` and `high` and move by at most `step` from wave to
/// wave. A lower bound of the worst case, found again from the same seed. Requires: the scenario's workload is
/// synthetic and adversarial. Cost: `search_runs` simulations of `waves` waves.
[[nodiscard]] AdversaryResult worst_trajectory(const Scenario& scenario, const MakeRunPolicy& make_policy,
                                               const std::stop_token& stop = {});

}  // namespace megabed
