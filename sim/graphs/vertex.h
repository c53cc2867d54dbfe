#pragma once

#include <cstdint>

namespace megabed {

/// Vertices are 0-based.
using Vertex = std::uint32_t;

}  // namespace megabed
