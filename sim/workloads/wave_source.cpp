#include "sim/workloads/wave_source.h"

#include <cassert>
#include <variant>

namespace megabed {

std::unique_ptr<WaveSource> make_wave_source(const Scenario& scenario, const CsrGraph* graph,
                                             unsigned threads) {
    if (std::holds_alternative<TraversalWorkload>(scenario.workload)) {
        assert(graph != nullptr);
        return make_traversal_waves(scenario, *graph, threads);
    }
    if (std::holds_alternative<SyntheticWorkload>(scenario.workload)) {
        return make_synthetic_waves(scenario);
    }
    if (std::holds_alternative<RequestsWorkload>(scenario.workload)) {
        return make_request_waves(scenario);
    }
    return nullptr;
}

}  // namespace megabed
