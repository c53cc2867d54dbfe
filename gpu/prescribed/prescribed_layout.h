#pragma once

#include "gpu/injected_fault.h"
#include "gpu/megakernel/run_layout.h"
#include "policy/launch_request.h"
#include "policy/policy.h"
#include "policy/units.h"
#include "sim/workloads/prescribed_wave.h"

#include <cstdint>
#include <optional>
#include <type_traits>

/// What host and device share of a run of prescribed waves: plain data, laid out alike by both compilers.
/// gpu/prescribed/PRESCRIBED.md tells how the pieces work together.
namespace megabed::gpu {

/// One wave as the scenario prescribes it.
struct PrescribedEntry {
    LaunchRequest request{};  ///< of a synthetic frontier without what memory says
    std::uint32_t frontier = 0;
};
static_assert(std::is_trivially_copyable_v<PrescribedEntry>);

/// Where the run stands between two launches: every block has it and changes it alike, but the result, which
/// the leader alone has.
struct PrescribedState {
    std::uint64_t wave = 0;   ///< number of the next
    std::uint32_t at = 0;     ///< its entry in the table
    std::uint32_t noted = 0;  ///< launches since the kernel's start
    PolicyState policy{};
    std::uint64_t resident_bytes = 0;
    std::uint64_t result = 0;  ///< `with_wave` of all so far
};

/// One launch as the device tells it. Times as in `LaunchNote`; frontiers that a fused launch makes on its way
/// take none of its time, since every other frontier is there before its launch begins.
struct PrescribedNote {
    std::uint64_t wave = 0;  ///< its first
    std::uint64_t resident_bytes = 0;
    LaunchRecommendation recommendation{};
    std::uint64_t start_ns = 0;
    std::uint64_t end_ns = 0;
    std::uint64_t making_ns = 0;  ///< between start and end, spent on frontiers
    std::uint64_t items = 0;
    std::uint64_t arcs = 0;
    std::uint32_t waves = 0;   ///< extra passes included
    std::uint32_t levels = 0;  ///< 0: passed over, or nothing was to be done
    std::uint32_t groups = 0;  ///< granted
};

/// What the blocks count together in a wave.
struct alignas(128) PrescribedCounts {
    std::uint64_t arcs = 0;
    std::uint64_t hits = 0;
    std::uint64_t sum = 0;
    alignas(128) std::uint32_t queued = 0;  ///< places of the output queue that were taken
};

/// Device memory that the blocks agree through, beside a `RunControl` for the barrier of a launch and failures.
struct PrescribedControl {
    alignas(128) std::uint32_t arrived = 0;   ///< at the barrier of all blocks, since the kernel's start
    alignas(128) std::uint32_t finished = 0;  ///< launches; with the next word
    std::uint32_t barrier_target = 0;         ///< of the blocks that took part
    alignas(128) std::uint32_t called = 0;    ///< orders that the leader has given, where the host decides
    WaveOrders orders{};
    alignas(128) std::uint64_t sampled_bytes[2] = {};  ///< resident ones, as the leader saw them, in turns
    PrescribedCounts counts{};
    StopReason stop{};        ///< of the kernel that ended
    PrescribedState saved{};  ///< where the next kernel goes on
    std::uint32_t notes = 0;  ///< written
    ClockMark begun{};
    ClockMark ended{};
};

/// Mapped host memory through which the host decides and reads.
struct PrescribedBell {
    alignas(128) std::uint32_t asked = 0;  ///< number of the question
    std::uint64_t wave = 0;                ///< that it is about
    PrescribedNote finished{};             ///< the launch before the question
    StopReason stop{};
    alignas(128) std::uint32_t answered = 0;  ///< number of the question that `answer` belongs to
    LaunchRecommendation answer{};
    bool end = false;  ///< no more launches
    alignas(128) std::uint64_t co_tenant_bytes = 0;
};

/// Arrays of a run.
struct PrescribedArrays {
    Vertex* column = nullptr;              ///< rows of `degree` arcs
    std::uint32_t* weight = nullptr;       ///< a word a vertex
    std::uint32_t* touched = nullptr;      ///< a word a vertex: its hits
    Vertex* queue = nullptr;               ///< the frontier
    std::uint32_t* in_frontier = nullptr;  ///< the same as a bitmap; null for tokens, which are always pushed
    Vertex* output = nullptr;              ///< what a push hits
};

/// Everything a kernel is given.
struct PrescribedArguments {
    /// Of it are read: control (arrivals of a launch, and failures), inputs.parameters, policy, host_decides,
    /// own_bytes, co_tenants, notes_max, resident_blocks, fuse_waves_max, deadline, stuck block and wave.
    RunArguments run{};
    PrescribedGraph graph{};
    Shuffle order{};  ///< of the graph's vertices; a wave has its own key
    std::uint64_t seed = 0;
    PrescribedArrays arrays{};
    PrescribedControl* control = nullptr;
    PrescribedNote* notes = nullptr;
    PrescribedBell* bell = nullptr;  ///< device address of mapped host memory
    const PrescribedEntry* entries = nullptr;
    std::uint32_t entry_count = 0;
    bool last_entries = false;  ///< no wave comes after those in the table
    bool tokens = false;        ///< listed requests: whole as they stand, pushed, passed over where empty
    std::optional<Bytes> budget{};
    InjectedFault fault{};
    std::uint64_t fault_wave = 0;
};
static_assert(std::is_trivially_copyable_v<PrescribedArguments> && sizeof(PrescribedArguments) <= 4096,
              "the parameters of a kernel");

}  // namespace megabed::gpu
