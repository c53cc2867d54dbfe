#pragma once

#include "policy/units.h"
#include "sim/engine/counter_random.h"

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>
#include <cmath>
#include <cstdint>

namespace megabed {

/// An exponential amount of that mean.
/// Source: Boost.Random, ziggurat; equal on every machine up to the last digit of `std::exp` in its rare
/// branch.
[[nodiscard]] inline double draw_exponential(CounterRandom& random, double mean) {
    boost::random::exponential_distribution<double> distribution(1.0);
    return mean * distribution(random);
}

/// An exponential span of that mean, rounded to whole nanoseconds, at most some thirty years.
[[nodiscard]] inline SimTime draw_time(CounterRandom& random, double mean_ns) {
    constexpr double kLongest = 1e18;
    return SimTime(std::llround(std::min(draw_exponential(random, mean_ns), kLongest)));
}
[[nodiscard]] inline SimTime draw_time(CounterRandom& random, SimTime mean) {
    return draw_time(random, static_cast<double>(mean.value()));
}

}  // namespace megabed
