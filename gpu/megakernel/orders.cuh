#pragma once

#include "gpu/megakernel/block.cuh"
#include "sim/traversals/frontier_readings.h"

/// How a launch is decided on the device, and what its geometry means there.
namespace megabed::gpu {

[[nodiscard]] __device__ constexpr std::uint32_t whole_warps(std::uint32_t lanes) {
    return (lanes + kWarpLanes - 1) / kWarpLanes * kWarpLanes;
}

/// The lanes that a recommendation asks for, as far as they are resident, spread over physical blocks: a single
/// one where they fit it, so that no barrier between blocks is needed, else blocks of at least kSpreadLanes.
__device__ inline void grant(const RunArguments& run, const LaunchRecommendation& recommendation,
                             WaveOrders& orders) {
    constexpr std::uint32_t kSpreadLanes = 256;
    const std::uint32_t lanes =
        min(max(whole_warps(recommendation.geometry.workgroup_size_x), kWarpLanes), kBlockLanes);
    const std::uint32_t resident = kBlockLanes / lanes * run.resident_blocks;
    orders.groups = min(max(recommendation.geometry.dispatch_grid[0], 1U), resident);
    const std::uint32_t all = orders.groups * lanes;
    orders.blocks = all <= kBlockLanes ? 1 : min(run.resident_blocks, (all + kSpreadLanes - 1) / kSpreadLanes);
    orders.lanes = min(whole_warps((all + orders.blocks - 1) / orders.blocks), kBlockLanes);
    orders.topology = recommendation.topology;
    orders.capacity = max(recommendation.hit_capacity, 1U);
    orders.waves_max = recommendation.topology == DispatchTopology::FusedDense ? run.fuse_waves_max : 1;
    orders.stop = StopReason::None;
    orders.solo = false;
}

/// Asks the policy. False: it refused. A function of its own for every policy, so that each has its registers.
template <CompiledPolicy kPolicy>
static __device__ __noinline__ bool decide_as(const DecisionInputs& inputs, const LoopState& state,
                                              Decision& decision) {
    __builtin_assume(__isShared(&inputs));
    __builtin_assume(__isShared(&state));
    __builtin_assume(__isShared(&decision));
    Observation observation;
    observation.request = inputs.request;
    observe_frontier(inputs.readings, state.frontier, observation);
    observe_memory(Bytes(state.resident_bytes), inputs.request.device_memory_budget, observation.request);
    const auto answer = recommend_compiled(kPolicy, inputs.parameters, observation, state.policy);
    if (!answer) {
        return false;
    }
    decision = *answer;
    return true;
}

/// Requires: all arguments lie in shared memory.
__device__ inline bool decide(CompiledPolicy policy, const DecisionInputs& inputs, const LoopState& state,
                              Decision& decision) {
    using enum CompiledPolicy;
    switch (policy) {
    case Reference:
        return decide_as<Reference>(inputs, state, decision);
    case Stateless:
        return decide_as<Stateless>(inputs, state, decision);
    case Hardened:
        return decide_as<Hardened>(inputs, state, decision);
    case FixedSparse:
        return decide_as<FixedSparse>(inputs, state, decision);
    case FixedHybrid:
        return decide_as<FixedHybrid>(inputs, state, decision);
    case FixedDense:
        return decide_as<FixedDense>(inputs, state, decision);
    case FixedFused:
        return decide_as<FixedFused>(inputs, state, decision);
    case FixedMemory:
        return decide_as<FixedMemory>(inputs, state, decision);
    case Gap:
        return decide_as<Gap>(inputs, state, decision);
    case Cugraph:
        return decide_as<Cugraph>(inputs, state, decision);
    case Gunrock:
        return decide_as<Gunrock>(inputs, state, decision);
    case Gswitch:
        return decide_as<Gswitch>(inputs, state, decision);
    case VyreDriver:
        return decide_as<VyreDriver>(inputs, state, decision);
    }
    return false;
}

/// The host's answer to the question that the leader puts to it. A host that goes away answers with the end.
/// Called by one thread.
__device__ inline StopReason ask_host(const RunArguments& run, BlockShared& shared) {
    Doorbell& bell = *run.doorbell;
    const SystemWord<std::uint32_t> asked(bell.asked);
    const std::uint32_t question = asked.load(cuda::memory_order_relaxed) + 1;
    bell.frontier = shared.state.frontier;
    asked.store(question, cuda::memory_order_release);
    const SystemWord<std::uint32_t> answered(bell.answered);
    while (answered.load(cuda::memory_order_acquire) != question) {
    }
    if (bell.end) {
        return StopReason::HostEnds;
    }
    shared.decision.recommendation = bell.answer;
    return StopReason::None;
}

/// Decides the next launch into `shared`. Called by thread 0 of every block that took part in the one before,
/// all of which come to the same; where the host decides, of the leader alone.
__device__ inline void choose_orders(const RunArguments& run, BlockShared& shared) {
    WaveOrders& orders = shared.orders;
    StopReason stop = StopReason::None;
    if (shared.failed != 0) {
        stop = StopReason::Failed;
    } else if (shared.state.frontier.vertices == 0) {
        stop = StopReason::Done;
    } else if (run.host_decides) {
        stop = ask_host(run, shared);
    } else if (shared.state.noted >= run.notes_max) {
        stop = StopReason::RecordsFull;
    } else if (!decide(run.policy, shared.inputs, shared.state, shared.decision)) {
        stop = StopReason::Refused;
    } else {
        shared.state.policy = shared.decision.next;
    }
    if (stop == StopReason::None) {
        grant(run, shared.decision.recommendation, orders);
    } else {
        orders.stop = stop;
        orders.blocks = kAllBlocks;
        orders.solo = false;
    }
}

/// The leader's call to blocks that wait outside. Called by one thread.
__device__ inline void call_blocks(const RunArguments& run, BlockShared& shared) {
    RunControl& control = *run.control;
    control.state = shared.state;
    control.orders = shared.orders;
    control.barrier_target = shared.barrier_target;
    DeviceWord<std::uint64_t>(control.call)
        .store(tally(shared.calls, shared.orders.blocks), cuda::memory_order_release);
}

/// Waits outside until the leader calls this block. Called by one thread.
__device__ inline void await_call(const RunArguments& run, BlockShared& shared) {
    RunControl& control = *run.control;
    const DeviceWord<std::uint64_t> call(control.call);
    std::uint32_t nap_ns = 32;
    constexpr std::uint32_t kNapMost = 512;
    while (true) {
        const std::uint64_t word = call.load(cuda::memory_order_acquire);
        if (tally_vertices(word) != shared.calls && tally_arcs(word) > blockIdx.x) {
            shared.calls = tally_vertices(word);
            shared.state = control.state;
            shared.orders = control.orders;
            shared.barrier_target = control.barrier_target;
            return;
        }
        const std::uint32_t failed =
            DeviceWord<std::uint32_t>(control.failure.failed).load(cuda::memory_order_relaxed);
        if (failed != 0) {
            shared.orders.stop = StopReason::Failed;
            shared.orders.blocks = kAllBlocks;
            return;
        }
        __nanosleep(nap_ns);
        nap_ns = min(nap_ns * 2, kNapMost);
    }
}

}  // namespace megabed::gpu
