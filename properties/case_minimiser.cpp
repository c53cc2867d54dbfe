#include "properties/case_minimiser.h"

#include "scenarios/request_fields.h"
#include "scenarios/request_toml.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

namespace megabed {
namespace {

using Clock = std::chrono::steady_clock;
using Cost = std::array<std::uint64_t, 7>;

/// Decimal digits up to the last that is not 0: 8500 has two, 8499 has four.
std::uint64_t significant_digits(std::uint64_t value) {
    constexpr std::uint64_t kBase = 10;
    while (value != 0 && value % kBase == 0) {
        value /= kBase;
    }
    std::uint64_t digits = 0;
    for (; value != 0; value /= kBase) {
        ++digits;
    }
    return digits;
}

double part_magnitude(const PartInput& part) {
    double sum = std::abs(part.rate) + part.count;
    for (const auto* numbers : {&part.values, &part.weights}) {
        for (const double number : *numbers) {
            constexpr double kSpecial = 1e6;
            sum += std::isfinite(number) ? std::abs(number) + (number < 0 ? 0.5 : 0.0) +
                                               (number != std::round(number) ? 1.0 : 0.0)
                                         : kSpecial + (std::signbit(number) ? 1.0 : 0.0);
        }
    }
    for (const std::uint32_t number : part.integers) {
        sum += number;
    }
    return sum;
}

/// What makes a case hard to read, the worst first: requests, fields that differ from the base, digits, size.
Cost cost_of(const LawCase& input) {
    const LaunchRequest base = base_request();
    const LaunchPolicyParameters standard;
    Cost cost{};
    cost[0] =
        input.steps.size() + input.part.values.size() + input.part.weights.size() + input.part.integers.size();
    cost[1] = input.prelude.size();
    for (const ParameterField& field : parameter_fields()) {
        const std::uint64_t value = field.get(input.parameters);
        if (value != field.get(standard)) {
            ++cost[2];
            cost[5] += significant_digits(value);
            cost[6] += std::min<std::uint64_t>(value, 1ULL << 40);
        }
    }
    for (const RequestField& field : request_fields()) {
        bool differs = false;
        for (const auto* requests : {&input.prelude, &input.steps}) {
            for (const LaunchRequest& request : *requests) {
                const auto value = field.get(request);
                if (value != field.get(base)) {
                    differs = true;
                    ++cost[4];
                    cost[5] += value ? significant_digits(*value) : 0;
                    cost[6] += std::min<std::uint64_t>(value.value_or(0), 1ULL << 40);
                }
            }
        }
        cost[3] += differs ? 1 : 0;
    }
    constexpr double kScale = 1024.0;
    cost[6] += static_cast<std::uint64_t>(std::min(part_magnitude(input.part) * kScale, 1e15));
    return cost;
}

/// Simpler numbers than `value`, the simplest first.
std::vector<std::uint64_t> simpler_numbers(std::uint64_t value, const LaunchPolicyParameters& parameters) {
    std::vector<std::uint64_t> numbers{0, 1, 2};
    std::uint64_t unit = 1;
    while (value / unit >= 10) {
        unit *= 10;
    }
    for (int digits = 1; digits <= 4 && unit > 0; ++digits, unit /= 10) {
        numbers.push_back(value / unit * unit);
        if (value <= ~std::uint64_t{0} - unit) {
            numbers.push_back((value / unit + 1) * unit);
        }
    }
    const std::uint64_t width = parameters.hysteresis.value();
    for (const BasisPoints threshold :
         {parameters.sparse_frontier_threshold, parameters.dense_frontier_threshold,
          parameters.memory_pressure_threshold}) {
        const std::uint64_t centre = threshold.value();
        for (const std::uint64_t near : {centre, centre - 1, centre + 1, centre - width, centre + width,
                                         centre - width - 1, centre + width + 1}) {
            if (near < value + kWholeBps && near <= kWholeBps) {
                numbers.push_back(near);
            }
        }
    }
    for (std::uint64_t step = value / 2; step > 0; step /= 2) {
        numbers.push_back(value - step);
    }
    if (value > 0) {
        numbers.push_back(value - 1);
    }
    return numbers;
}

class Minimiser {
public:
    Minimiser(LawCase input, const std::function<bool(const LawCase&)>& breaks, const MinimiserOptions& options)
        : best_(std::move(input)),
          cost_(cost_of(best_)),
          breaks_(breaks),
          deadline_(Clock::now() + options.budget) {}

    MinimisedCase run() {
        bool better = true;
        while (better && in_time()) {
            better = false;
            better |= remove_requests(&LawCase::prelude);
            better |= remove_requests(&LawCase::steps);
            better |= simplify_parameters();
            better |= move_hysteresis_home();
            better |= move_thresholds_home();
            better |= simplify_fields();
            better |= shrink_coupled_fields();
            better |= simplify_part();
        }
        return {std::move(best_), tries_, in_time()};
    }

private:
    [[nodiscard]] bool in_time() const { return Clock::now() < deadline_; }

    bool accept(const LawCase& candidate) {
        const Cost cost = cost_of(candidate);
        if (cost >= cost_ || !in_time()) {
            return false;
        }
        ++tries_;
        if (!breaks_(candidate)) {
            return false;
        }
        best_ = candidate;
        cost_ = cost;
        return true;
    }

    /// Delta debugging: ever smaller runs of requests are left out.
    bool remove_requests(std::vector<LaunchRequest> LawCase::*list) {
        bool better = false;
        for (std::size_t length = (best_.*list).size(); length > 0; length /= 2) {
            for (std::size_t at = 0; at + length <= (best_.*list).size();) {
                LawCase candidate = best_;
                auto& requests = candidate.*list;
                const auto first = requests.begin() + static_cast<std::ptrdiff_t>(at);
                requests.erase(first, first + static_cast<std::ptrdiff_t>(length));
                if (accept(candidate)) {
                    better = true;
                } else {
                    ++at;
                }
            }
        }
        return better;
    }

    bool simplify_parameters() {
        const LaunchPolicyParameters standard;
        LawCase candidate = best_;
        candidate.parameters = standard;
        bool better = accept(candidate);
        for (const ParameterField& field : parameter_fields()) {
            const std::uint64_t value = field.get(best_.parameters);
            if (value == field.get(standard)) {
                continue;
            }
            std::vector<std::uint64_t> numbers = simpler_numbers(value, standard);
            numbers.insert(numbers.begin(), field.get(standard));
            for (const std::uint64_t number : numbers) {
                candidate = best_;
                field.set(candidate.parameters, std::min(number, field.most));
                if (accept(candidate)) {
                    better = true;
                    break;
                }
            }
        }
        return better;
    }

    /// The hysteresis goes to its standard value, and the readings at the ends of its bands go along.
    bool move_hysteresis_home() {
        const LaunchPolicyParameters& parameters = best_.parameters;
        const int home = LaunchPolicyParameters{}.hysteresis.value();
        const int here = parameters.hysteresis.value();
        if (here == home) {
            return false;
        }
        LawCase candidate = best_;
        candidate.parameters.hysteresis = BasisPoints(static_cast<std::uint16_t>(home));
        const auto move = [&](std::optional<BasisPoints>& reading,
                              std::initializer_list<BasisPoints> thresholds) {
            for (const BasisPoints threshold : thresholds) {
                const int distance = reading ? reading->value() - threshold.value() : 0;
                const int beyond = std::abs(distance) - here;  // the end of the band, or one beside it
                if (distance != 0 && std::abs(beyond) <= 1) {
                    const int moved = threshold.value() + (distance < 0 ? -1 : 1) * (home + beyond);
                    reading = BasisPoints(static_cast<std::uint16_t>(std::max(moved, 0)));
                    return;
                }
            }
        };
        for (auto* const requests : {&candidate.prelude, &candidate.steps}) {
            for (LaunchRequest& request : *requests) {
                move(request.frontier_density,
                     {parameters.sparse_frontier_threshold, parameters.dense_frontier_threshold});
                move(request.memory_pressure, {parameters.memory_pressure_threshold});
            }
        }
        return accept(candidate);
    }

    /// A threshold goes to its standard value and the readings near it go along.
    bool move_thresholds_home() {
        struct Pair {
            std::string_view parameter;
            std::string_view field;
        };
        constexpr std::array kPairs{Pair{"hot_opcode_threshold", "hot_opcode_count"},
                                    Pair{"hot_window_threshold", "hot_window_count"},
                                    Pair{"jit_queue_len_threshold", "queue_len"},
                                    Pair{"fusion_edge_threshold", "graph_edge_count"},
                                    Pair{"sparse_frontier_threshold_bps", "frontier_density_bps"},
                                    Pair{"dense_frontier_threshold_bps", "frontier_density_bps"},
                                    Pair{"memory_pressure_threshold_bps", "memory_pressure_bps"}};
        bool better = false;
        const std::uint64_t width = best_.parameters.hysteresis.value();
        for (const Pair& pair : kPairs) {
            const ParameterField& parameter =
                *std::find_if(parameter_fields().begin(), parameter_fields().end(),
                              [&](const ParameterField& field) { return field.name == pair.parameter; });
            const RequestField& field =
                *std::find_if(request_fields().begin(), request_fields().end(),
                              [&](const RequestField& candidate) { return candidate.name == pair.field; });
            const std::uint64_t here = parameter.get(best_.parameters);
            const std::uint64_t home = parameter.get({});
            if (here == home) {
                continue;
            }
            LawCase candidate = best_;
            parameter.set(candidate.parameters, home);
            for (auto* const requests : {&candidate.prelude, &candidate.steps}) {
                for (LaunchRequest& request : *requests) {
                    const auto value = field.get(request);
                    const std::uint64_t depth = std::max<std::uint64_t>(here / 16, width) + 1;
                    if (value && *value + depth >= here && *value <= here + depth && *value + home >= here) {
                        field.set(request, std::min(*value + home - here, field.most));
                    }
                }
            }
            better |= accept(candidate);
        }
        return better;
    }

    /// Numbers that only break together become smaller together: one field in all requests, and the queue of
    /// one request with the requeues of another.
    bool shrink_coupled_fields() {
        bool better = false;
        for (std::uint64_t step = std::uint64_t{1} << 40; step > 0; step /= 2) {
            for (const RequestField& field : request_fields()) {
                LawCase candidate = best_;
                for (auto* const requests : {&candidate.prelude, &candidate.steps}) {
                    for (LaunchRequest& request : *requests) {
                        if (const auto value = field.get(request); value && *value >= step) {
                            field.set(request, *value - step);
                        }
                    }
                }
                better |= accept(candidate);
            }
            for (std::size_t requeued = 0; requeued < best_.steps.size(); ++requeued) {
                for (std::size_t queued = 0; queued < best_.steps.size(); ++queued) {
                    LawCase candidate = best_;
                    if (candidate.steps[requeued].requeue_count >= step &&
                        candidate.steps[queued].queue_len >= step) {
                        candidate.steps[requeued].requeue_count -= step;
                        candidate.steps[queued].queue_len -= static_cast<std::uint32_t>(step);
                        better |= accept(candidate);
                    }
                }
            }
        }
        return better;
    }

    /// The requests that one change reaches: all, those of the prelude, those of the law, or one.
    static std::vector<std::vector<LaunchRequest*>> scopes(LawCase& input) {
        std::vector<std::vector<LaunchRequest*>> all(3);
        for (LaunchRequest& request : input.prelude) {
            all[0].push_back(&request);
            all[1].push_back(&request);
            all.push_back({&request});
        }
        for (LaunchRequest& request : input.steps) {
            all[0].push_back(&request);
            all[2].push_back(&request);
            all.push_back({&request});
        }
        return all;
    }

    bool simplify_fields() {
        bool better = false;
        const LaunchRequest base = base_request();
        for (const RequestField& field : request_fields()) {
            const std::size_t count = scopes(best_).size();
            for (std::size_t scope = 0; scope < count; ++scope) {
                better |= set_to_simplest(field, scope, field.get(base));
            }
        }
        return better;
    }

    bool set_to_simplest(const RequestField& field, std::size_t scope, std::optional<std::uint64_t> base) {
        const auto present = scopes(best_)[scope];
        if (present.empty()) {
            return false;
        }
        std::vector<std::optional<std::uint64_t>> values{base};
        if (field.optional) {
            values.emplace_back(std::nullopt);
        }
        if (const auto value = field.get(*present.front())) {
            for (const std::uint64_t number : simpler_numbers(*value, best_.parameters)) {
                values.emplace_back(std::min(number, field.most));
            }
        }
        for (const auto& value : values) {
            LawCase candidate = best_;
            const auto reached = scopes(candidate);
            for (LaunchRequest* const request : reached[scope]) {
                field.set(*request, value);
            }
            if (accept(candidate)) {
                return true;
            }
        }
        return false;
    }

    bool simplify_part() {
        bool better = false;
        const auto attempt = [&](auto change) {
            LawCase candidate = best_;
            if (change(candidate.part)) {
                better |= accept(candidate);
            }
        };
        const auto remove = [](auto& list, std::size_t at, std::size_t count) {
            if (at + count > list.size()) {
                return false;
            }
            const auto first = list.begin() + static_cast<std::ptrdiff_t>(at);
            list.erase(first, first + static_cast<std::ptrdiff_t>(count));
            return true;
        };
        const std::size_t longest =
            std::max({best_.part.values.size(), best_.part.weights.size(), best_.part.integers.size()});
        for (std::size_t at = longest; at-- > 0;) {
            attempt([&](PartInput& part) { return remove(part.values, at, 1); });
            attempt([&](PartInput& part) { return remove(part.integers, at, 1); });
            attempt(
                [&](PartInput& part) { return remove(part.integers, at, 1) && remove(part.values, at, 1); });
            attempt([&](PartInput& part) {
                return remove(part.integers, 2 * at, 2) && remove(part.weights, at, 1);
            });
            attempt([&](PartInput& part) { return remove_direction(part, at); });
            attempt([&](PartInput& part) { return remove(part.weights, at, 1); });
            attempt([&](PartInput& part) { return remove(part.values, at, 1) && part.count-- > 1; });
            for (const double number : {0.0, 1.0, 2.0, 10.0}) {
                attempt([&](PartInput& part) { return put(part.values, at, number); });
                attempt([&](PartInput& part) { return put(part.weights, at, number); });
                attempt([&](PartInput& part) {
                    return put(part.integers, at, static_cast<std::uint32_t>(number));
                });
            }
            attempt([&](PartInput& part) {
                return at < part.values.size() && put(part.values, at, std::round(part.values[at]));
            });
            attempt([&](PartInput& part) {
                return at < part.values.size() && put(part.values, at, std::abs(part.values[at]));
            });
        }
        for (const std::uint32_t count : {0U, 1U, 2U, best_.part.count / 2}) {
            attempt([&](PartInput& part) { return std::exchange(part.count, count) != count; });
        }
        for (const double rate : {1.0, 0.5, std::round(best_.part.rate)}) {
            attempt([&](PartInput& part) { return std::exchange(part.rate, rate) != rate; });
        }
        return better;
    }

    template <class Number>
    static bool put(std::vector<Number>& list, std::size_t at, Number number) {
        return at < list.size() && std::exchange(list[at], number) != number;
    }

    /// Takes row and column `at` out of an n x n matrix, and the entry out of its gradient.
    static bool remove_direction(PartInput& part, std::size_t at) {
        const std::size_t n = part.count;
        if (at >= n || n < 2 || part.weights.size() < n * n || part.values.size() < n) {
            return false;
        }
        std::vector<double> smaller;
        for (std::size_t entry = 0; entry < part.weights.size(); ++entry) {
            if (entry >= n * n || (entry / n != at && entry % n != at)) {
                smaller.push_back(part.weights[entry]);
            }
        }
        part.weights = std::move(smaller);
        part.values.erase(part.values.begin() + static_cast<std::ptrdiff_t>(at));
        --part.count;
        return true;
    }

    LawCase best_;
    Cost cost_;
    const std::function<bool(const LawCase&)>& breaks_;
    Clock::time_point deadline_;
    std::uint64_t tries_ = 0;
};

}  // namespace

MinimisedCase minimise(LawCase input, const std::function<bool(const LawCase&)>& breaks,
                       const MinimiserOptions& options) {
    return Minimiser(std::move(input), breaks, options).run();
}

}  // namespace megabed
