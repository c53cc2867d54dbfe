#include "sim/adversary.h"

#include "sim/engine/counter_random.h"
#include "sim/hindsight.h"
#include "sim/run_scenario.h"
#include "sim/sim_backend.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>
#include <variant>

namespace megabed {
namespace {

constexpr std::uint64_t kAdversaryStream = 4'000'000'000'000;
using Trajectory = std::vector<std::int32_t>;

class Climber {
public:
    Climber(const Scenario& scenario, const MakeRunPolicy& make_policy, const std::stop_token& stop)
        : scenario_(scenario),
          workload_(std::get<SyntheticWorkload>(scenario.workload)),
          make_policy_(make_policy),
          stop_(stop),
          random_(scenario.seed, kAdversaryStream) {
        // What the search itself must not do: look for an adversary again.
        std::get<SyntheticWorkload>(trial_.workload) = workload_;
        trial_.faults = scenario.faults;
    }

    AdversaryResult climb() {
        for (const Trajectory& start : starts()) {
            offer(start);
        }
        Trajectory here = best_;
        double here_worth = best_worth_;
        std::uint32_t stuck = 0;
        while (more()) {
            Trajectory next = changed(here);
            const double worth = offer(next);
            if (worth >= here_worth) {
                stuck = worth > here_worth ? 0 : stuck + 1;
                here = std::move(next);
                here_worth = worth;
            } else {
                ++stuck;
            }
            constexpr std::uint32_t kPatience = 200;
            if (stuck > kPatience) {
                here = best_;
                here_worth = best_worth_;
                stuck = 0;
            }
        }
        AdversaryResult result{{}, std::max(best_worth_, 0.0), runs_, stop_.stop_requested()};
        for (const std::int32_t bps : best_) {
            result.trajectory.emplace_back(static_cast<std::uint16_t>(bps));
        }
        return result;
    }

private:
    [[nodiscard]] bool more() const { return runs_ < workload_.search_runs && !stop_.stop_requested(); }

    /// Square waves around each threshold, and one from end to end.
    [[nodiscard]] std::vector<Trajectory> starts() {
        const std::int32_t sparse = scenario_.parameters.sparse_frontier_threshold.value();
        const std::int32_t dense = scenario_.parameters.dense_frontier_threshold.value();
        const std::int32_t width = scenario_.parameters.hysteresis.value();
        const std::int32_t low = workload_.low.value();
        const std::int32_t high = workload_.high.value();
        std::vector<Trajectory> all;
        for (const auto& [from, to] :
             {std::pair(low, high), std::pair(sparse, sparse + 1),
              std::pair(sparse - width, sparse + width + 1), std::pair(dense - 1, dense),
              std::pair(dense - width - 1, dense + width)}) {
            Trajectory trajectory;
            for (std::uint64_t wave = 0; wave < workload_.waves; ++wave) {
                trajectory.push_back(wave % 2 == 0 ? from : to);
            }
            all.push_back(bounded(std::move(trajectory)));
        }
        return all;
    }

    /// The nearest trajectory from left to right that keeps to the range and the step.
    [[nodiscard]] Trajectory bounded(Trajectory trajectory) const {
        const std::int32_t step = workload_.step.value();
        for (std::size_t wave = 0; wave < trajectory.size(); ++wave) {
            std::int32_t& bps = trajectory[wave];
            bps = std::clamp<std::int32_t>(bps, workload_.low.value(), workload_.high.value());
            if (wave > 0) {
                bps = std::clamp(bps, trajectory[wave - 1] - step, trajectory[wave - 1] + step);
            }
        }
        return trajectory;
    }

    std::uint64_t below(std::uint64_t limit) { return random_.next() % limit; }

    /// One stretch set to a level, shifted, or made to oscillate.
    [[nodiscard]] Trajectory changed(Trajectory trajectory) {
        const std::size_t waves = trajectory.size();
        const std::size_t from = below(waves);
        const std::size_t length = 1 + below(std::max<std::size_t>(std::min<std::size_t>(waves - from, 32), 1));
        const std::int32_t low = workload_.low.value();
        const auto span = static_cast<std::uint64_t>(workload_.high.value() - low) + 1;
        const std::int32_t level = low + static_cast<std::int32_t>(below(span));
        const std::int32_t shift = static_cast<std::int32_t>(below(201)) - 100;
        const std::uint64_t period = 1 + below(8);
        const std::uint64_t kind = below(3);
        for (std::size_t wave = from; wave < from + length; ++wave) {
            std::int32_t& bps = trajectory[wave];
            const bool up = (wave - from) / period % 2 == 0;
            bps = kind == 0 ? level : kind == 1 ? bps + shift : level + (up ? shift : -shift);
        }
        return bounded(std::move(trajectory));
    }

    double offer(const Trajectory& trajectory) {
        if (!more()) {
            return -1;
        }
        ++runs_;
        auto& densities = std::get<SyntheticWorkload>(trial_.workload).trajectory;
        densities.clear();
        for (const std::int32_t bps : trajectory) {
            densities.emplace_back(static_cast<std::uint16_t>(bps));
        }
        const double worth = judge();
        if (worth > best_worth_) {
            best_worth_ = worth;
            best_ = trajectory;
        }
        return worth;
    }

    /// Flaps, or the regret as a share of the best makespan; 0 where there is no best.
    [[nodiscard]] double judge() const {
        const auto policy = make_policy_(trial_);
        const auto backend = make_sim_backend(trial_, nullptr);
        NoRecords sink;
        const auto summary = run_scenario(trial_, "sim", *policy, *backend, sink);
        if (!summary) {
            return 0;
        }
        if (workload_.goal == AdversaryGoal::Flaps) {
            return static_cast<double>(summary->flaps);
        }
        const auto plan = best_in_hindsight(trial_, nullptr);
        const double best = plan ? static_cast<double>(plan->makespan.value()) : 0;
        return best > 0 ? (static_cast<double>(summary->makespan.value()) - best) / best : 0;
    }

    const Scenario& scenario_;
    const SyntheticWorkload& workload_;
    const MakeRunPolicy& make_policy_;
    const std::stop_token& stop_;
    CounterRandom random_;
    Scenario trial_ = scenario_;
    Trajectory best_;
    double best_worth_ = -1;
    std::uint32_t runs_ = 0;
};

}  // namespace

bool is_adversarial(const Scenario& scenario) {
    const auto* const synthetic = std::get_if<SyntheticWorkload>(&scenario.workload);
    return synthetic != nullptr && synthetic->shape == DensityShape::Adversarial;
}

AdversaryResult worst_trajectory(const Scenario& scenario, const MakeRunPolicy& make_policy,
                                 const std::stop_token& stop) {
    assert(is_adversarial(scenario));
    return Climber(scenario, make_policy, stop).climb();
}

}  // namespace megabed
