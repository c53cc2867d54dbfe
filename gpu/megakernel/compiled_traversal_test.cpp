#include "gpu/megakernel/compiled_traversal.h"

#include "gpu/jit/embedded_headers.h"
#include "gpu/jit/nvrtc.h"

#include <gtest/gtest.h>
#include <chrono>
#include <cstdio>
#include <string>

namespace megabed::gpu {
namespace {

/// A run with every field of its inputs set to something else than its default.
RunArguments unusual_run() {
    RunArguments run;
    run.inputs.request = LaunchRequest::direct(1, 528, 1024);
    run.inputs.request.requested_hit_capacity = 4000;
    run.inputs.request.device_memory_budget = Bytes(std::uint64_t{1} << 33);
    run.inputs.request.frontier_density = BasisPoints(77);
    run.inputs.readings = {1000, 990, 4000, 7};
    run.inputs.parameters.memory_pressure_threshold = BasisPoints(8000);
    run.inputs.parameters.field.gap.alpha = 14;
    return run;
}

// That all of them arrive is seen on a card: a kernel refuses a run of other inputs (cuda_backend_test.cpp).
TEST(CompiledTraversal, Tells_the_compiler_every_input) {
    const std::string source = compiled_traversal(unusual_run()).source;
    for (const char* const line :
         {"inputs.request.requested_hit_capacity = 4000U;",
          "inputs.request.device_memory_budget = Bytes(8589934592ULL);",
          "inputs.request.frontier_density = BasisPoints(77);", "inputs.readings.vertices_with_arcs = 990U;",
          "inputs.parameters.memory_pressure_threshold = BasisPoints(8000);",
          "inputs.parameters.field.gap.alpha = 14U;"}) {
        EXPECT_NE(source.find(line), std::string::npos) << line;
    }
    EXPECT_EQ(source.find("graph_node_count"), std::string::npos) << "an absent reading stays absent";
}

TEST(CompiledTraversal, Compiles_for_every_policy_and_kind) {
    const auto nvrtc = load_nvrtc();
    if (!nvrtc) {
        GTEST_SKIP() << to_string(nvrtc.error());
    }
    RunArguments run = unusual_run();
    // Kinds with one policy, policies with the kind that has the most code: what they are made of is
    // independent.
    for (std::size_t number = 0; number < 4 + kCompiledPolicies; ++number) {
        run.settings.kind = static_cast<TraversalKind>(number < 4 ? number : 0);
        run.policy = number < 4 ? CompiledPolicy::FixedHybrid : static_cast<CompiledPolicy>(number - 4);
        if (number >= 4 && run.policy != CompiledPolicy::Arcs && run.policy != CompiledPolicy::Reference) {
            continue;
        }
        const auto start = std::chrono::steady_clock::now();
        const auto image = (*nvrtc)->compile(compiled_traversal(run), {90, false}, embedded_headers());
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
        ASSERT_TRUE(image) << to_string(image.error());
        std::printf("[ measured ] kind %d, policy %d: %.0f ms, %zu bytes\n",
                    static_cast<int>(run.settings.kind), static_cast<int>(run.policy), took.count(),
                    image->code.size());
    }
}

}  // namespace
}  // namespace megabed::gpu
