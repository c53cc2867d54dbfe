#include "gpu/megakernel/compiled_traversal.h"

#include "gpu/jit/embedded_headers.h"
#include "gpu/jit/nvrtc.h"

#include <gtest/gtest.h>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

namespace megabed::gpu {
namespace {

/// A run whose optional inputs are all there.
RunArguments full_run() {
    RunArguments run;
    LaunchRequest& request = run.inputs.request;
    request = LaunchRequest::direct(1, 528, 1024);
    request.requested_hit_capacity = 4000;
    request.graph_node_count = 1000;
    request.graph_edge_count = 4000;
    request.device_memory_budget = Bytes(std::uint64_t{1} << 33);
    request.frontier_density = BasisPoints(76);
    request.memory_pressure = BasisPoints(8);
    run.inputs.readings = {1000, 990, 4000, 7};
    return run;
}

/// An input that the source does not tell of would be the compiler's default in the kernel.
TEST(CompiledTraversal, Tells_the_compiler_every_input) {
    const RunArguments run = full_run();
    const std::string source = compiled_traversal(run).source;
    std::size_t inputs = 0;
    for (std::size_t byte = 0; byte < sizeof(DecisionInputs); ++byte) {
        RunArguments other = run;
        auto* const bytes = reinterpret_cast<unsigned char*>(&other.inputs);
        bytes[byte] ^= 1U;  // of a number another number, of a presence an absence
        if (other.inputs == run.inputs) {
            continue;  // padding
        }
        ++inputs;
        EXPECT_TRUE(compiled_traversal(other).source != source) << "byte " << byte;
    }
    EXPECT_GT(inputs, 250U);
    EXPECT_NE(source.find("inputs.request.frontier_density = BasisPoints(76);"), std::string::npos);
    EXPECT_NE(source.find("inputs.request.device_memory_budget = Bytes(8589934592ULL);"), std::string::npos);
}

TEST(CompiledTraversal, Tells_policy_and_kind_in_the_entry) {
    RunArguments run = full_run();
    const std::string entry = compiled_traversal(run).entry;
    run.policy = CompiledPolicy::Arcs;
    EXPECT_NE(compiled_traversal(run).entry, entry);
    run.policy = {};
    run.settings.kind = TraversalKind::PageRank;
    EXPECT_NE(compiled_traversal(run).entry, entry);
}

/// Each kind, and the policies with the least and the most code: what a kernel is made of is independent.
TEST(CompiledTraversal, Compiles) {
    const auto nvrtc = load_nvrtc();
    if (!nvrtc) {
        GTEST_SKIP() << to_string(nvrtc.error());
    }
    using enum CompiledPolicy;
    using enum TraversalKind;
    const std::pair<TraversalKind, CompiledPolicy> choices[] = {{BreadthFirst, FixedHybrid},
                                                                {ShortestPaths, Reference},
                                                                {Components, Gswitch},
                                                                {PageRank, Gap},
                                                                {BreadthFirst, Arcs}};
    for (const auto& [kind, policy] : choices) {
        RunArguments run = full_run();
        run.settings.kind = kind;
        run.policy = policy;
        const auto start = std::chrono::steady_clock::now();
        const auto image = (*nvrtc)->compile(compiled_traversal(run), {90, false}, embedded_headers());
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
        ASSERT_TRUE(image) << to_string(image.error());
        std::printf("[ measured ] kind %d, policy %d: %.0f ms, %zu bytes\n", static_cast<int>(kind),
                    static_cast<int>(policy), took.count(), image->code.size());
    }
}

}  // namespace
}  // namespace megabed::gpu
