#include "properties/boundary_enumeration.h"

#include "properties/walk.h"
#include "scenarios/request_toml.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <mutex>
#include <thread>

namespace megabed {
namespace {

using Clock = std::chrono::steady_clock;
template <class Value>
using Readings = std::vector<std::optional<Value>>;

/// Each boundary with its neighbours, sorted and unique, within [0, most].
std::vector<std::uint32_t> with_neighbours(std::initializer_list<std::int64_t> boundaries, std::int64_t most) {
    std::vector<std::uint32_t> values;
    for (const std::int64_t boundary : boundaries) {
        for (const std::int64_t value : {boundary - 1, boundary, boundary + 1}) {
            if (value >= 0 && value <= most) {
                values.push_back(static_cast<std::uint32_t>(value));
            }
        }
    }
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
}

Readings<BasisPoints> as_readings(const std::vector<std::uint32_t>& values) {
    Readings<BasisPoints> readings{std::nullopt};
    for (const std::uint32_t value : values) {
        readings.emplace_back(BasisPoints(static_cast<std::uint16_t>(value)));
    }
    return readings;
}

/// Counts at, around and below a counter's band.
std::vector<std::uint32_t> counter_classes(std::uint32_t threshold) {
    const std::int64_t low = threshold >= 2 ? counter_band_low(threshold) : threshold;
    return with_neighbours({0, low, threshold}, std::numeric_limits<std::uint32_t>::max());
}

/// One limit pair of law O4.
struct Limits {
    std::uint32_t group = 0;
    std::uint32_t invocations = 0;
};

/// Representatives of every signal.
struct Grid {
    Readings<BasisPoints> densities;
    Readings<BasisPoints> pressures;
    std::vector<std::uint32_t> queues;
    std::vector<std::uint32_t> opcodes;
    std::vector<std::uint32_t> windows;
    Readings<std::uint32_t> edges;
    Readings<std::uint32_t> nodes{std::nullopt, 0U, 100'000U};
    Readings<std::uint32_t> groups{std::nullopt, 1U, 31U, 32U, 33U, 256U, 100'000U};
    std::vector<Limits> limits{{1, 1}, {31, 1024}, {32, 32}, {256, 1024}, {1024, 256}, {1024, 100}};
};

Grid grid_of(const LaunchPolicyParameters& parameters) {
    const std::int64_t sparse = parameters.sparse_frontier_threshold.value();
    const std::int64_t dense = parameters.dense_frontier_threshold.value();
    const std::int64_t pressure = parameters.memory_pressure_threshold.value();
    const std::int64_t width = parameters.hysteresis.value();
    const std::int64_t span = std::max<std::int64_t>(kWholeBps - pressure, 1);
    constexpr std::int64_t kBpsMax = 65'535;
    constexpr std::int64_t kCountMax = std::numeric_limits<std::uint32_t>::max();
    Grid grid;
    grid.densities =
        as_readings(with_neighbours({0, sparse / 8, sparse / 4, sparse / 2, sparse - width, sparse,
                                     sparse + width, dense - width, dense, dense + width, kWholeBps, kBpsMax},
                                    kBpsMax));
    grid.pressures = as_readings(with_neighbours(
        {0, pressure - width, pressure, pressure + span / 3, pressure + 2 * span / 3, kWholeBps, kBpsMax},
        kBpsMax));
    grid.queues = counter_classes(parameters.jit_queue_len_threshold);
    grid.queues.push_back(static_cast<std::uint32_t>(kCountMax / 2 + 1));
    grid.queues.push_back(static_cast<std::uint32_t>(kCountMax));
    grid.opcodes = counter_classes(parameters.hot_opcode_threshold);
    grid.windows = {0, parameters.hot_window_threshold};
    grid.edges = {std::nullopt};
    for (const std::uint32_t edges : counter_classes(parameters.fusion_edge_threshold)) {
        grid.edges.emplace_back(edges);
    }
    return grid;
}

/// Requests that lead to every settled topology, constrained or not, cold or warm.
std::vector<std::vector<LaunchRequest>> preludes_of(const LaunchPolicyParameters& parameters) {
    LaunchRequest cold = base_request();
    cold.queue_len = 1;
    cold.graph_edge_count = parameters.fusion_edge_threshold;
    cold.memory_pressure = BasisPoints(1);
    const auto at_density = [&](std::uint32_t density, bool hot) {
        LaunchRequest request = cold;
        request.frontier_density = BasisPoints(static_cast<std::uint16_t>(density));
        request.hot_opcode_count = hot ? parameters.hot_opcode_threshold : 0;
        request.queue_len = hot ? std::max(parameters.jit_queue_len_threshold, 1U) : 1;
        request.requested_hit_capacity = 1;
        return request;
    };
    const std::uint32_t middle = (std::uint32_t{parameters.sparse_frontier_threshold.value()} +
                                  parameters.dense_frontier_threshold.value()) /
                                 2;
    std::vector<std::vector<LaunchRequest>> preludes{{}};
    for (const bool hot : {false, true}) {
        for (const std::uint32_t density : {1U, middle, kWholeBps}) {
            const LaunchRequest settled = at_density(density, hot);
            LaunchRequest pressed = settled;
            pressed.memory_pressure = BasisPoints(kWholeBps);
            LaunchRequest empty = settled;
            empty.queue_len = 0;
            preludes.push_back({settled});
            preludes.push_back({settled, pressed});
            preludes.push_back({settled, empty});
            preludes.push_back({pressed});
        }
    }
    return preludes;
}

/// A state and the shortest known way to it.
struct Start {
    PolicyState state{};
    std::vector<LaunchRequest> prelude;
};

std::vector<Start> distinct_starts(const Policy& policy, const LaunchPolicyParameters& parameters) {
    std::vector<Start> starts;
    for (auto& prelude : preludes_of(parameters)) {
        LawCase input;
        input.prelude = prelude;
        const PolicyState state = Walk(policy, input).state();
        const bool known =
            std::any_of(starts.begin(), starts.end(), [&](const Start& start) { return start.state == state; });
        if (!known) {
            starts.push_back({state, std::move(prelude)});
        }
    }
    return starts;
}

/// Counts and the first break of one law, from one thread.
class Tally {
public:
    Tally(const LaunchPolicyParameters& parameters, std::string law) : parameters_(parameters) {
        result_.law = std::move(law);
    }
    void asked(std::uint64_t decisions) {
        ++result_.classes;
        result_.decisions += decisions;
    }
    void broken(const Start& start, std::vector<LaunchRequest> steps) {
        ++result_.broken;
        if (!result_.first_broken) {
            result_.first_broken = LawCase{parameters_, start.prelude, std::move(steps), {}};
        }
    }
    [[nodiscard]] EnumeratedLaw take() { return std::move(result_); }

private:
    const LaunchPolicyParameters& parameters_;
    EnumeratedLaw result_;
};

/// Follows every sequence of the given variants of a request from a state, as a graph: a node is a state, the
/// topology of the last answer and whether it has changed. False as soon as a second change is found, or a
/// change away from Fused where that is forbidden.
class SequenceGraph {
public:
    SequenceGraph(const Policy& policy, bool fused_must_stay)
        : policy_(policy), fused_must_stay_(fused_must_stay) {}

    /// The steps of a sequence that breaks the law; empty if none does.
    std::vector<LaunchRequest> breaking_sequence(const PolicyState& start,
                                                 const std::vector<LaunchRequest>& variants,
                                                 std::uint64_t& decisions) {
        nodes_.clear();
        nodes_.push_back({start, std::nullopt, false, 0, 0});
        for (std::size_t at = 0; at < nodes_.size(); ++at) {
            for (std::size_t variant = 0; variant < variants.size(); ++variant) {
                ++decisions;
                observation_.request = variants[variant];
                const auto decision = policy_.recommend(observation_, nodes_[at].state);
                if (!decision) {
                    continue;
                }
                const DispatchTopology topology = decision->recommendation.topology;
                const Node from = nodes_[at];
                const bool changes = from.topology && *from.topology != topology;
                const bool forbidden =
                    changes &&
                    (from.changed || (fused_must_stay_ && from.topology == DispatchTopology::FusedDense));
                const Node to{decision->next, topology, from.changed || changes, at, variant};
                if (forbidden) {
                    return path_to(to, variants);
                }
                const bool known = std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
                    return node.state == to.state && node.topology == to.topology && node.changed == to.changed;
                });
                if (!known) {
                    nodes_.push_back(to);
                }
            }
        }
        return {};
    }

private:
    struct Node {
        PolicyState state{};
        std::optional<DispatchTopology> topology{};
        bool changed = false;
        std::size_t parent = 0;
        std::size_t variant = 0;
    };

    std::vector<LaunchRequest> path_to(Node node, const std::vector<LaunchRequest>& variants) {
        std::vector<LaunchRequest> steps;
        while (node.topology) {
            steps.push_back(variants[node.variant]);
            node = nodes_[node.parent];
        }
        std::reverse(steps.begin(), steps.end());
        return steps;
    }

    const Policy& policy_;
    bool fused_must_stay_;
    std::vector<Node> nodes_;
    Observation observation_{};
};

/// Every combination of graph, counters and queue that the sequence laws fix.
template <class Visit>
void for_each_setting(const Grid& grid, Visit visit) {
    LaunchRequest request = base_request();
    for (const std::uint32_t queue : {grid.queues.front(), 1U, grid.queues[grid.queues.size() / 2]}) {
        request.queue_len = queue;
        for (const std::uint32_t opcodes : grid.opcodes) {
            request.hot_opcode_count = opcodes;
            for (const std::uint32_t windows : grid.windows) {
                request.hot_window_count = windows;
                for (const auto& edges : grid.edges) {
                    request.graph_edge_count = edges;
                    for (const auto& nodes : grid.nodes) {
                        request.graph_node_count = nodes;
                        visit(request);
                    }
                }
            }
        }
    }
}

void check_band_sequences(const Policy& policy, const Grid& grid, const Start& start,
                          const std::vector<std::uint32_t>& readings, bool density, Tally& tally) {
    SequenceGraph graph(policy, false);
    for_each_setting(grid, [&](LaunchRequest request) {
        for (const auto& other : density ? grid.pressures : grid.densities) {
            (density ? request.memory_pressure : request.frontier_density) = other;
            std::vector<LaunchRequest> variants;
            for (const std::uint32_t reading : readings) {
                (density ? request.frontier_density : request.memory_pressure) =
                    BasisPoints(static_cast<std::uint16_t>(reading));
                variants.push_back(request);
            }
            std::uint64_t decisions = 0;
            auto steps = graph.breaking_sequence(start.state, variants, decisions);
            tally.asked(decisions);
            if (!steps.empty()) {
                tally.broken(start, std::move(steps));
            }
        }
    });
}

/// Boundaries and their neighbours as far as they are inside a band; of a band of width 0, its one point.
std::vector<std::uint32_t> within(std::initializer_list<std::int64_t> boundaries, std::uint32_t low,
                                  std::uint32_t high) {
    std::vector<std::uint32_t> readings = with_neighbours(boundaries, high);
    std::erase_if(readings, [low](std::uint32_t reading) { return reading < low; });
    return readings;
}

EnumeratedLaw enumerate_s1(const Policy& policy, const LaunchPolicyParameters& parameters, const Grid& grid,
                           const Start& start) {
    Tally tally(parameters, "S1");
    for (const BasisPoints threshold :
         {parameters.sparse_frontier_threshold, parameters.dense_frontier_threshold}) {
        const std::uint32_t centre = threshold.value();
        const std::uint32_t low = centre - parameters.hysteresis.value();
        const std::uint32_t high = centre + parameters.hysteresis.value();
        check_band_sequences(policy, grid, start, within({low, centre, high}, low, high), true, tally);
    }
    return tally.take();
}

EnumeratedLaw enumerate_s2(const Policy& policy, const LaunchPolicyParameters& parameters, const Grid& grid,
                           const Start& start) {
    Tally tally(parameters, "S2");
    const std::uint32_t threshold = parameters.memory_pressure_threshold.value();
    const std::uint32_t low = threshold - parameters.hysteresis.value();
    check_band_sequences(policy, grid, start, within({low, threshold}, low, threshold), false, tally);
    return tally.take();
}

EnumeratedLaw enumerate_s3(const Policy& policy, const LaunchPolicyParameters& parameters, const Grid& grid,
                           const Start& start) {
    Tally tally(parameters, "S3");
    SequenceGraph graph(policy, true);
    const auto band = [](std::uint32_t threshold) {
        std::vector<std::uint32_t> counts{threshold};
        if (threshold >= 2) {
            counts.push_back(counter_band_low(threshold));
            if (counter_band_low(threshold) + 1 < threshold) {
                counts.push_back(threshold - 1);
            }
        }
        return counts;
    };
    LaunchRequest request = base_request();
    for (const std::uint32_t queue : {0U, 1U, parameters.jit_queue_len_threshold}) {
        request.queue_len = queue;
        for (const auto& nodes : grid.nodes) {
            request.graph_node_count = nodes;
            for (const auto& density : grid.densities) {
                request.frontier_density = density;
                for (const auto& pressure : grid.pressures) {
                    request.memory_pressure = pressure;
                    std::vector<LaunchRequest> variants;
                    for (const std::uint32_t opcodes : band(parameters.hot_opcode_threshold)) {
                        for (const std::uint32_t windows : band(parameters.hot_window_threshold)) {
                            for (const std::uint32_t edges : band(parameters.fusion_edge_threshold)) {
                                request.hot_opcode_count = opcodes;
                                request.hot_window_count = windows;
                                request.graph_edge_count = edges;
                                variants.push_back(request);
                            }
                        }
                    }
                    std::uint64_t decisions = 0;
                    auto steps = graph.breaking_sequence(start.state, variants, decisions);
                    tally.asked(decisions);
                    if (!steps.empty()) {
                        tally.broken(start, std::move(steps));
                    }
                }
            }
        }
    }
    return tally.take();
}

/// Budgets at which the tight and the full capacity just fit or just do not.
std::vector<std::optional<Bytes>> budgets_of(const LaunchPolicyParameters& parameters,
                                             const LaunchRequest& request) {
    std::vector<std::optional<Bytes>> budgets{std::nullopt};
    const std::uint64_t hits = std::uint64_t{request.queue_len} * std::max(request.expected_hits_per_item, 1U);
    for (const std::uint64_t multiplier :
         {std::uint64_t{1}, std::uint64_t{parameters.hit_capacity_multiplier}}) {
        const std::uint64_t entries = std::max<std::uint64_t>(hits * multiplier, parameters.min_hit_capacity);
        const std::uint64_t peak =
            request.resident_device_bytes.value() + entries * parameters.scratch_bytes_per_hit;
        for (const std::uint64_t budget : {peak - 1, peak, peak + 1}) {
            budgets.emplace_back(Bytes(budget));
        }
    }
    return budgets;
}

/// O1, O4, M1a and M2b in one pass: the pressures are the innermost signal, in ascending order.
class SingleDecisions {
public:
    SingleDecisions(const Policy& policy, const LaunchPolicyParameters& parameters, const Grid& grid,
                    const Start& start)
        : policy_(policy),
          parameters_(parameters),
          grid_(grid),
          start_(start),
          o1_(parameters, "O1"),
          o4_(parameters, "O4"),
          m1a_(parameters, "M1a"),
          m2b_(parameters, "M2b") {}

    std::vector<EnumeratedLaw> run(const std::stop_token& stop) {
        LaunchRequest request = base_request();
        request.resident_device_bytes = Bytes(1'000'000);
        for (const std::uint32_t queue : grid_.queues) {
            request.queue_len = queue;
            for (const auto& budget : budgets_of(parameters_, request)) {
                request.device_memory_budget = budget;
                for (const auto& nodes : grid_.nodes) {
                    request.graph_node_count = nodes;
                    if (stop.stop_requested()) {
                        return {};
                    }
                    for_each_shape(request);
                }
            }
        }
        return {o1_.take(), o4_.take(), m1a_.take(), m2b_.take()};
    }

private:
    void for_each_shape(LaunchRequest request) {
        for (const std::uint32_t opcodes : {0U, parameters_.hot_opcode_threshold}) {
            request.hot_opcode_count = opcodes;
            for (const auto& groups : grid_.groups) {
                request.requested_worker_groups = groups;
                for (const Limits& limits : grid_.limits) {
                    request.max_workgroup_size_x = limits.group;
                    request.max_compute_invocations_per_workgroup = limits.invocations;
                    for (const auto& density : grid_.densities) {
                        request.frontier_density = density;
                        along_pressures(request);
                    }
                }
            }
        }
    }

    void along_pressures(const LaunchRequest& request) {
        std::optional<LaunchRecommendation> least;  // the smallest launch so far
        LaunchRequest least_request = request;
        std::optional<LaunchRequest> refused;
        observation_.request = request;
        for (const auto& pressure : grid_.pressures) {
            observation_.request.memory_pressure = pressure;
            const auto decision = policy_.recommend(observation_, start_.state);
            o1_.asked(1);
            check_totality(decision);
            if (decision) {
                check_lanes(decision->recommendation);
            }
            if (!pressure) {
                continue;
            }
            m1a_.asked(1);
            m2b_.asked(1);
            if (!decision) {
                refused = refused ? refused : std::optional(observation_.request);
                continue;
            }
            if (refused) {
                m2b_.broken(start_, {*refused, observation_.request});
            }
            check_growth(decision->recommendation, least, least_request);
        }
    }

    void check_totality(const Result<Decision>& decision) {
        const bool known =
            decision ? static_cast<std::size_t>(decision->recommendation.topology) < kAllTopologies.size()
                     : decision.error().code <= ErrorCode::NotSupported;
        if (!known) {
            o1_.broken(start_, {observation_.request});
        }
    }

    void check_lanes(const LaunchRecommendation& answer) {
        constexpr std::uint32_t kWarp = 32;
        const LaunchRequest& request = observation_.request;
        const std::uint32_t limit =
            std::min(request.max_workgroup_size_x, request.max_compute_invocations_per_workgroup);
        const std::uint32_t lanes = answer.geometry.workgroup_size_x;
        o4_.asked(1);
        if (lanes < 1 || lanes > limit || (limit >= kWarp && lanes % kWarp != 0)) {
            o4_.broken(start_, {request});
        }
    }

    void check_growth(const LaunchRecommendation& answer, std::optional<LaunchRecommendation>& least,
                      LaunchRequest& least_request) {
        const auto lanes = [](const LaunchRecommendation& launch) {
            return std::uint64_t{launch.geometry.dispatch_grid[0]} * launch.geometry.workgroup_size_x;
        };
        const bool grows = least && (answer.worker_groups > least->worker_groups ||
                                     answer.geometry.dispatch_grid[0] > least->geometry.dispatch_grid[0] ||
                                     lanes(answer) > lanes(*least));
        if (grows) {
            m1a_.broken(start_, {least_request, observation_.request});
        } else {
            least = answer;
            least_request = observation_.request;
        }
    }

    const Policy& policy_;
    const LaunchPolicyParameters& parameters_;
    const Grid& grid_;
    const Start& start_;
    Tally o1_;
    Tally o4_;
    Tally m1a_;
    Tally m2b_;
    Observation observation_{};
};

void merge(std::vector<EnumeratedLaw>& into, std::vector<EnumeratedLaw> from) {
    for (EnumeratedLaw& law : from) {
        const auto found = std::find_if(into.begin(), into.end(),
                                        [&](const EnumeratedLaw& known) { return known.law == law.law; });
        if (found == into.end()) {
            into.push_back(std::move(law));
            continue;
        }
        found->classes += law.classes;
        found->decisions += law.decisions;
        found->broken += law.broken;
        found->seconds += law.seconds;
        if (!found->first_broken) {
            found->first_broken = std::move(law.first_broken);
        }
    }
}

}  // namespace

std::vector<EnumeratedLaw> enumerate_boundaries(const Subject& subject,
                                                const LaunchPolicyParameters& parameters,
                                                const EnumerationOptions& options) {
    const auto first_policy = subject.make(parameters);
    const std::vector<Start> starts = distinct_starts(*first_policy, parameters);
    const Grid grid = grid_of(parameters);
    // One slot a start keeps the result independent of which thread took which.
    std::vector<std::vector<EnumeratedLaw>> results(starts.size());
    std::atomic<std::size_t> next{0};
    const auto work = [&](const Policy& policy) {
        for (std::size_t at = next++; at < starts.size() && !options.stop.stop_requested(); at = next++) {
            const auto timed = [&](auto enumerate) {
                const auto start = Clock::now();
                std::vector<EnumeratedLaw> laws = enumerate();
                const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
                for (EnumeratedLaw& law : laws) {
                    law.seconds = seconds / static_cast<double>(laws.size());
                }
                merge(results[at], std::move(laws));
            };
            timed([&] { return std::vector{enumerate_s1(policy, parameters, grid, starts[at])}; });
            timed([&] { return std::vector{enumerate_s2(policy, parameters, grid, starts[at])}; });
            timed([&] { return std::vector{enumerate_s3(policy, parameters, grid, starts[at])}; });
            timed([&] { return SingleDecisions(policy, parameters, grid, starts[at]).run(options.stop); });
        }
    };
    {
        std::vector<std::unique_ptr<Policy>> policies;  // outlive the threads, which are joined first
        std::vector<std::jthread> threads;
        for (unsigned job = 1; job < options.jobs; ++job) {
            policies.push_back(subject.make(parameters));
            threads.emplace_back([&work, &policy = *policies.back()] { work(policy); });
        }
        work(*first_policy);
    }
    std::vector<EnumeratedLaw> merged;
    for (auto& laws : results) {
        merge(merged, std::move(laws));
    }
    return merged;
}

}  // namespace megabed
