#include "bench/study/tune.h"

#include "bench/study/study_points.h"
#include "bench/study/study_workers.h"
#include "sim/engine/counter_random.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>
#include <set>
#include <utility>

namespace megabed {
namespace {

constexpr std::uint64_t kCandidateStream = 0x74756e65;  // "tune"
constexpr std::uint64_t kOrderStream = 0x6f726465;      // "orde"

/// A whole number of 0 to `size` - 1.
std::uint64_t below(CounterRandom& random, std::uint64_t size) { return random.next() % size; }

/// Uniform in [0, 1).
double fraction(CounterRandom& random) {
    constexpr int kShift = 11;
    constexpr double kUnit = 0x1.0p-53;
    return static_cast<double>(random.next() >> kShift) * kUnit;
}

std::string draw(const TunedParameter& parameter, CounterRandom& random) {
    if (!parameter.values.empty()) {
        return fmt::format("{}={}", parameter.key, parameter.values[below(random, parameter.values.size())]);
    }
    std::int64_t value = parameter.from;
    if (parameter.logarithmic) {
        const double low = std::log(static_cast<double>(parameter.from));
        const double high = std::log(static_cast<double>(parameter.to));
        value = std::llround(std::exp(low + (high - low) * fraction(random)));
    } else {
        const auto width = static_cast<std::uint64_t>(parameter.to - parameter.from) + 1;
        value += static_cast<std::int64_t>(below(random, width));
    }
    return fmt::format("{}={}", parameter.key, std::clamp(value, parameter.from, parameter.to));
}

/// The defaults, then candidates that differ from each other.
std::vector<Candidate> draw_candidates(const TunePlan& plan) {
    CounterRandom random(plan.seed, kCandidateStream);
    std::vector<Candidate> candidates{{}};
    std::set<Candidate> known;
    const std::size_t tries = plan.candidates * 100;
    for (std::size_t at = 0; at < tries && candidates.size() < plan.candidates; ++at) {
        Candidate candidate;
        for (const TunedParameter& parameter : plan.parameters) {
            candidate.push_back(draw(parameter, random));
        }
        if (known.insert(candidate).second) {
            candidates.push_back(std::move(candidate));
        }
    }
    return candidates;
}

/// Runs a study's points for candidates in place of the policy that is tuned. A makespan once known is kept.
class Evaluator {
public:
    Evaluator(const Study& study, StudyWorkers& workers) : study_(study), points_(study), workers_(workers) {
        // Points of the policy to tune; those of the baseline stand beside them.
        for (std::uint64_t id = 1; id <= study.runs(); ++id) {
            const StudyPoint point = study.point(id);
            ids_.at(point.policy).push_back(id);
        }
    }

    [[nodiscard]] std::size_t points() const { return ids_[kTunedPolicy].size(); }
    [[nodiscard]] std::uint64_t runs() const { return runs_; }
    [[nodiscard]] std::size_t scenario_of(std::size_t place) const {
        return study_.point(ids_[kTunedPolicy][place]).scenario;
    }

    /// False: interrupted.
    [[nodiscard]] bool run(const std::vector<Candidate>& candidates, const std::vector<std::size_t>& places) {
        std::vector<PointSpec> specs;
        std::vector<Key> keys;
        const auto ask = [&](const Candidate& candidate, std::size_t policy, std::size_t place) {
            Key key{policy, candidate, place};
            if (makespans_.contains(key)) {
                return;
            }
            PointSpec& spec = specs.emplace_back(points_.spec(ids_[policy][place]));
            spec.settings.insert(spec.settings.end(), candidate.begin(), candidate.end());
            spec.id = keys.size();
            spec.timeline = false;
            spec.hindsight = false;
            makespans_.emplace(key, 0);
            keys.push_back(std::move(key));
        };
        for (const std::size_t place : places) {
            ask({}, kTuneBaseline, place);
            for (const Candidate& candidate : candidates) {
                ask(candidate, kTunedPolicy, place);
            }
        }
        return workers_.run_all(specs, [&](const RunOutcome& outcome) {
            ++runs_;
            const bool done = !outcome.error && outcome.makespan_ns;
            makespans_[keys[static_cast<std::size_t>(outcome.id)]] = done ? *outcome.makespan_ns : 0;
        });
    }

    /// Of points that were run.
    [[nodiscard]] TuneScore score(const Candidate& candidate, const std::vector<std::size_t>& places) const {
        double own = 0;
        double baseline = 0;
        bool failed = false;
        for (const std::size_t place : places) {
            const std::int64_t tuned_ns = makespans_.at({kTunedPolicy, candidate, place});
            const std::int64_t baseline_ns = makespans_.at({kTuneBaseline, {}, place});
            if (baseline_ns <= 0) {
                continue;  // says nothing about either
            }
            failed = failed || tuned_ns <= 0;
            own += std::log(static_cast<double>(std::max<std::int64_t>(1, tuned_ns)));
            baseline += std::log(static_cast<double>(baseline_ns));
        }
        const auto count = static_cast<double>(places.size());
        return {failed ? 0 : std::exp(own / count), std::exp(baseline / count), places.size()};
    }

private:
    using Key = std::tuple<std::size_t, Candidate, std::size_t>;

    const Study& study_;
    StudyPoints points_;
    StudyWorkers& workers_;
    std::array<std::vector<std::uint64_t>, 2> ids_;
    std::map<Key, std::int64_t> makespans_;  ///< 0: the run failed
    std::uint64_t runs_ = 0;
};

/// Points in an order of which every beginning holds as many scenarios as it can: a seed of each, in an order
/// drawn once, then the next seed of each.
std::vector<std::size_t> point_order(const Evaluator& evaluator, std::uint64_t seed) {
    CounterRandom random(seed, kOrderStream);
    std::map<std::size_t, std::vector<std::size_t>> by_scenario;
    for (std::size_t place = 0; place < evaluator.points(); ++place) {
        by_scenario[evaluator.scenario_of(place)].push_back(place);
    }
    std::vector<std::vector<std::size_t>> lists;
    lists.reserve(by_scenario.size());
    for (auto& [scenario, places] : by_scenario) {
        lists.push_back(std::move(places));
    }
    for (std::size_t left = lists.size(); left > 1; --left) {
        std::swap(lists[left - 1], lists[below(random, left)]);
    }
    std::vector<std::size_t> order;
    for (std::size_t round = 0; order.size() < evaluator.points(); ++round) {
        for (const auto& list : lists) {
            if (round < list.size()) {
                order.push_back(list[round]);
            }
        }
    }
    return order;
}

InputError interrupted() {
    return {.kind = InputErrorKind::Interrupted,
            .where = "tune",
            .line = {},
            .key = {},
            .problem = "interrupted",
            .allowed = {}};
}

/// Keeps the best `keep` of the candidates, the defaults among them whatever they are worth.
std::vector<Candidate> best_of(std::vector<Candidate> candidates, const Evaluator& evaluator,
                               const std::vector<std::size_t>& places, std::size_t keep) {
    const auto better = [&](const Candidate& left, const Candidate& right) {
        return evaluator.score(left, places).speedup() > evaluator.score(right, places).speedup();
    };
    std::stable_sort(candidates.begin() + 1, candidates.end(), better);
    candidates.resize(std::min(candidates.size(), std::max<std::size_t>(2, keep)));
    return candidates;
}

std::vector<ScenarioVerdict> verdict_of(const Study& study, const Evaluator& evaluator, const Candidate& best) {
    std::vector<ScenarioVerdict> rows;
    for (std::size_t scenario = 0; scenario < study.scenarios.size(); ++scenario) {
        std::vector<std::size_t> places;
        for (std::size_t place = 0; place < evaluator.points(); ++place) {
            if (evaluator.scenario_of(place) == scenario) {
                places.push_back(place);
            }
        }
        rows.push_back({study.scenarios[scenario].label, evaluator.score(best, places).speedup(),
                        evaluator.score({}, places).speedup()});
    }
    return rows;
}

}  // namespace

Loaded<TuneResult> tune(const TunePlan& plan, const TuneOptions& options) {
    StudyWorkers workers(options.jobs, options.stop);
    Evaluator training(plan.tuned_on, workers);
    const std::vector<std::size_t> order = point_order(training, plan.seed);
    std::vector<Candidate> candidates = draw_candidates(plan);
    TuneResult result;
    // As many rungs as it takes to come down to one candidate.
    std::size_t rungs = 1;
    for (std::size_t left = candidates.size(); left > 1; left = (left + plan.eta - 1) / plan.eta) {
        ++rungs;
    }
    for (std::size_t rung = 1; rung <= rungs; ++rung) {
        double share = 1;
        for (std::size_t above = rung; above < rungs; ++above) {
            share /= static_cast<double>(plan.eta);
        }
        const auto wanted =
            std::clamp(static_cast<std::size_t>(std::ceil(share * static_cast<double>(order.size()))),
                       std::min(plan.points_min, order.size()), order.size());
        const std::vector<std::size_t> places(order.begin(),
                                              order.begin() + static_cast<std::ptrdiff_t>(wanted));
        if (options.progress) {
            options.progress(fmt::format("rung {} of {}: {} candidates on {} points", rung, rungs,
                                         candidates.size(), places.size()));
        }
        if (!training.run(candidates, places)) {
            return Refusal(interrupted());
        }
        const std::size_t tried = candidates.size();
        candidates = best_of(std::move(candidates), training, places, (tried + plan.eta - 1) / plan.eta);
        double best = 0;
        for (const Candidate& candidate : candidates) {
            best = std::max(best, training.score(candidate, places).speedup());
        }
        result.rungs.push_back({tried, places.size(), best});
    }
    std::vector<std::size_t> all(training.points());
    std::iota(all.begin(), all.end(), std::size_t{0});
    result.defaults_tuned_on = training.score({}, all);
    result.tuned_on = result.defaults_tuned_on;
    for (const Candidate& candidate : candidates) {
        if (const TuneScore score = training.score(candidate, all);
            score.speedup() > result.tuned_on.speedup()) {
            result.best = candidate;
            result.tuned_on = score;
        }
    }
    if (result.tuned_on.speedup() == 0) {
        return Refusal(InputError{.where = plan.tuned_on.path,
                                  .line = {},
                                  .key = "parameter",
                                  .problem = "no candidate finished all runs",
                                  .allowed = "ranges in which the policy can run"});
    }
    if (options.progress) {
        options.progress("the verdict, on scenarios held out");
    }
    Evaluator verdict(plan.held_out, workers);
    std::vector<std::size_t> places(verdict.points());
    std::iota(places.begin(), places.end(), std::size_t{0});
    if (!verdict.run({{}, result.best}, places)) {
        return Refusal(interrupted());
    }
    result.held_out = verdict.score(result.best, places);
    result.defaults_held_out = verdict.score({}, places);
    result.verdict = verdict_of(plan.held_out, verdict, result.best);
    result.runs = training.runs() + verdict.runs();
    return result;
}

}  // namespace megabed
