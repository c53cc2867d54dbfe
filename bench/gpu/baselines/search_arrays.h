#pragma once

#include "gpu/megakernel/run_layout.h"

#include <cstdint>

/// What host and device share of a baseline's search: plain data.
namespace megabed::baselines {

using gpu::QueueEntry;

/// A count that blocks add to, on a line of its own; vertices and arcs as gpu::tally packs them.
struct alignas(128) SharedTally {
    std::uint64_t tally = 0;
};

/// The graph and the arrays of one search. A frontier is a queue, or, after a pull, the difference of the two
/// bitmaps of visited vertices.
struct SearchArrays {
    std::uint32_t vertices = 0;
    std::uint32_t arcs = 0;
    const std::uint32_t* row = nullptr;  ///< vertices + 1 offsets into `column`
    const Vertex* column = nullptr;
    std::uint32_t* level = nullptr;   ///< an entry a vertex; kUnreached at first
    std::uint32_t* visited[2] = {};   ///< a bit a vertex
    QueueEntry* queue[2] = {};        ///< an entry a vertex
    SharedTally* next = nullptr;      ///< three that take turns: wave w fills w % 3 and clears the one after
    SharedTally* unpacked = nullptr;  ///< of the queue that is made of two bitmaps; a pull clears it
    std::uint32_t* waves_done = nullptr;  ///< where the device counts waves

    // Chosen by a comparison: an index that is not known when compiling would put all of this on the stack.
    [[nodiscard]] constexpr std::uint32_t* visited_of(std::uint32_t which) const {
        return which == 0 ? visited[0] : visited[1];
    }
    [[nodiscard]] constexpr QueueEntry* queue_of(std::uint32_t which) const {
        return which == 0 ? queue[0] : queue[1];
    }
};

/// Where a search stands before a wave.
struct Wave {
    std::uint64_t frontier = 0;  ///< tally
    std::uint32_t depth = 0;     ///< level of the frontier
    std::uint32_t queue = 0;     ///< which one holds the frontier, or will
    std::uint32_t bitmap = 0;    ///< which one is current; the other one is as it was before the last pull

    constexpr void pulled(std::uint64_t found) {
        bitmap = 1 - bitmap;
        frontier = found;
        ++depth;
    }
    constexpr void pushed(std::uint64_t found) {
        queue = 1 - queue;
        frontier = found;
        ++depth;
    }
};

}  // namespace megabed::baselines
