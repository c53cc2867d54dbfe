#pragma once

#include "sim/input_error.h"

#include <map>
#include <string>
#include <vector>

namespace megabed {

/// One constant of a card.
struct MicroMeasurement {
    std::string name;    ///< as the profile's key, with its section
    double at = 0;       ///< the point it was taken at: bytes or blocks; 0 where there is one only
    double value = 0;    ///< a second, or nanoseconds
    double spread = 0;   ///< (largest - least) / median over the repetitions
    std::string method;  ///< for `[provenance]`
};

/// Measures, by small kernels: streaming reads; random reads and atomics over several footprints; tickets from
/// one counter; the warps that saturate random reads; a barrier between blocks, over the blocks; launch and
/// synchronise; a doorbell's round trip; a chain of dependent reads; the properties of the card. Takes about
/// five seconds. Errors: Unavailable, where there is no card, or too little memory for the largest footprint.
[[nodiscard]] Loaded<std::vector<MicroMeasurement>> measure_card();

/// card, driver, cuda_runtime, date_utc, git_revision and more, for what was measured. Errors: Unavailable,
/// where there is no card.
[[nodiscard]] Loaded<std::map<std::string, std::string>> card_provenance();

}  // namespace megabed
