#pragma once

#include "sim/graphs/graph.h"
#include "sim/input_error.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

/// Breadth-first searches that are not the megakernel's, to be measured beside it. All three push and pull with
/// the same device functions (search_steps.cuh), decide by GAP's rule, and search the graph as DeviceGraph
/// uploads it: renumbered by falling degree where degrees are skewed, as for the megakernel. They do not use
/// the heads of its rows.
namespace megabed::baselines {

class BaselineSearch {
public:
    BaselineSearch() = default;
    BaselineSearch(const BaselineSearch&) = delete;
    BaselineSearch& operator=(const BaselineSearch&) = delete;
    virtual ~BaselineSearch() = default;

    /// Searches from a vertex. Clearing the arrays is not part of the time, as it is not of the megakernel's.
    /// Requires: the root is a vertex. Errors: what CUDA says.
    [[nodiscard]] virtual Loaded<void> run(Vertex root) = 0;
    /// Of the last run.
    [[nodiscard]] virtual double seconds() const = 0;
    /// What measures `seconds`: "CUDA events" or "host clock".
    [[nodiscard]] virtual std::string_view clock() const = 0;
    /// Of the last run: levels that were expanded, the last one included, which finds nothing.
    [[nodiscard]] virtual std::uint32_t waves() const = 0;
    /// Of the last run, in the graph's order; kUnreached where the root does not lead. Errors: what CUDA says.
    [[nodiscard]] virtual Loaded<std::vector<std::uint32_t>> levels() = 0;
};

/// How each is made. Requires: the graph has a vertex, arcs lead both ways, and it outlives the search.
/// Errors: Unavailable, where there is no card, too little memory, or the card cannot do what is needed.
using MakeSearch = Loaded<std::unique_ptr<BaselineSearch>>(const CsrGraph& graph);

/// A kernel launch a wave: the host copies the frontier's counts back after every one and decides.
[[nodiscard]] MakeSearch launch_per_wave_search;
/// One launch of a CUDA graph: a WHILE node around a kernel that decides and a SWITCH node with the waves.
[[nodiscard]] MakeSearch graph_replay_search;
/// One cooperative kernel that goes through all levels, with a grid-wide barrier after each.
[[nodiscard]] MakeSearch persistent_search;

}  // namespace megabed::baselines
