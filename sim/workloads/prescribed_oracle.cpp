#include "sim/workloads/prescribed_oracle.h"

#include "sim/costs/cost_model.h"
#include "sim/workloads/wave_source.h"

namespace megabed {

void TopologyHistory::record(const LaunchRecord& record) {
    topologies_.push_back(record.decision ? std::optional(record.decision->recommendation.topology)
                                          : std::nullopt);
    onward_.record(record);
}

PrescribedTally oracle_wave(const PrescribedGraph& graph, const WaveKey& key, std::uint32_t frontier,
                            Direction direction) {
    const Shuffle order(graph.vertices, key.word);
    PrescribedTally tally;
    if (direction == Direction::Push) {
        for (std::uint32_t place = 0; place < frontier; ++place) {
            const Vertex from = order.at(place);
            for (std::uint32_t arc = 0; arc < graph.degree; ++arc) {
                tally.sum += graph.weight(graph.neighbour(from, arc));
                ++tally.arcs;
            }
            tally.sum += key.mark(graph.neighbour(from, key.live_arc(graph.degree)));
            ++tally.hits;
        }
        return tally;
    }
    std::vector<bool> in_frontier(graph.vertices);
    for (std::uint32_t place = 0; place < frontier; ++place) {
        in_frontier[order.at(place)] = true;
    }
    for (Vertex vertex = 0; vertex < graph.vertices; ++vertex) {
        bool hit = false;
        for (std::uint32_t arc = 0; !in_frontier[vertex] && arc < graph.pulled_arcs(); ++arc) {
            const bool seen = in_frontier[graph.neighbour(vertex, arc)];
            tally.sum += seen ? key.mark(vertex) : 0;
            hit = hit || seen;
            ++tally.arcs;
        }
        tally.hits += hit ? 1 : 0;
    }
    return tally;
}

std::uint64_t prescribed_oracle(const Scenario& scenario, const TopologyHistory& history) {
    const auto source = make_wave_source(scenario, nullptr);
    const PrescribedGraph graph = prescribed_graph(scenario);
    const bool tokens = source->prescribes_requests();
    std::uint64_t result = 0;
    for (const std::optional<DispatchTopology> topology : history.topologies()) {
        if (!topology || *topology == DispatchTopology::Empty) {
            // A refused or an empty request is passed over; a wave that was refused is asked again.
            if (tokens) {
                source->advance(Direction::Push);
            }
            continue;
        }
        const Direction direction = tokens ? Direction::Push : direction_of(*topology);
        const std::uint32_t waves = tokens ? 1 : waves_of_launch(*topology, scenario.fuse_waves_max);
        for (std::uint32_t wave = 0; wave < waves && !source->done(); ++wave) {
            const WaveKey key(scenario.seed, source->levels());
            const WaveWork work = source->advance(direction);
            result = with_wave(result, oracle_wave(graph, key, prescribed_frontier(scenario, work), direction));
        }
    }
    return result;
}

}  // namespace megabed
