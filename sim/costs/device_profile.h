#pragma once

#include "policy/units.h"
#include "sim/costs/wave_terms.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace megabed {

/// A rate that depends on the bytes it roams over, for instance random gathers.
struct RatePoint {
    Bytes footprint{};
    double per_second = 0;

    bool operator==(const RatePoint&) const = default;
};

/// The cost of one grid-wide barrier for a number of resident blocks.
struct BarrierPoint {
    std::uint32_t blocks = 0;
    SimTime time{};

    bool operator==(const BarrierPoint&) const = default;
};

/// Where the next launch is decided.
enum class DecisionPlace : std::uint8_t { Host, Device };

/// What a policy's decision takes on the device.
struct DecisionCost {
    std::string policy;
    double general_ns = 0;   ///< in the kernel that has all policies in it
    double compiled_ns = 0;  ///< in one that was compiled for the run

    bool operator==(const DecisionCost&) const = default;
};

/// What waves of a resident megakernel cost, as calibrated on a card: every set of waves has a cost for each of
/// its terms, nanoseconds, and a share of the policy's decision that is not hidden behind other work.
struct WaveCosts {
    struct Set {
        std::array<double, kWaveTerms> ns{};
        double decision_share = 1;

        bool operator==(const Set&) const = default;
    };
    std::array<Set, kWaveSets> sets{};
    std::vector<DecisionCost> decisions;

    bool operator==(const WaveCosts&) const = default;
};

/// The constants of one device that the cost model reads. Every figure has its unit in its type or name; the
/// profile's file says where each comes from.
struct DeviceProfile {
    std::string name;
    std::string summary;
    std::vector<std::string> fitted_to;  ///< runs (FILE/RUN, or all of a FILE) that `waves` was fitted to
    std::uint64_t digest = 0;            ///< of the profile's file
    std::uint32_t multiprocessors = 0;
    std::uint32_t max_workgroup_size_x = 0;                   ///< adapter limit, lanes
    std::uint32_t max_compute_workgroups_per_dimension = 0;   ///< adapter limit, groups
    std::uint32_t max_compute_invocations_per_workgroup = 0;  ///< adapter limit, lanes
    std::uint32_t resident_lanes_per_multiprocessor = 0;
    std::uint32_t resident_groups_per_multiprocessor = 0;
    std::uint32_t saturating_warps = 0;  ///< warps from which bandwidth no longer grows
    double read_bytes_per_second = 0;
    std::vector<RatePoint> gathers;         ///< 4-byte random reads, ascending footprint
    std::vector<RatePoint> atomics;         ///< random atomics with return, ascending footprint
    std::vector<BarrierPoint> barriers;     ///< ascending blocks
    double tickets_per_second = 0;          ///< one counter, one ticket a warp
    SimTime relaunch{};                     ///< launch and synchronise: another group size or kernel variant
    SimTime host_decision{};                ///< doorbell round trip
    SimTime device_decision{};              ///< the policy's own code on the device
    SimTime compile{};                      ///< one kernel variant by run-time compilation
    SimTime dependent_access{};             ///< offset -> column -> distance, one after the other
    SimTime warp_step{};                    ///< one warp-wide step of a vertex that a single warp owns
    SimTime interpreter_dispatch{};         ///< opcode switch of one tile
    BasisPoints stream_overlap{kWholeBps};  ///< how far bytes, gathers and atomics hide behind each other
    BasisPoints item_memory_share{};        ///< of a service item's work that waits for memory
    Bytes frontier_vertex_bytes{};          ///< push: queue entry and row offsets of a frontier vertex
    Bytes queue_entry_bytes{};              ///< push: one entry written to the output queue
    Bytes row_bytes{};                      ///< pull: row offsets of a vertex that is looked at
    std::shared_ptr<const WaveCosts>
        waves;                       ///< of a resident megakernel; absent: waves cost what the rates say
    std::uint32_t tile_items = 0;    ///< items of one ring slot
    std::uint32_t heavy_degree = 0;  ///< vertices from here up are split into edge tiles
};

}  // namespace megabed
