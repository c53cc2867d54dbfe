#pragma once

#include "policy/field_rule.h"
#include "policy/hardened_policy.h"

#include <algorithm>
#include <cstdint>

/// A policy of this project that counts arcs where the others count vertices. Without a traversal's telemetry,
/// and under memory pressure, it is the hardened policy. With telemetry it takes the direction that has to read
/// fewer arcs, and sizes groups and output queue by the arcs that are read. ARCS.md gives the reasons. Every
/// function here is constexpr, in integers, and allocates nothing.
namespace megabed::arcs {

/// What it remembers beside the hardened policy's word.
struct Memory {
    std::uint64_t seen = 0;  ///< vertices of all frontiers of this traversal
    bool revisits = false;   ///< a vertex was in more than one: values go on changing

    constexpr bool operator==(const Memory&) const = default;
};

[[nodiscard]] constexpr Memory unpack(const PolicyState& state) {
    return {state.words[1], field::has_flag({{state.words[2]}}, 0)};
}

constexpr void pack(const Memory& memory, PolicyState& state) {
    state.words[1] = memory.seen;
    state.words[2] = field::flag(memory.revisits, 0);
}

/// Whether a traversal comes back to vertices: frontiers then hold more vertices than were ever visited.
[[nodiscard]] constexpr Memory look_back(const TraversalTelemetry& traversal, std::uint32_t frontier,
                                         const Memory& before) {
    Memory memory = traversal.previous_frontier == 0 ? Memory{} : before;
    constexpr std::uint64_t kSeenMost = std::uint64_t{1} << 62;
    memory.seen = std::min(memory.seen, std::uint64_t{kSeenMost}) + frontier;
    memory.revisits = memory.revisits || memory.seen > traversal.visited_vertices;
    return memory;
}

/// Arcs that a pull reads. A vertex that looks for a visited neighbour finds one after all arcs / explored arcs
/// on average, and reads its row at most; where vertices are revisited all rows are read whole. The bitmap of
/// all vertices comes to an arc's cost a word.
[[nodiscard]] constexpr std::uint64_t pulled_arcs(const field::Readings& readings, bool revisits) {
    constexpr std::uint32_t kWordBits = 32;
    const std::uint64_t scan = readings.vertices / kWordBits;
    const std::uint64_t arcs = std::min(readings.arcs, std::uint64_t{field::kArcsMax});
    const std::uint64_t unexplored = std::min(readings.unexplored_arcs, arcs);
    if (revisits || unexplored == 0) {
        return scan + arcs;
    }
    constexpr std::uint64_t kLooksMost = std::uint64_t{1} << 24;  // so that no product leaves 64 bits
    const std::uint64_t looks =
        std::min(arcs / std::max(arcs - unexplored, std::uint64_t{1}) + 1, std::uint64_t{kLooksMost});
    return scan + std::min(unexplored, readings.unvisited_with_arcs * looks);
}

/// Groups, and lanes of each.
struct Team {
    std::uint32_t groups = 1;
    std::uint32_t lanes = 1;
};

/// A team with a lane for each of `work` up to `kOneGroup`, and one for every `work_per_lane` beyond, as far as
/// the adapter and the request allow. Groups are of 256 lanes unless there are too few groups for that.
[[nodiscard]] constexpr Team team_for(std::uint64_t work, std::uint32_t work_per_lane, std::uint32_t groups_max,
                                      std::uint32_t lanes_max) {
    constexpr std::uint64_t kOneGroup = 1024;
    constexpr std::uint64_t kLanesMost = std::uint64_t{1} << 31;
    constexpr std::uint64_t kSmallGroup = 256;
    constexpr std::uint64_t kWarp = 32;
    const std::uint64_t wanted =
        std::clamp(std::max(std::min(work, std::uint64_t{kOneGroup}), work / std::max(work_per_lane, 1U)),
                   std::uint64_t{1}, std::uint64_t{kLanesMost});
    const std::uint64_t a_group = div_ceil<std::uint64_t>(wanted, groups_max);
    const std::uint64_t least = std::min(std::uint64_t{kSmallGroup}, wanted);
    const std::uint64_t whole = div_ceil(std::max(a_group, least), std::uint64_t{kWarp}) * kWarp;
    Team team;
    team.lanes = static_cast<std::uint32_t>(
        std::min(whole, std::uint64_t{lanes_max < kWarp ? lanes_max : lanes_max - lanes_max % kWarp}));
    team.groups = std::min(div_ceil(static_cast<std::uint32_t>(wanted), team.lanes), groups_max);
    return team;
}
static_assert(team_for(1, 4, 1024, 1024).lanes == 32 && team_for(1, 4, 1024, 1024).groups == 1);
static_assert(team_for(1000, 4, 1024, 1024).lanes == 256 && team_for(1000, 4, 1024, 1024).groups == 4);
static_assert(team_for(1 << 20, 4, 128, 1024).lanes == 1024 && team_for(1 << 20, 4, 128, 1024).groups == 128);

/// Recommends one launch and gives the state to carry. An empty queue and an error leave the state as it was.
/// Requires: parameters that `hardened::check_parameters` accepts, and `push_weight_hundredths` and
/// `work_per_lane` not 0. Errors:   those of `hardened::recommend`.
[[nodiscard]] constexpr Result<Decision> recommend(const LaunchPolicyParameters& parameters,
                                                   const Observation& observation, const PolicyState& state) {
    const LaunchRequest& request = observation.request;
    auto decided = hardened::recommend(parameters, request, state);
    if (!decided || request.queue_len == 0 || !observation.traversal) {
        if (decided) {
            (*decided).next.words[1] = state.words[1];
            (*decided).next.words[2] = state.words[2];
        }
        return decided;
    }
    Decision& decision = *decided;
    const field::Readings readings = field::take_readings(observation);
    const Memory memory = look_back(*observation.traversal, readings.frontier, unpack(state));
    pack(memory, decision.next);
    LaunchRecommendation& answer = decision.recommendation;
    if (!readings.known || answer.topology == DispatchTopology::MemoryConstrained) {
        return decided;
    }

    const ArcParameters& rule = parameters.field.arcs;
    constexpr std::uint64_t kHundredths = 100;
    const bool pulls = readings.frontier_arcs * rule.push_weight_hundredths >
                       pulled_arcs(readings, memory.revisits) * kHundredths;
    answer.topology = pulls ? DispatchTopology::DenseFrontier : DispatchTopology::HybridFrontier;
    decision.rule = pulls ? TopologyRule::PullReadsFewerArcs : TopologyRule::PushReadsFewerArcs;
    decision.hold = TopologyHold::None;

    const std::uint32_t lanes_max =
        std::min(request.max_workgroup_size_x, request.max_compute_invocations_per_workgroup);
    const std::uint32_t asked = request.requested_worker_groups.value_or(0);
    const std::uint32_t wished =
        asked != 0
            ? asked
            : default_worker_groups_from_limits(parameters.sizing, request.max_compute_workgroups_per_dimension,
                                                request.max_compute_invocations_per_workgroup);
    const std::uint32_t groups = std::max(std::min({wished, request.max_compute_workgroups_per_dimension,
                                                    std::uint32_t{parameters.sizing.dispatch_workgroups_max}}),
                                          1U);
    const std::uint64_t work = pulls ? readings.vertices : readings.frontier_arcs;
    const Team team = team_for(work, rule.work_per_lane, groups, lanes_max);
    const std::uint64_t slots = std::uint64_t{div_ceil(request.queue_len, team.lanes)} * team.lanes;
    if (slots <= SlotCount::max().value()) {
        answer.geometry.workgroup_size_x = team.lanes;
        answer.geometry.slot_count = SlotCount(static_cast<std::uint32_t>(slots));
        answer.geometry.dispatch_grid = {team.groups, 1, 1};
        answer.worker_groups = groups;
        answer.pressure = hardened::classify(parameters, request, team.groups, team.lanes);
    }

    // Room for all that a level can find, so that no pass is added; as far as memory goes.
    const auto found =
        static_cast<std::uint32_t>(std::min(readings.frontier_arcs, std::uint64_t{readings.vertices}));
    if (!request.requested_hit_capacity.value_or(0) && found > answer.hit_capacity) {
        constexpr std::uint64_t kBytesMost = 0xFFFF'FFFF'FFFF'FFFF;
        const std::uint64_t limit =
            answer.device_memory_budget ? (*answer.device_memory_budget).value() : kBytesMost;
        const std::uint64_t more =
            std::uint64_t{found - answer.hit_capacity} * parameters.scratch_bytes_per_hit;
        if (more <= limit - answer.estimated_peak_device_bytes.value()) {
            answer.hit_capacity = found;
            answer.estimated_peak_device_bytes += Bytes(more);
        }
    }
    return decided;
}

}  // namespace megabed::arcs
