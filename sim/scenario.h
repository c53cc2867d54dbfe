#pragma once

#include "policy/launch_parameters.h"
#include "policy/launch_request.h"
#include "policy/units.h"
#include "sim/costs/device_profile.h"
#include "sim/graphs/graph.h"

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

struct MemorySettings {
    std::optional<Bytes> budget{};
    std::vector<MemoryRamp> co_tenants{};
};

/// Breadth-first search over the scenario's graph.
struct TraversalWorkload {
    std::optional<Vertex> root{};  ///< absent: the vertex of highest degree, the lowest id among equals
};

/// How a synthetic density moves.
enum class DensityShape : std::uint8_t { Constant, Square, Sawtooth, RandomWalk };

/// Waves whose density is prescribed; no graph is traversed.
struct SyntheticWorkload {
    DensityShape shape{};
    std::uint32_t vertices = 0;
    std::uint32_t arcs = 0;
    BasisPoints low{};
    BasisPoints high{};
    std::uint32_t period_waves = 2;
    BasisPoints step{};  ///< largest step of a random walk
    std::uint32_t waves = 0;
    std::uint32_t hot_opcode_count = 0;
    std::uint32_t hot_window_count = 0;
};

/// Someone who publishes work items into the ring.
struct Tenant {
    std::string name;
    double items_per_second = 0;                     ///< Poisson arrivals
    std::optional<double> burst_items_per_second{};  ///< rate while a burst lasts
    SimTime burst_every{};                           ///< mean time between the ends and starts of bursts
    SimTime burst_length{};                          ///< mean length of a burst
    std::uint32_t quota_items = 0;                   ///< items served a launch; 0: no limit
    std::uint32_t opcode = 0;
};

/// Tenants, a bounded ring and workers that serve it.
struct ServiceWorkload {
    SimTime duration{};  ///< tenants publish until then; the ring is drained afterwards
    SimTime epoch{};     ///< longest time between two decisions while the ring is empty
    SimTime item{};      ///< time of one item on one group
    SlotCount ring_slots{};
    BasisPoints hot_opcode_share{};  ///< an opcode with at least this share of an epoch's items is hot
    std::vector<Tenant> tenants;
};

/// Requests that are asked one after another exactly as they stand, whatever became of the one before: a
/// recorded trace, or the counterexample of a law.
struct RequestsWorkload {
    std::vector<LaunchRequest> requests;
};

using Workload = std::variant<TraversalWorkload, SyntheticWorkload, ServiceWorkload, RequestsWorkload>;

/// Where the next launch is decided.
enum class DecisionPlace : std::uint8_t { Host, Device };

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
    std::string graph;  ///< path or generator SPEC; empty where the workload needs none
    Workload workload{};
};

}  // namespace megabed
