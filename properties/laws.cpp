#include "properties/laws.h"

#include <array>

namespace megabed {
namespace {

constexpr std::array kLaws{
    Law{"S1", "any density readings inside one band: at most one topology change"},
    Law{"S2", "any pressure readings inside the pressure band: at most one topology change"},
    Law{"O1", "total: every input gives a value or a typed error"},
    Law{"O2", "slots, grid, hit capacity and peak are exact in unbounded integers, or a typed error"},
    Law{"O5a", "queue > 0 and a budget: peak <= budget"},
    Law{"T1", "cached and uncached answers are equal"},
    Law{"T2", "the cache is least-recently-used with 128 entries and exact counters"},
    Law{"D1", "same scenario and seed, same digest, for any thread count, run twice"},
    Law{"D3", "simulated time never goes back"},
    Law{"D4", "traversal frontiers equal a Boost.Graph breadth-first search, level by level"},
};

}  // namespace

std::span<const Law> known_laws() { return kLaws; }

}  // namespace megabed
