#pragma once

#include "policy/compiled_policy.h"
#include "policy/launch_parameters.h"
#include "policy/launch_request.h"
#include "policy/policy.h"
#include "policy/units.h"
#include "sim/costs/block_grant.h"
#include "sim/graphs/vertex.h"
#include "sim/traversals/frontier_readings.h"
#include "sim/traversals/traversal_settings.h"

#include <cstdint>
#include <optional>

/// What host and device share of one run: plain data, laid out alike by both compilers. gpu/GPU.md tells how
/// the pieces work together.
namespace megabed::gpu {

/// Lanes of a physical block; one block is resident on every multiprocessor.
inline constexpr std::uint32_t kBlockLanes = kMegakernelBlockLanes;
inline constexpr std::uint32_t kWarpLanes = kMegakernelWarpLanes;

/// What there is to know of a vertex's row, read in one access. Four neighbours, ascending, if it has no more;
/// the vertex itself stands where it has fewer. Else its first two neighbours, falling, where its row begins in
/// the columns, and its degree.
struct alignas(16) RowHead {
    std::uint32_t at[4];
};

inline constexpr std::uint32_t kWholeRowMost = 4;  ///< neighbours that a head has room for
inline constexpr std::uint32_t kHeadOfLonger = 2;  ///< those of a longer row

[[nodiscard]] constexpr bool is_whole_row(const RowHead& head) { return head.at[0] <= head.at[1]; }

/// Where a longer row begins. Requires: !is_whole_row(head).
[[nodiscard]] constexpr std::uint32_t begin_of_row(const RowHead& head) { return head.at[2]; }

[[nodiscard]] constexpr std::uint32_t degree_of_row(const RowHead& head, Vertex vertex) {
    const std::uint32_t others = (head.at[0] != vertex ? 1U : 0U) + (head.at[1] != vertex ? 1U : 0U) +
                                 (head.at[2] != vertex ? 1U : 0U) + (head.at[3] != vertex ? 1U : 0U);
    return is_whole_row(head) ? others : head.at[3];
}
static_assert(degree_of_row({{7, 7, 7, 7}}, 7) == 0 && degree_of_row({{1, 3, 7, 9}}, 7) == 3);
static_assert(!is_whole_row({{5, 2, 100, 9}}) && begin_of_row({{5, 2, 100, 9}}) == 100 &&
              degree_of_row({{5, 2, 100, 9}}, 7) == 9);

/// A part of a long row, read by one warp when rows are pulled, so that long rows are shared by all warps.
struct alignas(16) RowTile {
    Vertex vertex = 0;
    std::uint32_t first_arc = 0;
    std::uint32_t end_arc = 0;
};
inline constexpr std::uint32_t kLongRowArcs = kWarpLanes;      ///< a row of so many is long
inline constexpr std::uint32_t kRowTileArcs = 4 * kWarpLanes;  ///< at most

/// A graph in device memory. Where degrees are skewed, vertices are renumbered by falling degree, so that hubs
/// lie together; `original` then leads back.
struct GraphView {
    std::uint32_t vertices = 0;
    std::uint32_t with_arcs = 0;  ///< no vertex from this on has arcs
    std::uint32_t arcs = 0;
    const std::uint32_t* row = nullptr;  ///< vertices + 1 offsets into `column`
    const Vertex* column = nullptr;
    const RowHead* head = nullptr;     ///< BreadthFirst; null otherwise
    const Vertex* original = nullptr;  ///< null: the numbers are the graph's own
    const RowTile* tile = nullptr;     ///< of long rows; null for BreadthFirst
    std::uint32_t tiles = 0;
};

/// One vertex of a frontier queue, and the arcs of those before it.
struct QueueEntry {
    Vertex vertex = 0;
    std::uint32_t first_arc = 0;
};

/// Arrays of one traversal, an entry a vertex unless told otherwise.
struct WaveArrays {
    QueueEntry* queue[2] = {};          ///< this frontier and the next
    QueueEntry* changed = nullptr;      ///< ShortestPaths: vertices that a wave changed
    std::uint32_t* visited[2] = {};     ///< BreadthFirst: bitmaps, before and after a pull
    std::uint32_t* held = nullptr;      ///< bitmap: some frontier has held it (not BreadthFirst)
    std::uint32_t* waiting = nullptr;   ///< bitmap: in a later bucket (ShortestPaths)
    std::uint32_t* value = nullptr;     ///< level, distance or label
    std::uint32_t* sent = nullptr;      ///< of frontier vertices in this wave
    std::uint64_t* residual = nullptr;  ///< PageRank
    std::uint64_t* share = nullptr;     ///< PageRank: sent to each neighbour in this wave
    std::uint64_t* rank = nullptr;
    std::uint32_t* sent_wave = nullptr;    ///< number of the wave in which `sent` was set last
    std::uint32_t* queued_wave = nullptr;  ///< number of the wave in which it was put into the output queue
};

/// Vertices in the upper half, their arcs in the lower: one atomic add gives a place and a prefix that agree.
[[nodiscard]] constexpr std::uint64_t tally(std::uint32_t vertices, std::uint32_t arcs) {
    return std::uint64_t{vertices} << 32 | arcs;
}
[[nodiscard]] constexpr std::uint32_t tally_vertices(std::uint64_t tally) {
    return static_cast<std::uint32_t>(tally >> 32);
}
[[nodiscard]] constexpr std::uint32_t tally_arcs(std::uint64_t tally) {
    return static_cast<std::uint32_t>(tally);
}

/// What the blocks count together during one wave. Three take turns: one is filled, one read, one cleared.
struct alignas(128) WaveTally {
    std::uint64_t next = 0;           ///< tally of the output queue
    std::uint64_t first_held = 0;     ///< tally of vertices of the next frontier that no frontier has held
    std::uint64_t selected = 0;       ///< ShortestPaths: tally of the next frontier
    std::uint64_t inspected = 0;      ///< arcs
    std::uint32_t nearness = 0;       ///< ShortestPaths: complement of the least waiting distance
    std::uint64_t sampled_bytes = 0;  ///< resident ones, co-tenants' included, as the leader saw them
};

/// Where the run stands between two waves; every block that takes part has it and changes it alike.
struct LoopState {
    FrontierReadings frontier{};
    PolicyState policy{};
    std::uint32_t wave = 0;     ///< expanded so far
    std::uint32_t noted = 0;    ///< launches noted since the kernel's start
    std::uint32_t queue = 0;    ///< which of the two holds the frontier
    std::uint32_t bitmap = 0;   ///< which of the two bitmaps is the current one
    bool queue_filled = false;  ///< false after a pull: the frontier is the difference of the bitmaps
    std::uint32_t bucket = 0;   ///< ShortestPaths
    std::uint64_t resident_bytes = 0;
};

/// Why a kernel came to its end.
enum class StopReason : std::uint32_t {
    None,
    Done,           ///< the frontier is empty
    Refused,        ///< the policy did not answer; the host asks it for the reason
    RecordsFull,    ///< the host empties them and goes on
    HostEnds,       ///< the host wants no more launches
    WantsCompiled,  ///< the first launch that takes the compiled route; the policy is asked again there
    Foreign,        ///< the kernel was compiled for other inputs than the run's
    Failed,         ///< see RunFailure
};

/// What the blocks need of a decision.
struct WaveOrders {
    DispatchTopology topology{};
    StopReason stop{};
    std::uint32_t blocks = 0;    ///< that take part
    std::uint32_t lanes = 0;     ///< of each, a multiple of a warp
    std::uint32_t groups = 0;    ///< of the recommended geometry that these lanes hold
    std::uint32_t capacity = 0;  ///< of the output queue
    std::uint32_t waves_max = 0;
    bool solo = false;  ///< one block with the frontier in its shared memory
};

/// One launch as the device tells it. Where the device decides, it notes cycles of the leader's multiprocessor,
/// which are read faster than nanoseconds, and the host turns them into such by two `ClockMark`s.
struct LaunchNote {
    FrontierReadings frontier{};
    std::uint64_t resident_bytes = 0;
    LaunchRecommendation recommendation{};
    std::uint64_t start_ns = 0;  ///< of the device's clock
    std::uint64_t decided_ns = 0;
    std::uint64_t end_ns = 0;
    std::uint64_t items = 0;
    std::uint64_t arcs = 0;
    std::uint32_t waves = 0;  ///< extra passes included
    std::uint32_t levels = 0;
    std::uint32_t groups = 0;  ///< granted
};

/// One moment by both clocks.
struct ClockMark {
    std::uint64_t cycles = 0;
    std::uint64_t nanoseconds = 0;
};

/// A wait that took longer than the deadline.
struct RunFailure {
    std::uint32_t failed = 0;
    std::uint32_t block = 0;
    std::uint32_t wave = 0;
    std::uint32_t arrived = 0;
    std::uint32_t expected = 0;
};

/// Device memory that the blocks agree through. Words that many poll lie on lines of their own.
struct RunControl {
    alignas(128) std::uint32_t arrived = 0;  ///< at the barrier, since the kernel's start
    alignas(128) std::uint64_t call = 0;     ///< number of the message below << 32 | blocks wanted
    alignas(128) std::uint32_t left = 0;     ///< blocks that went outside by their own decision
    alignas(128) LoopState state{};
    WaveOrders orders{};
    std::uint32_t barrier_target = 0;
    alignas(128) WaveTally tally[3];
    alignas(128) RunFailure failure{};
    StopReason stop{};        ///< of the kernel that ended
    LoopState saved{};        ///< where the next kernel goes on
    std::uint32_t notes = 0;  ///< written
    ClockMark begun{};        ///< of the kernel that ended
    ClockMark ended{};
};

/// Mapped host memory through which the host decides and reads.
struct Doorbell {
    alignas(128) std::uint32_t asked = 0;  ///< number of the question that `frontier` belongs to
    FrontierReadings frontier{};
    LaunchNote finished{};  ///< the launch before the question
    StopReason stop{};
    alignas(128) std::uint32_t answered = 0;  ///< number of the question that `answer` belongs to
    LaunchRecommendation answer{};
    bool end = false;  ///< no more launches
    alignas(128) std::uint64_t co_tenant_bytes = 0;
};

/// What a decision reads besides the state of the run.
struct DecisionInputs {
    LaunchPolicyParameters parameters{};
    LaunchRequest request{};  ///< what does not change from launch to launch
    GraphReadings readings{};

    constexpr bool operator==(const DecisionInputs&) const = default;
};

/// Everything a kernel is given.
struct RunArguments {
    GraphView graph{};
    WaveArrays arrays{};
    TraversalSettings settings{};
    DecisionInputs inputs{};
    RunControl* control = nullptr;
    LaunchNote* notes = nullptr;
    std::uint32_t notes_max = 0;
    Doorbell* doorbell = nullptr;  ///< device address of mapped host memory
    bool host_decides = false;
    bool compiles = false;    ///< launches of the compiled route wait for a kernel of this run's own
    bool co_tenants = false;  ///< their bytes are read at every wave
    CompiledPolicy policy{};
    std::uint64_t own_bytes = 0;        ///< of graph and arrays
    std::uint32_t resident_blocks = 0;  ///< of this kernel
    std::uint32_t solo_vertices = 0;    ///< greatest frontier that stays in one block
    std::uint32_t solo_words = 0;       ///< of the bitmap, where it has room beside such a frontier
    std::uint32_t fuse_waves_max = 1;
    std::uint64_t deadline_ns = 0;  ///< for any wait between blocks
    std::uint32_t stuck_block = 0;  ///< tests: it waits for the failure of the others in `stuck_wave`
    std::uint32_t stuck_wave = 0;
};

}  // namespace megabed::gpu
