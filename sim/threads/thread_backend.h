#pragma once

#include "sim/backend.h"
#include "sim/graphs/graph.h"
#include "sim/scenario.h"
#include "sim/threads/worker_pool.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace megabed {

struct ThreadOptions {
    unsigned threads = 0;              ///< 0: one a core
    SimTime deadline{10'000'000'000};  ///< for one item, and for any progress; beyond it the run ends
    std::uint32_t ring_slots = 1024;   ///< of traversals; a service's are the scenario's
    HostAtomics::Hook ring_hook{};     ///< tests: called between the ring's steps
    ItemHook item_hook{};              ///< tests: called before an item
};

/// What went through the ring.
struct RingCounts {
    std::uint64_t published = 0;
    std::uint64_t claimed = 0;
    std::uint64_t done = 0;
    std::uint64_t requeued = 0;
    std::uint64_t faults = 0;
    std::uint64_t in_flight = 0;
};

/// A backend that does the work, so that there is a result to look at.
class ThreadBackend : public Backend {
public:
    /// When the work is done: of a traversal the digest of the values of all vertices, as `oracle_digest`; of
    /// prescribed work what its waves came to, as `prescribed_oracle`; absent for services.
    [[nodiscard]] virtual std::optional<std::uint64_t> result_digest() const = 0;
    [[nodiscard]] virtual RingCounts ring_counts() const = 0;
};

/// The megakernel on this machine's threads: resident workers that claim tiles from a ring, in measured time.
/// A thread stands for one multiprocessor of the device profile: the groups granted are those of grid.x that
/// `threads` multiprocessors hold at a time, and as many threads take part, at most all.
/// Requires: `scenario` and `graph` outlive the backend; `graph` is not null where the workload traverses one.
[[nodiscard]] std::unique_ptr<ThreadBackend> make_thread_backend(const Scenario& scenario,
                                                                 const CsrGraph* graph,
                                                                 const ThreadOptions& options = {});

}  // namespace megabed
