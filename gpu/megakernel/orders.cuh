#pragma once

#include "gpu/megakernel/block.cuh"
#include "gpu/megakernel/policy_switch.cuh"
#include "sim/costs/block_grant.h"
#include "sim/traversals/frontier_readings.h"

/// How a launch is decided on the device, and what its geometry means there.
namespace megabed::gpu {

/// What a recommendation's geometry means here.
__device__ inline void grant(const RunArguments& run, const LaunchRecommendation& recommendation,
                             WaveOrders& orders) {
    const BlockGrant granted =
        spread_over_blocks(recommendation.geometry.dispatch_grid[0], recommendation.geometry.workgroup_size_x,
                           run.resident_blocks);
    orders.groups = granted.groups;
    orders.blocks = granted.blocks;
    orders.lanes = granted.lanes;
    orders.topology = recommendation.topology;
    orders.capacity = max(recommendation.hit_capacity, 1U);
    orders.waves_max = recommendation.topology == DispatchTopology::FusedDense ? run.fuse_waves_max : 1;
    orders.stop = StopReason::None;
    orders.solo = false;
}

/// Bytes of the run, and of others where there are any, at this moment.
[[nodiscard]] __device__ inline std::uint64_t resident_bytes(const RunArguments& run) {
    return run.co_tenants ? run.own_bytes + SystemWord<std::uint64_t>(run.doorbell->co_tenant_bytes).load()
                          : run.own_bytes;
}

/// What a policy is told before a launch.
[[nodiscard]] __device__ inline Observation observation_of(const DecisionInputs& inputs,
                                                           const LoopState& state) {
    Observation observation;
    observation.request = inputs.request;
    observe_frontier(inputs.readings, state.frontier, observation);
    observe_memory(Bytes(state.resident_bytes), inputs.request.device_memory_budget, observation.request);
    return observation;
}

/// False: the policy refused. Called by one thread.
template <CompiledPolicy kPolicy>
[[nodiscard]] __device__ bool decide_from(const DecisionInputs& inputs, const LoopState& state,
                                          Decision& decision) {
    const auto answer =
        recommend_compiled(kPolicy, inputs.parameters, observation_of(inputs, state), state.policy);
    if (!answer) {
        return false;
    }
    decision = *answer;
    return true;
}

/// The same from shared memory, into it: a function of its own, so that every policy has its registers.
template <CompiledPolicy kPolicy>
static __device__ __noinline__ bool decide_as(const DecisionInputs& inputs, const LoopState& state,
                                              Decision& decision) {
    __builtin_assume(__isShared(&inputs));
    __builtin_assume(__isShared(&state));
    __builtin_assume(__isShared(&decision));
    return decide_from<kPolicy>(inputs, state, decision);
}

/// Decides by the policy that the run names, from inputs in memory.
class NamedPolicy {
public:
    static constexpr bool kCompiled = false;
    static __device__ bool is_meant_for(const RunArguments& /*run*/) { return true; }
    /// False: it refused. Called by one thread.
    static __device__ bool decide(const RunArguments& run, BlockShared& shared) {
        return with_policy(run.policy, [&]<CompiledPolicy kPolicy>() {
            return decide_as<kPolicy>(shared.run.inputs, shared.state, shared.decision);
        });
    }
};

/// Decides by one policy whose inputs the compiler knows: `Inputs::value`, a constant.
template <CompiledPolicy kPolicy, class Inputs>
class ConstantPolicy {
public:
    static constexpr bool kCompiled = true;
    /// Whether the run has the inputs that the compiler was told.
    static __device__ bool is_meant_for(const RunArguments& run) {
        constexpr DecisionInputs kInputs = Inputs::value;
        return run.policy == kPolicy && run.inputs == kInputs && !run.host_decides;
    }
    static __device__ bool decide(const RunArguments& /*run*/, BlockShared& shared) {
        constexpr DecisionInputs kInputs = Inputs::value;
        return decide_from<kPolicy>(kInputs, shared.state, shared.decision);
    }
};

/// The host's answer to the question that the leader puts to it. A host that goes away answers with the end.
/// Called by one thread.
__device__ inline StopReason ask_host(const RunArguments& run, BlockShared& shared) {
    Doorbell& bell = *run.doorbell;
    const SystemWord<std::uint32_t> asked(bell.asked);
    const std::uint32_t question = asked.load() + 1;
    bell.frontier = shared.state.frontier;
    asked.store<WordOrder::Release>(question);
    const SystemWord<std::uint32_t> answered(bell.answered);
    while (answered.load<WordOrder::Acquire>() != question) {
    }
    if (bell.end) {
        return StopReason::HostEnds;
    }
    shared.decision.recommendation = bell.answer;
    return StopReason::None;
}

/// The leader's call to blocks that wait outside. Called by one thread.
__device__ inline void call_blocks(const RunArguments& run, BlockShared& shared) {
    RunControl& control = *run.control;
    control.state = shared.state;
    control.orders = shared.orders;
    control.barrier_target = shared.barrier_target;
    DeviceWord<std::uint64_t>(control.call)
        .store<WordOrder::Release>(tally(shared.calls, shared.orders.blocks));
}

/// Waits until all blocks that were sent outside by the decisions before the last have gone, so that what they
/// read can be cleared. Called by one thread, the leader.
__device__ inline void await_leavers(const RunArguments& run, BlockShared& shared) {
    const DeviceWord<std::uint32_t> left(run.control->left);
    Watchdog watchdog(run, shared);
    while (shared.left < shared.leavers_before && shared.failed == 0) {
        shared.left = left.load<WordOrder::Acquire>();
        if (shared.left < shared.leavers_before && !watchdog.wait(shared.left, shared.leavers_before)) {
            shared.failed = 1;
        }
    }
}

/// Waits outside until the leader calls this block. Called by one thread.
__device__ inline void await_call(const RunArguments& run, BlockShared& shared) {
    RunControl& control = *run.control;
    const DeviceWord<std::uint64_t> call(control.call);
    std::uint32_t nap_ns = 32;
    constexpr std::uint32_t kNapMost = 64;
    while (true) {
        const std::uint64_t word = call.load<WordOrder::Acquire>();
        if (tally_vertices(word) != shared.calls && tally_arcs(word) > blockIdx.x) {
            shared.calls = tally_vertices(word);
            shared.state = control.state;
            shared.orders = control.orders;
            shared.barrier_target = control.barrier_target;
            return;
        }
        const std::uint32_t failed = DeviceWord<std::uint32_t>(control.failure.failed).load();
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
