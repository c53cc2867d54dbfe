#pragma once

#include "policy/error.h"
#include "policy/launch_parameters.h"
#include "policy/launch_recommendation.h"
#include "policy/launch_request.h"
#include "policy/policy.h"
#include "policy/sizing.h"
#include "policy/topology.h"
#include "policy/units.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

/// A launch policy that obeys every stability, monotonicity and safety law, each by the way it is built.
/// Where no law speaks it decides like the reference. HARDENED.md gives each difference and its law.
/// Every function here is constexpr and allocates nothing.
namespace megabed::hardened {

/// What the policy remembers between launches; 41 bits of the first word of a PolicyState.
/// A settled frontier topology and the memory constraint coexist: neither an empty queue nor memory pressure
/// makes the policy forget what the frontier looked like (law S4).
struct Memory {
    std::optional<DispatchTopology> settled{};  ///< Sparse, Hybrid, Dense or Fused
    bool constrained = false;
    bool hot_opcodes = false;
    bool hot_windows = false;
    bool deep_queue = false;
    std::optional<BasisPoints> density{};   ///< last reading, never an inference
    std::optional<BasisPoints> pressure{};  ///< last reading, never an inference

    constexpr bool operator==(const Memory&) const = default;
};

namespace detail {

inline constexpr unsigned kSettledBits = 3;
inline constexpr unsigned kFlagBits = 6;
inline constexpr unsigned kReadingBits = 16;

constexpr std::uint64_t flag(bool set, unsigned position) { return std::uint64_t{set} << position; }

}  // namespace detail

[[nodiscard]] constexpr PolicyState pack(const Memory& memory) {
    using namespace detail;
    std::uint64_t word =
        memory.settled ? static_cast<std::uint64_t>(static_cast<std::uint8_t>(*memory.settled)) + 1 : 0;
    word |= flag(memory.constrained, kSettledBits) | flag(memory.hot_opcodes, kSettledBits + 1) |
            flag(memory.hot_windows, kSettledBits + 2) | flag(memory.deep_queue, kSettledBits + 3) |
            flag(memory.density.has_value(), kSettledBits + 4) |
            flag(memory.pressure.has_value(), kSettledBits + 5);
    constexpr unsigned kFirst = kSettledBits + kFlagBits;
    word |= std::uint64_t{memory.density.value_or(BasisPoints(0)).value()} << kFirst;
    word |= std::uint64_t{memory.pressure.value_or(BasisPoints(0)).value()} << (kFirst + kReadingBits);
    PolicyState state;
    state.words[0] = word;
    return state;
}

/// Reads any bits at all: a topology that is no frontier topology counts as none.
[[nodiscard]] constexpr Memory unpack(const PolicyState& state) {
    using namespace detail;
    const std::uint64_t word = state.words[0];
    const auto bit = [word](unsigned position) { return (word >> position & 1U) != 0; };
    const auto reading = [word](unsigned position) {
        return BasisPoints(static_cast<std::uint16_t>(word >> position & 0xFFFFU));
    };
    Memory memory;
    const auto code = static_cast<std::uint8_t>(word & 7U);
    constexpr std::uint8_t kSparse = static_cast<std::uint8_t>(DispatchTopology::SparseFrontier) + 1;
    constexpr std::uint8_t kFused = static_cast<std::uint8_t>(DispatchTopology::FusedDense) + 1;
    if (code >= kSparse && code <= kFused) {
        memory.settled = static_cast<DispatchTopology>(code - 1);
    }
    memory.constrained = bit(kSettledBits);
    memory.hot_opcodes = bit(kSettledBits + 1);
    memory.hot_windows = bit(kSettledBits + 2);
    memory.deep_queue = bit(kSettledBits + 3);
    constexpr unsigned kFirst = kSettledBits + kFlagBits;
    if (bit(kSettledBits + 4)) {
        memory.density = reading(kFirst);
    }
    if (bit(kSettledBits + 5)) {
        memory.pressure = reading(kFirst + kReadingBits);
    }
    return memory;
}
static_assert(unpack(PolicyState{}) == Memory{});

/// The parameters that every topology can be entered and left with, or the first that is wrong (law O6).
[[nodiscard]] constexpr std::optional<Error> check_parameters(const LaunchPolicyParameters& parameters) {
    const std::uint32_t sparse = parameters.sparse_frontier_threshold.value();
    const std::uint32_t dense = parameters.dense_frontier_threshold.value();
    const std::uint32_t pressure = parameters.memory_pressure_threshold.value();
    const std::uint32_t width = parameters.hysteresis.value();
    if (width > kHysteresisMaxBps) {
        return Error{ErrorCode::InvalidParameter, ErrorField::Hysteresis, width, kHysteresisMaxBps};
    }
    if (sparse <= width) {
        return Error{ErrorCode::InvalidParameter, ErrorField::SparseFrontierThreshold, sparse, width + 1};
    }
    if (sparse + 2 * width >= dense) {
        return Error{ErrorCode::InvalidParameter, ErrorField::DenseFrontierThreshold, dense,
                     sparse + 2 * width + 1};
    }
    if (dense + width >= kWholeBps) {
        return Error{ErrorCode::InvalidParameter, ErrorField::DenseFrontierThreshold, dense,
                     kWholeBps - width - 1};
    }
    if (pressure <= width || pressure > kWholeBps) {
        return Error{ErrorCode::InvalidParameter, ErrorField::MemoryPressureThreshold, pressure,
                     pressure > kWholeBps ? kWholeBps : width + 1};
    }
    if (parameters.hit_capacity_multiplier == 0) {
        return Error{ErrorCode::InvalidParameter, ErrorField::HitCapacityMultiplier, 0, 1};
    }
    if (parameters.saturated_waves == 0) {
        return Error{ErrorCode::InvalidParameter, ErrorField::SaturatedWaves, 0, 1};
    }
    return std::nullopt;
}

/// Whether a counter is warm: at its threshold, or it was and is still within a sixteenth below it.
/// A count of 0 always cools.
[[nodiscard]] constexpr bool latch(bool on, std::uint32_t count, std::uint32_t threshold) {
    if (count >= threshold) {
        return true;
    }
    return on && count > 0 && threshold - count <= std::max(1U, threshold / 16);
}
static_assert(latch(true, 7, 8) && !latch(true, 6, 8) && !latch(false, 7, 8) && !latch(true, 0, 1));

/// Output entries a launch could use, in 128 bits where nothing overflows.
struct CapacityRange {
    __extension__ using Wide = unsigned __int128;
    Wide tight = 0;  ///< no multiplier: what a memory-constrained launch takes
    Wide full = 0;   ///< with the multiplier
};

[[nodiscard]] constexpr CapacityRange capacity_range(const LaunchPolicyParameters& parameters,
                                                     const LaunchRequest& request) {
    using Wide = CapacityRange::Wide;
    const std::uint32_t asked = request.requested_hit_capacity.value_or(0);
    if (asked != 0) {
        return {asked, asked};
    }
    const Wide least = parameters.min_hit_capacity;
    const Wide hits = static_cast<Wide>(request.queue_len) * std::max(request.expected_hits_per_item, 1U);
    return {std::max(hits, least), std::max(hits * parameters.hit_capacity_multiplier, least)};
}

/// Every reading as the decision uses it: read, else carried, else inferred.
struct Readings {
    std::uint16_t density_bps = 0;
    std::uint16_t pressure_bps = 0;
};

[[nodiscard]] constexpr Readings take_readings(const LaunchPolicyParameters& parameters,
                                               const LaunchRequest& request, const Memory& memory,
                                               const CapacityRange& capacity) {
    Readings readings;
    const std::uint32_t nodes = request.graph_node_count.value_or(0);
    if (request.frontier_density) {
        readings.density_bps = (*request.frontier_density).value();
    } else if (memory.density) {
        readings.density_bps = (*memory.density).value();
    } else if (request.queue_len != 0 && nodes != 0) {
        readings.density_bps = std::max<std::uint16_t>(ratio_floor(request.queue_len, nodes).value(), 1);
    }
    const std::uint64_t budget = request.device_memory_budget.value_or(Bytes(0)).value();
    if (request.memory_pressure) {
        readings.pressure_bps = (*request.memory_pressure).value();
    } else if (memory.pressure) {
        readings.pressure_bps = (*memory.pressure).value();
    } else if (budget != 0) {
        // What the launch would need, not what is resident before it: an inference that left the scratch out
        // would call a launch unpressed that fills the budget (law O5c).
        using Wide = CapacityRange::Wide;
        constexpr Wide kMost = std::numeric_limits<std::uint64_t>::max();
        const Wide full = std::min<Wide>(capacity.full, std::numeric_limits<std::uint32_t>::max());
        const Wide needed = request.resident_device_bytes.value() + full * parameters.scratch_bytes_per_hit;
        readings.pressure_bps =
            ratio_floor(static_cast<std::uint64_t>(std::min(needed, kMost)), budget).value();
    }
    return readings;
}

/// The topology, why, and what to remember of it.
struct Chosen {
    TopologyChoice choice{};
    TopologyChoice frontier{};  ///< what it would be without memory pressure
    Memory seen{};              ///< with this request's latches and readings
    Memory next{};              ///< what to carry: an empty queue leaves no trace
};

/// Requires: parameters that `check_parameters` accepts, so that no hysteresis bound is out of range.
[[nodiscard]] constexpr Chosen choose_topology(const LaunchPolicyParameters& parameters,
                                               const LaunchRequest& request, const Readings& readings,
                                               const Memory& memory) {
    using enum DispatchTopology;
    Chosen chosen;
    Memory& seen = chosen.seen;
    seen = memory;
    seen.hot_opcodes = latch(memory.hot_opcodes, request.hot_opcode_count, parameters.hot_opcode_threshold);
    seen.hot_windows = latch(memory.hot_windows, request.hot_window_count, parameters.hot_window_threshold);
    seen.deep_queue = latch(memory.deep_queue, request.queue_len, parameters.jit_queue_len_threshold);
    if (request.frontier_density) {
        seen.density = request.frontier_density;
    }
    if (request.memory_pressure) {
        seen.pressure = request.memory_pressure;
    }

    // The reference's frontier rules and holds, with Fused counted as Dense: fusing is decided on top.
    const bool was_fused = memory.settled == FusedDense;
    const std::optional<DispatchTopology> settled = was_fused ? DenseFrontier : memory.settled;
    const TopologySignals signals{.queue_len = 1, .density_bps = readings.density_bps};
    const TopologyChoice raw = raw_topology(parameters, signals);
    chosen.frontier = *stabilised_topology(parameters, signals, raw, settled);
    if (chosen.frontier.topology == DenseFrontier) {
        const bool graph = request.graph_node_count ? *request.graph_node_count > 0 : was_fused;
        const bool large = request.graph_edge_count
                               ? latch(was_fused, *request.graph_edge_count, parameters.fusion_edge_threshold)
                               : was_fused;
        const bool at_dense = readings.density_bps >= parameters.dense_frontier_threshold.value();
        if (graph && large && (seen.hot_opcodes || seen.hot_windows) && (at_dense || was_fused)) {
            const bool held = chosen.frontier.hold != TopologyHold::None;
            chosen.frontier.topology = FusedDense;
            chosen.frontier.rule = at_dense ? TopologyRule::DenseLargeAndHot : chosen.frontier.rule;
            chosen.frontier.hold = held ? TopologyHold::FusedBelowThreshold : TopologyHold::None;
        }
    }

    const std::uint16_t threshold = parameters.memory_pressure_threshold.value();
    const bool pressed = readings.pressure_bps >= threshold;
    const int relieved_below = threshold - parameters.hysteresis.value();
    seen.constrained = pressed || (memory.constrained && readings.pressure_bps >= relieved_below);
    chosen.choice = chosen.frontier;
    if (request.queue_len == 0) {
        chosen.choice = {Empty, TopologyRule::QueueEmpty, TopologyHold::None};
    } else if (seen.constrained) {
        chosen.choice.topology = MemoryConstrained;
        chosen.choice.rule = pressed ? TopologyRule::PressureAtThreshold : chosen.frontier.rule;
        chosen.choice.hold = pressed ? TopologyHold::None : TopologyHold::MemoryNotYetRelieved;
    } else {
        seen.settled = chosen.frontier.topology;
    }
    chosen.next = request.queue_len == 0 ? memory : seen;
    return chosen;
}

/// Groups after shedding, in few steps so that a walking reading does not resize every launch (law S5).
/// Sparse keeps 1, 1/2, 1/4 or 1/8 of them, not below 32; memory pressure caps that at 75, 62.5 or 50 %, which
/// can only lower it (laws M1a, M1b, M4).
[[nodiscard]] constexpr std::uint32_t shed_groups(const LaunchPolicyParameters& parameters,
                                                  const LaunchRequest& request, const Chosen& chosen,
                                                  const Readings& readings, std::uint32_t groups) {
    std::uint32_t kept = groups;
    const bool graph = request.graph_node_count.value_or(0) != 0;
    if (chosen.frontier.topology == DispatchTopology::SparseFrontier && graph) {
        const std::uint32_t threshold = parameters.sparse_frontier_threshold.value();
        std::uint32_t divisor = 8;
        while (divisor > 1 && std::uint32_t{readings.density_bps} * divisor > threshold) {
            divisor /= 2;
        }
        constexpr std::uint32_t kLeast = 32;
        kept = std::max(div_ceil(groups, divisor), std::min(groups, kLeast));
    }
    if (chosen.choice.topology == DispatchTopology::MemoryConstrained) {
        const std::uint32_t threshold = parameters.memory_pressure_threshold.value();
        const std::uint32_t span = std::max(kWholeBps - threshold, 1U);
        const std::uint32_t over = readings.pressure_bps > threshold ? readings.pressure_bps - threshold : 0;
        constexpr std::uint32_t kThirds = 3;
        const std::uint32_t third = std::min(over * kThirds / span, kThirds - 1);
        const std::uint64_t eighths = 6 - third;
        const auto cap = static_cast<std::uint32_t>(groups * eighths / 8);
        kept = std::max(std::min(kept, cap), 1U);
    }
    return kept;
}

/// Lanes a group: whole warps where the adapter allows a warp, from the unshed groups, so that memory pressure
/// never changes it (laws O4, M1a).
[[nodiscard]] constexpr std::uint32_t lanes_per_group(const LaunchRequest& request, std::uint32_t groups) {
    constexpr std::uint32_t kWarp = 32;
    const std::uint32_t limit =
        std::min(request.max_workgroup_size_x, request.max_compute_invocations_per_workgroup);
    if (limit < kWarp) {
        return limit;
    }
    const std::uint64_t wanted = div_ceil<std::uint64_t>(groups, kWarp) * kWarp;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, limit - limit % kWarp));
}

/// How full the queue is against the lanes of all groups; a requeue counts as one more item (laws M3a, M3b).
[[nodiscard]] constexpr QueuePressure classify(const LaunchPolicyParameters& parameters,
                                               const LaunchRequest& request, std::uint32_t groups,
                                               std::uint32_t lanes) {
    if (request.queue_len == 0) {
        return QueuePressure::Empty;
    }
    using Wide = CapacityRange::Wide;
    const Wide waiting = static_cast<Wide>(request.queue_len) + request.requeue_count;
    const Wide width = static_cast<Wide>(std::min(groups, parameters.sizing.dispatch_workgroups_max)) * lanes;
    if (waiting >= width * parameters.saturated_waves) {
        return QueuePressure::Saturated;
    }
    return waiting >= width ? QueuePressure::Balanced : QueuePressure::Light;
}

/// Entries and bytes of the output queue.
struct Fit {
    std::uint32_t capacity = 0;
    Bytes peak{};
};

/// All the entries that fit: never fewer than the tight figure, never more than the full one. What fits under
/// high pressure therefore fits under low pressure (laws M2a, M2b, O5a).
/// Errors: CapacityOverflow, OutOfMemory.
[[nodiscard]] constexpr Result<Fit> fit_capacity(const LaunchPolicyParameters& parameters,
                                                 const LaunchRequest& request, const CapacityRange& range,
                                                 bool constrained) {
    using Wide = CapacityRange::Wide;
    constexpr Wide kEntriesMax = std::numeric_limits<std::uint32_t>::max();
    constexpr std::uint64_t kBytesMax = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t resident = request.resident_device_bytes.value();
    if (request.queue_len == 0) {
        return Fit{0, request.resident_device_bytes};
    }
    if (range.tight > kEntriesMax) {
        return fail(ErrorCode::CapacityOverflow, ErrorField::HitCapacity,
                    static_cast<std::uint64_t>(std::min<Wide>(range.tight, kBytesMax)),
                    static_cast<std::uint64_t>(kEntriesMax));
    }
    const std::uint64_t budget = request.device_memory_budget.value_or(Bytes(0)).value();
    const std::uint64_t limit = budget != 0 ? budget : kBytesMax;
    const std::uint64_t scratch = parameters.scratch_bytes_per_hit;
    const Wide tight_peak = resident + range.tight * scratch;
    if (tight_peak > limit) {
        if (budget != 0) {
            return fail(ErrorCode::OutOfMemory, ErrorField::PeakDeviceBytes,
                        static_cast<std::uint64_t>(std::min<Wide>(tight_peak, kBytesMax)), budget);
        }
        return fail(ErrorCode::CapacityOverflow, ErrorField::PeakDeviceBytes, kBytesMax, kBytesMax);
    }
    const Wide room = scratch == 0 ? kEntriesMax : static_cast<Wide>((limit - resident) / scratch);
    const Wide wanted =
        constrained ? range.tight : std::min({range.full, std::max(range.tight, room), kEntriesMax});
    const auto capacity = static_cast<std::uint32_t>(wanted);
    return Fit{capacity, Bytes(resident + capacity * scratch)};
}

/// Recommends one launch and gives the state to carry. An empty queue and an error leave the state as it was.
/// Requires: parameters that `check_parameters` accepts.
/// Errors:   ZeroAdapterLimit, CapacityOverflow, OutOfMemory.
[[nodiscard]] constexpr Result<Decision> recommend(const LaunchPolicyParameters& parameters,
                                                   const LaunchRequest& request, const PolicyState& state) {
    const GridLimits limits{request.max_workgroup_size_x, request.max_compute_workgroups_per_dimension,
                            request.max_compute_invocations_per_workgroup};
    if (const std::optional<Error> error = check_limits(limits)) {
        return Failure(*error);
    }
    const CapacityRange range = capacity_range(parameters, request);
    const Memory memory = unpack(state);
    const Readings readings = take_readings(parameters, request, memory, range);
    const Chosen chosen = choose_topology(parameters, request, readings, memory);
    const DispatchTopology topology = chosen.choice.topology;

    const std::uint32_t asked = request.requested_worker_groups.value_or(0);
    const std::uint32_t wished =
        asked != 0
            ? asked
            : default_worker_groups_from_limits(parameters.sizing, request.max_compute_workgroups_per_dimension,
                                                request.max_compute_invocations_per_workgroup);
    const std::uint32_t groups = std::min(wished, request.max_compute_workgroups_per_dimension);
    const std::uint32_t kept = shed_groups(parameters, request, chosen, readings, groups);
    const std::uint32_t lanes = lanes_per_group(request, groups);
    const std::uint64_t blocks = div_ceil(std::max(request.queue_len, 1U), lanes);
    const std::uint64_t slots = blocks * lanes;
    if (slots > SlotCount::max().value()) {
        return fail(ErrorCode::CapacityOverflow, ErrorField::Slots, slots, SlotCount::max().value());
    }
    const auto fit = fit_capacity(parameters, request, range, topology == DispatchTopology::MemoryConstrained);
    if (!fit) {
        return Failure(fit.error());
    }

    Decision decision;
    LaunchRecommendation& answer = decision.recommendation;
    answer.geometry.workgroup_size_x = lanes;
    answer.geometry.slot_count = SlotCount(static_cast<std::uint32_t>(slots));
    const std::uint64_t grid =
        std::min({blocks, std::uint64_t{kept}, std::uint64_t{parameters.sizing.dispatch_workgroups_max}});
    answer.geometry.dispatch_grid = {static_cast<std::uint32_t>(grid), 1, 1};
    answer.worker_groups = kept;
    answer.hit_capacity = (*fit).capacity;
    answer.pressure = classify(parameters, request, groups, lanes);
    answer.topology = topology;
    const Memory& seen = chosen.seen;
    const bool jit = seen.hot_opcodes || seen.hot_windows || seen.deep_queue;  // a fused launch is hot
    answer.execution_mode = jit ? ExecutionMode::Jit : ExecutionMode::Interpreter;
    answer.promote_hot_opcodes = seen.hot_opcodes;
    answer.promote_hot_windows = seen.hot_windows;
    answer.age_priority_work =
        request.requeue_count > 0 || request.max_priority_age >= parameters.priority_age_threshold;
    answer.estimated_peak_device_bytes = (*fit).peak;
    if (request.device_memory_budget.value_or(Bytes(0)).value() != 0) {
        answer.device_memory_budget = request.device_memory_budget;
    }
    decision.next = pack(chosen.next);
    decision.rule = chosen.choice.rule;
    decision.hold = chosen.choice.hold;
    return decision;
}

}  // namespace megabed::hardened
