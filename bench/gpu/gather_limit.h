#pragma once

#include "policy/units.h"
#include "sim/input_error.h"

namespace megabed {

/// Reads of 4 bytes a second at random places of an array of this size, as many as the card does when they hang
/// on nothing: what a traversal cannot beat that reads a value of each arc's end. Best of five kernels, by CUDA
/// events; measured once a size and kept.
/// Requires: at least 4 bytes. Errors: Unavailable, where there is no card or too little memory.
[[nodiscard]] Loaded<double> gathers_a_second(Bytes footprint);

}  // namespace megabed
