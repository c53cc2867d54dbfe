#pragma once

#include "policy/bandit.h"
#include "policy/policy.h"
#include "policy/registry.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// Traversals as lists of levels, and what a policy answers along them.
namespace megabed {

struct Level {
    std::uint32_t frontier = 0;
    std::uint64_t arcs = 0;
    std::uint64_t unexplored = 0;
    std::uint32_t visited = 0;
    std::uint32_t with_arcs = 0;  ///< unvisited
};

/// A traversal as its levels.
struct Trace {
    std::uint32_t vertices = 0;
    std::uint32_t arcs = 0;
    std::vector<Level> levels;

    void add(std::uint32_t frontier, std::uint64_t frontier_arcs) {
        const Level before = levels.empty() ? Level{0, 0, arcs, 0, 0} : levels.back();
        Level level{frontier, frontier_arcs, before.unexplored - frontier_arcs, before.visited + frontier, 0};
        level.with_arcs = vertices - level.visited;
        levels.push_back(level);
    }
    [[nodiscard]] Observation at(std::size_t index) const {
        const Level& level = levels[index];
        Observation observation;
        observation.request = LaunchRequest::direct(level.frontier, 64, 256);
        observation.request.graph_node_count = vertices;
        observation.request.graph_edge_count = arcs;
        observation.traversal = TraversalTelemetry{level.arcs,    level.unexplored,
                                                   level.visited, index == 0 ? 0 : levels[index - 1].frontier,
                                                   false,         level.with_arcs};
        return observation;
    }
};

inline Trace trace_of(std::uint32_t vertices, std::uint32_t arcs,
                      const std::vector<std::pair<std::uint32_t, std::uint64_t>>& levels) {
    Trace trace{vertices, arcs, {}};
    for (const auto& [frontier, frontier_arcs] : levels) {
        trace.add(frontier, frontier_arcs);
    }
    return trace;
}

/// Sizes over all magnitudes, so that every rule meets its thresholds.
class TraceSource {
public:
    explicit TraceSource(std::uint64_t seed) : seed_(seed) {}

    std::uint64_t below(std::uint64_t bound) { return bandit::draw(seed_, drawn_++) % bound; }

    /// Log-uniform from 1 to `most`, or `most` itself now and then.
    std::uint64_t magnitude(std::uint64_t most) {
        if (most <= 1 || below(16) == 0) {
            return std::max<std::uint64_t>(most, 1);
        }
        const auto bits = static_cast<std::uint64_t>(std::bit_width(most));
        const std::uint64_t scale = std::uint64_t{1} << std::min<std::uint64_t>(1 + below(bits), 63);
        return std::min(1 + below(scale), most);
    }

    Trace next() {
        Trace trace;
        trace.vertices = static_cast<std::uint32_t>(magnitude(1 << 22));
        trace.arcs = static_cast<std::uint32_t>(magnitude(std::uint64_t{trace.vertices} * 32));
        std::uint64_t vertices = trace.vertices;
        std::uint64_t arcs = trace.arcs;
        while (vertices > 0 && trace.levels.size() < 40) {
            const std::uint64_t frontier = magnitude(vertices);
            const std::uint64_t mean = std::max<std::uint64_t>(frontier * trace.arcs / trace.vertices, 1);
            const std::uint64_t taken =
                frontier == vertices && below(2) == 0 ? arcs : std::min(below(4 * mean), arcs);
            trace.add(static_cast<std::uint32_t>(frontier), taken);
            vertices -= frontier;
            arcs -= taken;
            Level& level = trace.levels.back();
            level.with_arcs = static_cast<std::uint32_t>(vertices == 0 ? 0 : vertices - below(vertices));
        }
        return trace;
    }

private:
    std::uint64_t seed_;
    std::uint64_t drawn_ = 0;
};

inline std::vector<Decision> decide(const std::string& name, const LaunchPolicyParameters& parameters,
                                    const Trace& trace) {
    const auto policy = make_policy(name, parameters);
    PolicyState state;
    std::vector<Decision> decisions;
    for (std::size_t level = 0; level < trace.levels.size(); ++level) {
        decisions.push_back(policy->recommend(trace.at(level), state).value());
        state = decisions.back().next;
    }
    return decisions;
}

inline std::string topologies(const std::vector<Decision>& decisions) {
    std::string text;
    for (const Decision& decision : decisions) {
        text += std::string("eshdfm")[static_cast<std::size_t>(decision.recommendation.topology)];
    }
    return text;
}

inline std::string run(const std::string& name, const Trace& trace,
                       const LaunchPolicyParameters& parameters = {}) {
    return topologies(decide(name, parameters, trace));
}

/// The path of 1000 vertices from one end.
inline Trace path() {
    Trace trace{1000, 1998, {}};
    trace.add(1, 1);
    for (int level = 0; level < 998; ++level) {
        trace.add(1, 2);
    }
    trace.add(1, 1);
    return trace;
}

inline const Trace kStarFromHub = trace_of(101, 200, {{1, 100}, {100, 100}});
inline const Trace kStarFromLeaf = trace_of(101, 200, {{1, 1}, {1, 100}, {99, 99}});
// Like an R-MAT graph of scale 16 and edge factor 8: it explodes in two levels and ends in a tail.
inline const Trace kScaleFree = trace_of(
    65'536, 900'000, {{1, 40}, {38, 30'000}, {12'000, 620'000}, {26'000, 240'000}, {1500, 2000}, {20, 22}});

}  // namespace megabed
