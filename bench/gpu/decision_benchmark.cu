// What one decision costs on the device: a thread of a resident block decides again and again, each time for a
// frontier that the last answer changed a little. Prints cycles and nanoseconds for every policy that compiles.
#include "gpu/megakernel/orders.cuh"
#include "policy/registry.h"

#include <cuda_runtime.h>
#include <cstdio>
#include <string>

namespace megabed::gpu {
namespace {

struct Probe {
    std::uint64_t cycles = 0;
    std::uint64_t nanoseconds = 0;
    std::uint32_t answers = 0;
};

__global__ void __launch_bounds__(kBlockLanes, 1)
    probe(CompiledPolicy policy, DecisionInputs inputs, LoopState state, std::uint32_t rounds, Probe* result) {
    __shared__ BlockShared shared;
    if (threadIdx.x != 0) {
        return;
    }
    shared.inputs = inputs;
    shared.state = state;
    const std::uint64_t begun_ns = clock_ns();
    const auto begun = static_cast<std::uint64_t>(clock64());
    std::uint32_t answers = 0;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        answers += decide(policy, shared.inputs, shared.state, shared.decision) ? 1 : 0;
        shared.state.policy = shared.decision.next;
        shared.state.frontier.vertices = 500 + (shared.decision.recommendation.hit_capacity + round) % 64;
        shared.state.frontier.arcs = std::uint64_t{4} * shared.state.frontier.vertices;
    }
    result->cycles = static_cast<std::uint64_t>(clock64()) - begun;
    result->nanoseconds = clock_ns() - begun_ns;
    result->answers = answers;
}

}  // namespace
}  // namespace megabed::gpu

int main() {
    using namespace megabed;
    gpu::Probe* result = nullptr;
    if (cudaMallocManaged(&result, sizeof(gpu::Probe)) != cudaSuccess) {
        (void)std::puts("no CUDA device");
        return 3;
    }
    gpu::DecisionInputs inputs;
    inputs.request = LaunchRequest::direct(1, 528, 1024);
    inputs.request.max_compute_workgroups_per_dimension = 65'535;
    inputs.readings = {1 << 20, 1 << 20, std::uint64_t{1} << 22, 4};
    gpu::LoopState state;
    state.frontier = {500, 100'000, 499, false, 2000, std::uint64_t{1} << 21};
    constexpr std::uint32_t kRounds = 2000;
    (void)std::printf("%-14s %10s %10s\n", "policy", "cycles", "ns");
    for (const PolicyRow& row : registered_policies()) {
        const auto policy = compiled_policy(row.name);
        if (!policy) {
            continue;
        }
        for (int warm = 0; warm < 2; ++warm) {
            gpu::probe<<<1, gpu::kBlockLanes>>>(*policy, inputs, state, kRounds, result);
            if (const cudaError_t code = cudaDeviceSynchronize(); code != cudaSuccess) {
                (void)std::printf("%s: %s\n", std::string(row.name).c_str(), cudaGetErrorString(code));
                return 1;
            }
        }
        (void)std::printf("%-14s %10.0f %10.0f   %u answers\n", std::string(row.name).c_str(),
                          static_cast<double>(result->cycles) / kRounds,
                          static_cast<double>(result->nanoseconds) / kRounds, result->answers);
    }
    return 0;
}
