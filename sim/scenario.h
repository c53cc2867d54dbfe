#pragma once

#include "policy/launch_parameters.h"
#include "policy/launch_request.h"
#include "policy/units.h"
#include "sim/costs/device_profile.h"
#include "sim/graphs/graph.h"
#include "sim/traversals/traversal.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace megabed {

/// Bytes that others hold on the device, linear from `from` to `to` while time runs from `start` to `end`;
/// `from` before, `to` after.
struct MemoryRamp {
    SimTime start{};
    SimTime end{};
    Bytes from{};
    Bytes to{};
};

/// Others allocate blocks and free them again: Poisson arrivals, exponential sizes and lifetimes.
struct MemoryAllocations {
    double per_second = 0;
    Bytes size_mean{};
    SimTime lifetime_mean{};
};

/// Others take `size` for `length`, again and again, at exponential distances.
struct MemorySpikes {
    SimTime every_mean{};
    SimTime length{};
    Bytes size{};
};

/// Others lose memory from `start` on, until they hold `most`.
struct MemoryLeak {
    SimTime start{};
    double bytes_per_second = 0;
    Bytes most{};
};

using MemoryProcess = std::variant<MemoryRamp, MemoryAllocations, MemorySpikes, MemoryLeak>;

struct MemorySettings {
    std::optional<Bytes> budget{};
    std::vector<MemoryProcess> co_tenants{};
    BasisPoints bandwidth_of_others{};  ///< of the memory system, taken by co-tenants all the time
};

/// A traversal of the scenario's graph.
struct TraversalWorkload {
    TraversalSettings traversal{};
};

/// How a synthetic density moves.
enum class DensityShape : std::uint8_t {
    Constant,
    Square,
    Sawtooth,
    RandomWalk,
    OrnsteinUhlenbeck,
    Recorded,     ///< `trajectory`, from a file
    Adversarial,  ///< `trajectory`, found by a search against the run's policy
};

/// What an adversarial trajectory is to maximise.
enum class AdversaryGoal : std::uint8_t { Flaps, Regret };

/// Waves whose density is prescribed; no graph is traversed.
struct SyntheticWorkload {
    DensityShape shape{};
    std::uint32_t vertices = 0;
    std::uint32_t arcs = 0;
    BasisPoints low{};
    BasisPoints high{};
    std::uint64_t period_waves = 2;
    BasisPoints step{};       ///< largest step of a random walk or an adversary
    BasisPoints noise{};      ///< standard deviation of one step of an Ornstein-Uhlenbeck process
    BasisPoints reversion{};  ///< share of the distance from the middle that it loses in a wave
    std::uint64_t waves = 0;
    std::uint32_t hot_opcode_count = 0;
    std::uint32_t hot_window_count = 0;
    std::uint64_t hot_period_waves = 0;  ///< hot counts are reported in every other half of this; 0: always
    AdversaryGoal goal{};
    std::uint32_t search_runs = 0;          ///< simulations that the adversary may spend
    std::vector<BasisPoints> trajectory{};  ///< Recorded and Adversarial; repeated if shorter than `waves`
};

/// How long one item takes on one group.
enum class ItemTimeLaw : std::uint8_t { Constant, Exponential, Uniform };
struct ItemTime {
    SimTime mean{};
    ItemTimeLaw law{};  ///< Uniform: from 0 to twice the mean
};

/// One line of a recorded trace.
struct TraceItem {
    SimTime time{};
    std::uint32_t opcode = 0;
    SimTime work{};  ///< 0: drawn like the tenant's other items
};

/// A further rate of a Markov-modulated Poisson process. The process stays exponentially long in each state and
/// then goes to one of the others, each as likely.
struct RateState {
    double items_per_second = 0;
    SimTime length_mean{};
};

/// Items come at random: a Poisson process, or one modulated by a Markov chain over `states`.
struct OpenArrivals {
    double items_per_second = 0;
    std::vector<RateState> states{};  ///< empty, or at least two: `items_per_second` is then not read
};

/// Clients that each publish an item, wait until it is done, and think for an exponential time.
struct ClosedArrivals {
    std::uint32_t clients = 0;
    SimTime think_mean{};
};

/// Items come when a file says.
struct TraceArrivals {
    std::vector<TraceItem> items{};
};

/// What a tenant does when the ring is full.
enum class FullRing : std::uint8_t {
    Reject,  ///< the item is lost and counted
    Wait,    ///< the tenant holds it back until a slot is free
};

/// Someone who publishes work items into the ring; or `count` such, each with its own random stream.
struct Tenant {
    std::string name;
    std::uint32_t count = 1;
    std::variant<OpenArrivals, ClosedArrivals, TraceArrivals> arrivals{};
    std::uint8_t priority = 1;         ///< class, 0 is served first
    std::uint32_t quota_items = 0;     ///< items claimed a launch, of each; 0: no limit
    std::uint32_t contended_keys = 0;  ///< an item locks one of this many keys while it is worked on; 0: none
    std::vector<std::uint32_t> opcodes{0};  ///< what its items ask for; the first at first
    SimTime opcode_length_mean{};           ///< mean time until it asks for the next; 0: never
    std::optional<ItemTime> item{};         ///< absent: the workload's
    FullRing when_full{};
};

inline constexpr std::uint8_t kPriorityClasses = 4;

/// Tenants, a bounded ring and workers that serve it.
struct ServiceWorkload {
    SimTime duration{};  ///< tenants publish until then; the ring is drained afterwards
    SimTime warm_up{};   ///< time averages and latencies leave out what came before
    SimTime epoch{};     ///< longest time between two decisions
    ItemTime item{};     ///< time of one item on one group
    SlotCount ring_slots{};
    SlotCount window_slots{64};        ///< slots of one window, for the hot-window count
    BasisPoints hot_opcode_share{};    ///< an opcode with at least this share of an epoch's items is hot
    std::uint32_t starvation_age = 0;  ///< launches after which a waiting item has starved; 0: not counted
    std::vector<Tenant> tenants;
};

/// Requests that are asked one after another exactly as they stand, whatever became of the one before: a
/// recorded trace, or the counterexample of a law.
struct RequestsWorkload {
    std::vector<LaunchRequest> requests;
};

using Workload = std::variant<TraversalWorkload, SyntheticWorkload, ServiceWorkload, RequestsWorkload>;

/// A reading of the telemetry.
enum class Signal : std::uint8_t {
    QueueLength,
    HotOpcodes,
    HotWindows,
    Requeues,
    PriorityAge,
    GraphNodes,
    GraphEdges,
    Density,
    Pressure,
    ResidentBytes,
};

/// What may happen to a reading on its way to the policy.
enum class FaultKind : std::uint8_t {
    Drop,      ///< the reading is absent; one that cannot be absent stays at the value delivered last
    Delay,     ///< the value of `amount` launches ago
    Quantise,  ///< rounded down to a multiple of `amount`
    Corrupt,   ///< off by a uniform amount of at most `amount`, either way
    Reorder,   ///< swapped with the reading of the next launch
};

struct TelemetryFault {
    Signal signal{};
    FaultKind kind{};
    BasisPoints share{kWholeBps};  ///< of the launches, at random
    std::uint32_t amount = 0;
};

/// A figure of a run that its replications are summed up by.
enum class ReplicationMetric : std::uint8_t {
    Makespan,
    TopologySwitches,
    Flaps,
    LatencyMean,
    LatencyP50,
    LatencyP99,
    ItemsRejected,
};

/// How often a run is repeated with other random numbers.
struct ReplicationSettings {
    std::uint32_t count = 1;            ///< at least
    std::uint32_t count_max = 1;        ///< at most; only a target makes it more than `count`
    BasisPoints relative_half_width{};  ///< target, as a share of the mean of `metric`; 0: none
    BasisPoints confidence{9500};       ///< of all intervals
    ReplicationMetric metric{};
};

/// One named run, complete and checked: plain data that scenarios/ fills from a file.
struct Scenario {
    std::string file;  ///< where it came from, for messages and records
    std::string name;  ///< of the run
    std::uint64_t seed = 1;
    std::string policy = "reference";
    LaunchPolicyParameters parameters{};
    DecisionPlace decide = DecisionPlace::Device;
    DeviceProfile device{};
    std::optional<std::uint32_t> requested_worker_groups{};  ///< absent: multiprocessors x 4
    std::optional<std::uint32_t> requested_hit_capacity{};
    std::optional<std::uint32_t> expected_hits_per_item{};  ///< absent: the mean degree, rounded up
    std::uint32_t fuse_waves_max = 4;
    bool kernels_cached = false;    ///< run-time compiled variants are on disk already
    SimTime out_of_memory_pause{};  ///< simulated time before a refused launch is asked for again
    std::uint32_t out_of_memory_retries_max = 0;
    MemorySettings memory{};
    std::vector<TelemetryFault> faults{};
    std::string graph;  ///< path or generator SPEC; empty where the workload needs none
    Workload workload{};
    ReplicationSettings replications{};
};

}  // namespace megabed
