#include "sim/traversals/frontier_readings.h"

#include "sim/graphs/graph.h"

namespace megabed {

GraphReadings graph_readings(const CsrGraph& graph, std::optional<std::uint32_t> expected_hits) {
    GraphReadings readings;
    readings.vertices = graph.vertices();
    for (Vertex vertex = 0; vertex < graph.vertices(); ++vertex) {
        readings.vertices_with_arcs += graph.degree(vertex) != 0 ? 1 : 0;
    }
    readings.arcs = graph.arcs();
    const std::uint64_t mean = div_ceil<std::uint64_t>(graph.arcs(), graph.vertices());
    readings.expected_hits_per_item =
        expected_hits.value_or(static_cast<std::uint32_t>(std::max<std::uint64_t>(mean, 1)));
    return readings;
}

}  // namespace megabed
