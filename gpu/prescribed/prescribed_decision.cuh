#pragma once

#include "gpu/megakernel/orders.cuh"
#include "gpu/prescribed/prescribed_wave.cuh"

/// How a launch of prescribed waves is decided, and how blocks hear of it.
namespace megabed::gpu {

/// Asks the policy. False: it refused. A function of its own for every policy, so that each has its registers.
template <CompiledPolicy kPolicy>
static __device__ __noinline__ bool answer_as(const DecisionInputs& inputs, const PolicyState& state,
                                              Decision& decision) {
    Observation observation;
    observation.request = inputs.request;
    const auto answer = recommend_compiled(kPolicy, inputs.parameters, observation, state);
    if (!answer) {
        return false;
    }
    decision = *answer;
    return true;
}

/// The policy's answer to the entry's request, with what memory says now where it is not the request's own.
/// Called by one thread.
[[nodiscard]] __device__ inline bool decide_prescribed(const PrescribedArguments& run,
                                                       PrescribedShared& shared) {
    DecisionInputs& inputs = shared.block.run.inputs;
    inputs.request = shared.entry.request;
    if (!run.tokens) {
        observe_memory(Bytes(shared.state.resident_bytes), run.budget, inputs.request);
    }
    return with_policy(run.run.policy, [&]<CompiledPolicy kPolicy>() {
        return answer_as<kPolicy>(inputs, shared.state.policy, shared.block.decision);
    });
}

/// The host's answer. A host that goes away answers with the end. Called by one thread.
[[nodiscard]] __device__ inline StopReason ask_prescribed_host(const PrescribedArguments& run,
                                                               PrescribedShared& shared) {
    PrescribedBell& bell = *run.bell;
    const SystemWord<std::uint32_t> asked(bell.asked);
    const std::uint32_t question = asked.load() + 1;
    bell.wave = shared.state.wave;
    asked.store<WordOrder::Release>(question);
    const SystemWord<std::uint32_t> answered(bell.answered);
    while (answered.load<WordOrder::Acquire>() != question) {
    }
    if (bell.end) {
        return StopReason::HostEnds;
    }
    shared.block.decision.recommendation = bell.answer;
    return StopReason::None;
}

/// Waits until a word of the leader has come to a number; as long as it takes, since the leader may wait for
/// the host, or be at a long launch. False: the run has failed. Called by one thread.
[[nodiscard]] __device__ inline bool await_leader(const PrescribedArguments& run, std::uint32_t& word,
                                                  std::uint32_t number) {
    const DeviceWord<std::uint32_t> told(word);
    std::uint32_t nap_ns = 32;
    constexpr std::uint32_t kNapMost = 512;
    while (told.load<WordOrder::Acquire>() != number) {
        if (read_shared(run.run.control->failure.failed) != 0) {
            return false;
        }
        __nanosleep(nap_ns);
        nap_ns = min(nap_ns * 2, kNapMost);
    }
    return true;
}

/// Why no launch can be decided now, if so.
[[nodiscard]] __device__ inline StopReason must_stop(const PrescribedArguments& run,
                                                     const PrescribedShared& shared) {
    const std::uint32_t left = run.entry_count - shared.state.at;
    if (shared.block.failed != 0) {
        return StopReason::Failed;
    }
    if (run.last_entries ? left == 0 : left < run.run.fuse_waves_max) {
        return run.last_entries ? StopReason::Done : StopReason::RecordsFull;
    }
    return shared.state.noted >= run.run.notes_max ? StopReason::RecordsFull : StopReason::None;
}

/// Decides the next launch into `shared`. Called by thread 0 of every block: what the device decides each block
/// decides for itself, and all come to the same; what the host decides the leader is told, and tells the
/// others.
__device__ inline void take_prescribed_orders(const PrescribedArguments& run, PrescribedShared& shared) {
    WaveOrders& orders = shared.block.orders;
    StopReason stop = must_stop(run, shared);
    const bool hears = run.run.host_decides && blockIdx.x != 0;
    if (stop == StopReason::None && hears) {
        if (await_leader(run, run.control->called, ++shared.calls)) {
            orders = run.control->orders;
            return;
        }
        shared.block.failed = 1;
        stop = StopReason::Failed;
    } else if (stop == StopReason::None && run.run.host_decides) {
        stop = ask_prescribed_host(run, shared);
    } else if (stop == StopReason::None) {
        stop = decide_prescribed(run, shared) ? StopReason::None : StopReason::Refused;
        shared.state.policy = stop == StopReason::None ? shared.block.decision.next : shared.state.policy;
    }
    orders.stop = stop;
    if (stop == StopReason::None) {
        grant(run.run, shared.block.decision.recommendation, orders);
    }
    if (run.run.host_decides && blockIdx.x == 0 && stop != StopReason::Failed) {
        run.control->orders = orders;
        DeviceWord<std::uint32_t>(run.control->called).store<WordOrder::Release>(++shared.calls);
    }
}

}  // namespace megabed::gpu
