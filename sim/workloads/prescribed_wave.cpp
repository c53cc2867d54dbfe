#include "sim/workloads/prescribed_wave.h"

#include "policy/units.h"

#include <algorithm>
#include <variant>

namespace megabed {
namespace {

constexpr std::uint32_t kTokenVertices = 1U << 16;

}  // namespace

PrescribedGraph prescribed_graph(const Scenario& scenario) {
    PrescribedGraph graph;
    graph.key = scatter(scenario.seed ^ 0x6772'6170'68);  // "graph": another stream than the waves'
    if (const auto* const synthetic = std::get_if<SyntheticWorkload>(&scenario.workload)) {
        graph.vertices = std::max(synthetic->vertices, 1U);
        graph.degree = std::max(div_ceil(synthetic->arcs, graph.vertices), 1U);
    } else {
        graph.vertices = kTokenVertices;
    }
    return graph;
}

std::uint32_t prescribed_frontier(const Scenario& scenario, const WaveWork& work) {
    if (std::holds_alternative<SyntheticWorkload>(scenario.workload)) {
        return work.frontier_vertices;
    }
    return std::min({work.frontier_vertices, std::max(scenario.device.tile_items, 1U), kTokenVertices});
}

}  // namespace megabed
