#include "properties/proof/model/alternation.h"

namespace megabed::proof {

Signals any_signals(Ledger& ledger) {
    return {.queue = ledger.symbol("queue", 32),
            .density = ledger.symbol("density", 16),
            .pressure = ledger.symbol("pressure", 16),
            .nodes = ledger.symbol("nodes", 32),
            .edges = ledger.symbol("edges", 32),
            .hot = ledger.symbol("hot", 1) == 1};
}

z3::expr any_topology(Ledger& ledger) {
    const z3::expr code = ledger.symbol("previous topology + 1", 3);
    ledger.assume(code <= 6);
    return code + kNoTopology;
}

Signals read_in_band(Ledger& ledger, const Parameters& parameters, const Signals& fixed, Band band,
                     const std::string& name) {
    const z3::expr& width = parameters.hysteresis;
    const z3::expr reading = ledger.symbol(name, 16);
    Signals signals = fixed;
    switch (band) {
    case Band::AroundSparse:
        ledger.assume(reading >= parameters.sparse - width && reading <= parameters.sparse + width);
        signals.density = reading;
        break;
    case Band::AroundDense:
        ledger.assume(reading >= parameters.dense - width && reading <= parameters.dense + width);
        signals.density = reading;
        break;
    case Band::BelowMemory:
        ledger.assume(reading >= parameters.memory - width && reading <= parameters.memory);
        signals.pressure = reading;
        break;
    }
    return signals;
}

}  // namespace megabed::proof
