#include "gpu/jit/jit_kernel.h"

#include "gpu/jit/testing/kernel_programs.h"
#include "gpu/jit/testing/pretend_compiler.h"
#include "gpu/memory/co_tenant_allocations.h"
#include "gpu/memory/cuda_check.h"
#include "gpu/memory/device_pool.h"
#include "policy/hardened_policy.h"
#include "policy/reference_policy.h"

#include <gtest/gtest.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <random>
#include <string>
#include <vector>

// What needs a card; elsewhere each test is skipped and says why.
namespace megabed {
namespace {

/// As the program of the test tells it.
template <class Value>
struct Told {
    Value value{};
    Error error{};
    bool has_value = false;
};

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

JitRequest request_of(std::string entry) {
    return {.program = "test", .source = kSmallKernels, .entry = std::move(entry)};
}

TEST(JitKernelOnTheCard, Adds) {
    const TemporaryFolder folder;
    for (const JitOrigin expected : {JitOrigin::Compiled, JitOrigin::Disk}) {
        auto kernels = JitKernels::on_this_device({.folder = folder.path()});
        if (!kernels) {
            GTEST_SKIP() << to_string(kernels.error());
        }
        auto pool = DevicePool::on_device(Bytes(64 * kMiB));
        ASSERT_TRUE(pool) << to_string(pool.error());
        JitRequest request = request_of("add");
        request.define("PLUS", 5);
        const auto add = kernels->kernel(request);
        ASSERT_TRUE(add) << to_string(add.error());
        EXPECT_EQ(add->compiled().origin, expected);
        std::printf("[ measured ] %s from %s: %.3f ms, loaded in %.3f ms, %u registers, %u bytes local\n",
                    add->compiled().architecture.name().c_str(),
                    std::string(to_string(add->compiled().origin)).c_str(),
                    static_cast<double>(add->compiled().elapsed.value()) / 1e6,
                    static_cast<double>(add->load_time().value()) / 1e6, add->registers(), add->local_bytes());

        constexpr std::uint32_t kCount = 100'000;
        std::vector<std::uint32_t> left(kCount);
        std::iota(left.begin(), left.end(), 0U);
        auto lefts = pool->buffer<std::uint32_t>(kCount, "left");
        auto sums = pool->buffer<std::uint32_t>(kCount, "sum");
        ASSERT_TRUE(lefts && sums && lefts->upload(left) && sums->fill_bytes(std::byte{0}));
        const auto launched = add->launch_with(
            {.blocks = (kCount + 127) / 128, .lanes = 128}, static_cast<const std::uint32_t*>(lefts->data()),
            static_cast<const std::uint32_t*>(lefts->data()), sums->data(), kCount);
        ASSERT_TRUE(launched) << to_string(launched.error());
        ASSERT_TRUE(finish_stream(nullptr));
        std::vector<std::uint32_t> sum(kCount);
        ASSERT_TRUE(sums->download(sum));
        for (std::uint32_t at = 0; at < kCount; ++at) {
            ASSERT_EQ(sum[at], 2 * at + 5) << at;
        }
        const auto again = kernels->kernel(request);
        ASSERT_TRUE(again);
        EXPECT_EQ(again->compiled().origin, JitOrigin::Memory);
        EXPECT_EQ(again->function(), add->function());
        EXPECT_EQ(again->load_time(), SimTime(0));
        std::printf("[ measured ] the second time: %.3f ms\n",
                    static_cast<double>(again->compiled().elapsed.value()) / 1e6);
    }
}

TEST(JitKernelOnTheCard, A_grid_that_cannot_be_resident_is_refused_and_all_goes_on) {
    auto kernels = JitKernels::on_this_device({});
    if (!kernels) {
        GTEST_SKIP() << to_string(kernels.error());
    }
    const auto add = kernels->kernel(request_of("add"));
    ASSERT_TRUE(add) << to_string(add.error());
    const auto blocks = add->resident_blocks(256, 0);
    ASSERT_TRUE(blocks) << to_string(blocks.error());
    EXPECT_GT(*blocks, 0U);
    std::printf("[ measured ] blocks of 256 lanes resident at once: %u\n", *blocks);
    const std::uint32_t* const none = nullptr;
    std::uint32_t* const nowhere = nullptr;
    const auto refused = add->launch_with({.blocks = *blocks + 1, .lanes = 256, .cooperative = true}, none,
                                          none, nowhere, std::uint32_t{0});
    ASSERT_FALSE(refused);
    std::printf("[ measured ] %s\n", to_string(refused.error()).c_str());
    EXPECT_FALSE(cuda_context_lost());
    EXPECT_TRUE(add->launch_with({.blocks = *blocks, .lanes = 256, .cooperative = true}, none, none, nowhere,
                                 std::uint32_t{0}));
    EXPECT_TRUE(finish_stream(nullptr));
}

TEST(JitKernelOnTheCard, A_kernel_outlives_the_one_who_loaded_it) {
    auto kernels = JitKernels::on_this_device({});
    if (!kernels) {
        GTEST_SKIP() << to_string(kernels.error());
    }
    const auto add = kernels->kernel(request_of("add"));
    ASSERT_TRUE(add);
    { const JitKernels gone = std::move(*kernels); }
    const std::uint32_t* const none = nullptr;
    std::uint32_t* const nowhere = nullptr;
    EXPECT_TRUE(add->launch_with({}, none, none, nowhere, std::uint32_t{0}));
    EXPECT_TRUE(finish_stream(nullptr));
}

/// Device code with a standard library of our own decides as the host's does.
TEST(JitKernelOnTheCard, Policies_decide_as_on_the_host) {
    auto kernels = JitKernels::on_this_device({});
    if (!kernels) {
        GTEST_SKIP() << to_string(kernels.error());
    }
    auto pool = DevicePool::on_device(Bytes(64 * kMiB));
    ASSERT_TRUE(pool);
    const JitRequest request{.program = "decide", .source = kDecideProgram, .entry = "decide"};
    const auto decide = kernels->kernel(request);
    ASSERT_TRUE(decide) << to_string(decide.error());
    std::printf("[ measured ] two policies compiled in %.1f ms, %u registers, %u bytes local\n",
                static_cast<double>(decide->compiled().compile_time.value()) / 1e6, decide->registers(),
                decide->local_bytes());

    constexpr std::uint32_t kCount = 20'000;
    std::minstd_rand random(7);
    const auto below = [&](std::uint32_t limit) { return static_cast<std::uint32_t>(random()) % limit; };
    std::vector<LaunchRequest> requests;
    for (std::uint32_t at = 0; at < kCount; ++at) {
        LaunchRequest one = LaunchRequest::direct(below(1U << below(24)), below(600), below(3) == 0 ? 0 : 256);
        one.requeue_count = below(3);
        one.hot_opcode_count = below(10);
        if (below(2) == 0) {
            one.graph_node_count = below(1U << 20);
            one.graph_edge_count = below(1U << 24);
            one.frontier_density = BasisPoints(static_cast<std::uint16_t>(below(10'001)));
        }
        if (below(2) == 0) {
            one.device_memory_budget = Bytes(below(1U << 30));
            one.resident_device_bytes = Bytes(below(1U << 29));
        }
        requests.push_back(one);
    }
    auto asked = pool->buffer<LaunchRequest>(kCount, "requests");
    auto decisions = pool->buffer<Told<Decision>>(kCount, "decisions");
    auto answers = pool->buffer<Told<reference::Answer>>(kCount, "answers");
    ASSERT_TRUE(asked && decisions && answers && asked->upload(requests));
    ASSERT_TRUE(decide->launch_with({.blocks = (kCount + 127) / 128, .lanes = 128},
                                    static_cast<const LaunchRequest*>(asked->data()), decisions->data(),
                                    answers->data(), kCount));
    const auto finished = finish_stream(nullptr);
    ASSERT_TRUE(finished) << to_string(finished.error());
    std::vector<Told<Decision>> decided(kCount);
    std::vector<Told<reference::Answer>> answered(kCount);
    ASSERT_TRUE(decisions->download(decided) && answers->download(answered));
    std::uint32_t refused = 0;
    for (std::uint32_t at = 0; at < kCount; ++at) {
        const Told<Decision>& decision = decided[at];
        const auto expected = hardened::recommend({}, requests[at], {});
        ASSERT_EQ(decision.has_value, expected.has_value()) << at;
        if (expected) {
            ASSERT_EQ(decision.value.recommendation, expected->recommendation) << at;
            ASSERT_EQ(decision.value.next, expected->next) << at;
            ASSERT_EQ(decision.value.rule, expected->rule) << at;
        } else {
            ASSERT_EQ(decision.error, expected.error()) << at;
            ++refused;
        }
        const auto answer = reference::recommend({}, requests[at]);
        ASSERT_EQ(answered[at].has_value, answer.has_value()) << at;
        if (answer) {
            ASSERT_EQ(answered[at].value, *answer) << at;
        } else {
            ASSERT_EQ(answered[at].error, answer.error()) << at;
        }
    }
    EXPECT_GT(refused, 0U);
    EXPECT_LT(refused, kCount);
}

/// The heart of co-tenancy: memory comes and goes while a kernel stays resident, and so do kernels. If any of
/// these calls waited for the kernel, it would end by its own deadline and say that it never saw the flag.
TEST(JitKernelOnTheCard, Memory_comes_while_a_kernel_stays_resident) {
    auto kernels = JitKernels::on_this_device({});
    if (!kernels) {
        GTEST_SKIP() << to_string(kernels.error());
    }
    auto pool = DevicePool::on_device(Bytes(1024 * kMiB));
    ASSERT_TRUE(pool);
    const auto waiting = kernels->kernel(request_of("wait_for_flag"));
    ASSERT_TRUE(waiting) << to_string(waiting.error());
    auto words = pool->buffer<std::uint32_t>(2, "flag");
    ASSERT_TRUE(words && words->fill_bytes(std::byte{0}));
    using Clock = std::chrono::steady_clock;
    const auto micros = [](auto span) { return std::chrono::duration<double, std::micro>(span).count(); };
    ASSERT_TRUE(waiting->launch_with({}, words->data(), words->data() + 1));

    CoTenantAllocations others(*pool);
    const auto start = Clock::now();
    EXPECT_TRUE(others.hold(Bytes(512 * kMiB)));
    const auto grown = Clock::now();
    EXPECT_TRUE(others.hold(Bytes(100 * kMiB)));
    const auto shrunk = Clock::now();
    EXPECT_TRUE(others.hold(Bytes(512 * kMiB)));
    const auto regrown = Clock::now();
    std::printf(
        "[ measured ] beside a resident kernel: 512 MiB taken in %.0f us, 412 MiB freed in %.0f us, taken "
        "again "
        "in %.0f us\n",
        micros(grown - start), micros(shrunk - grown), micros(regrown - shrunk));
    const std::vector<std::uint32_t> flag{1};
    ASSERT_TRUE(words->upload(flag));
    ASSERT_TRUE(finish_stream(nullptr));
    std::vector<std::uint32_t> seen(2);
    ASSERT_TRUE(words->download(seen));
    EXPECT_EQ(seen[1], 1U) << "something waited for the resident kernel";
}

/// In a process of its own, which loses its context.
TEST(JitKernelDeathTest, After_a_fault_the_message_says_what_still_works) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto kernels = JitKernels::on_this_device({});
    if (!kernels) {
        GTEST_SKIP() << to_string(kernels.error());
    }
    EXPECT_EXIT(
        {
            auto mine = JitKernels::on_this_device({});
            auto pool = DevicePool::on_device(Bytes(kMiB));
            auto block = pool->allocate(Bytes(512), "before");
            const auto faulty = mine->kernel(request_of("fault"));
            (void)faulty->launch_with({}, static_cast<std::uint32_t*>(nullptr));
            const auto fault = finish_stream(nullptr);
            const auto later = pool->allocate(Bytes(512), "after");
            std::fprintf(stderr, "%s\n%s\n", to_string(fault.error()).c_str(),
                         to_string(later.error()).c_str());
            block = DeviceBlock();
            std::exit(cuda_context_lost() ? 0 : 1);
        },
        testing::ExitedWithCode(0),
        "cudaStreamSynchronize: cudaErrorIllegalAddress: .*the CUDA context is lost; allowed: the backends sim "
        "and "
        "threads.*\n.*after the CUDA context was lost by cudaStreamSynchronize");
}

}  // namespace
}  // namespace megabed
