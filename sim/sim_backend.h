#pragma once

#include "sim/backend.h"
#include "sim/graphs/graph.h"
#include "sim/scenario.h"

#include <memory>

namespace megabed {

/// The discrete-event simulator behind the backend seam.
/// `threads`: how many threads of this machine expand the waves of a traversal; results do not depend on it.
/// Requires: `scenario` and `graph` outlive the backend; `graph` is not null where the workload traverses one.
[[nodiscard]] std::unique_ptr<Backend> make_sim_backend(const Scenario& scenario, const CsrGraph* graph,
                                                        unsigned threads = 1);

}  // namespace megabed
