// What one decision costs on the device, a row for every policy that compiles for it: a thread of a resident
// block decides again and again, each time for a frontier that the last answer changed a little. `named` reads
// the policy's inputs from memory, `compiled` has them as constants, as a kernel compiled at run time has. Time
// is that of the kernel between two CUDA events, divided by its decisions; `cycles` are the multiprocessor's.
// --card prints the card's folder under bench/results.
#include "bench/gpu/card_benchmark.h"
#include "bench/gpu/event_timer.h"
#include "gpu/megakernel/orders.cuh"
#include "gpu/memory/cuda_check.h"
#include "gpu/memory/device_pool.h"
#include "policy/registry.h"

#include <benchmark/benchmark.h>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

namespace megabed {
namespace {

using namespace gpu;

constexpr std::uint32_t kRounds = 20'000;

struct Probe {
    std::uint64_t cycles = 0;
    std::uint32_t answers = 0;
};

template <class Decider>
__global__ void __launch_bounds__(kBlockLanes, 1)
    probe(RunArguments run, LoopState first, std::uint32_t rounds, Probe* result) {
    __shared__ BlockShared shared;
    if (threadIdx.x != 0) {
        return;
    }
    shared.run = run;
    shared.state = first;
    const auto begun = static_cast<std::uint64_t>(clock64());
    std::uint32_t answers = 0;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        answers += Decider::decide(run, shared) ? 1 : 0;
        const std::uint32_t vertices = 500 + (shared.decision.recommendation.hit_capacity + round) % 64;
        shared.state.policy = shared.decision.next;
        shared.state.frontier.vertices = vertices;
        shared.state.frontier.arcs = std::uint64_t{4} * vertices;
    }
    result->cycles = static_cast<std::uint64_t>(clock64()) - begun;
    result->answers = answers;
}

/// In the middle of a search of a graph of a million vertices.
constexpr DecisionInputs example_inputs() {
    DecisionInputs inputs;
    inputs.request = LaunchRequest::direct(1, 528, 1024);
    inputs.request.max_compute_workgroups_per_dimension = 65'535;
    inputs.readings = {1 << 20, 1 << 20, std::uint64_t{1} << 22, 4};
    return inputs;
}
struct ExampleInputs {
    static constexpr DecisionInputs value = example_inputs();
};

/// A kernel that decides by one policy, `named` with inputs in memory, `compiled` with constants.
struct Probes {
    void (*named)(RunArguments, LoopState, std::uint32_t, Probe*) = nullptr;
    void (*compiled)(RunArguments, LoopState, std::uint32_t, Probe*) = nullptr;
};
template <std::size_t... kAt>
Probes probes_of(CompiledPolicy policy, std::index_sequence<kAt...> /*all*/) {
    Probes probes{&probe<NamedPolicy>, nullptr};
    (void)((policy == static_cast<CompiledPolicy>(kAt) &&
            (probes.compiled = &probe<ConstantPolicy<static_cast<CompiledPolicy>(kAt), ExampleInputs>>,
             true)) ||
           ...);
    return probes;
}

void decide_again_and_again(benchmark::State& state, CompiledPolicy policy, bool compiled) {
    auto pool = DevicePool::on_device(std::nullopt);
    if (!pool) {
        return fail_row(state, to_string(pool.error()));
    }
    const auto result = pool->buffer<Probe>(1, "the answer");
    if (!result) {
        return fail_row(state, to_string(result.error()));
    }
    RunArguments arguments;
    arguments.inputs = ExampleInputs::value;
    arguments.policy = policy;
    LoopState first;
    first.frontier = {500, 100'000, 499, false, 2000, std::uint64_t{1} << 21};
    const Probes probes = probes_of(policy, std::make_index_sequence<kCompiledPolicies>());
    const auto kernel = compiled ? probes.compiled : probes.named;
    const EventTimer timer;
    const auto run = [&] { kernel<<<1, kBlockLanes>>>(arguments, first, kRounds, result->data()); };
    (void)timer.time(run);  // warms up
    std::array<Probe, 1> probed{};
    for (auto _ : state) {
        const double seconds = timer.time(run);
        look_at_clocks();
        state.SetIterationTime(seconds / kRounds);
        if (const auto ran = cuda_check(cudaGetLastError(), "the kernel that decides"); !ran) {
            return fail_row(state, to_string(ran.error()));
        }
        if (const auto got = result->download(probed); !got) {
            return fail_row(state, to_string(got.error()));
        }
        if (probed[0].answers != kRounds) {
            return fail_row(state, "a question had no answer");
        }
    }
    state.SetLabel("CUDA events");
    state.counters["cycles"] = static_cast<double>(probed[0].cycles) / kRounds;
}

Loaded<void> add_rows(const std::vector<std::string_view>& words) {
    if (const auto none = take_no_words(words); !none) {
        return none;
    }
    for (const PolicyRow& row : registered_policies()) {
        const auto policy = compiled_policy(row.name);
        for (const bool compiled : {false, true}) {
            if (policy) {
                constexpr int kTimes = 8;
                const std::string name =
                    (compiled ? "decision/compiled/" : "decision/named/") + std::string(row.name);
                benchmark::RegisterBenchmark(name.c_str(),
                                             [policy, compiled](benchmark::State& state) {
                                                 decide_again_and_again(state, *policy, compiled);
                                             })
                    ->UseManualTime()
                    ->Unit(benchmark::kNanosecond)
                    ->Iterations(kTimes);
            }
        }
    }
    return {};
}

}  // namespace
}  // namespace megabed

int main(int argc, char** argv) { return megabed::card_benchmark_main(argc, argv, &megabed::add_rows); }
