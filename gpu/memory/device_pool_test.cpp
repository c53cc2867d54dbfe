#include "gpu/memory/device_pool.h"

#include "gpu/memory/co_tenant_allocations.h"
#include "gpu/memory/co_tenant_process.h"
#include "gpu/memory/cuda_check.h"

#include <gtest/gtest.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <new>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace megabed {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

/// Host memory in the place of the card's, of a size of its own, that knows what it has given out.
class PretendDevice final : public DeviceAllocator {
public:
    struct Ledger {
        std::map<void*, std::uint64_t> blocks{};
        std::uint64_t total = std::numeric_limits<std::uint64_t>::max();
        bool destroyed = false;
        [[nodiscard]] std::uint64_t given() const {
            return std::accumulate(blocks.begin(), blocks.end(), std::uint64_t{0},
                                   [](std::uint64_t sum, const auto& block) { return sum + block.second; });
        }
    };
    explicit PretendDevice(Ledger& ledger) : ledger_(ledger) {}
    ~PretendDevice() override { ledger_.destroyed = true; }

    [[nodiscard]] Loaded<void*> allocate(Bytes size) override {
        EXPECT_GT(size, Bytes(0));
        if (size.value() > ledger_.total - ledger_.given()) {
            return cuda_refusal("pretended", "out of memory", "");
        }
        void* const address = ::operator new(size.value());
        ledger_.blocks[address] = size.value();
        return address;
    }
    void release(void* address) noexcept override {
        EXPECT_EQ(ledger_.blocks.erase(address), 1U) << "released twice, or never allocated";
        ::operator delete(address);
    }
    [[nodiscard]] Loaded<void> upload(void* to, std::span<const std::byte> from) override {
        std::memcpy(to, from.data(), from.size());
        return {};
    }
    [[nodiscard]] Loaded<void> download(std::span<std::byte> to, const void* from) override {
        std::memcpy(to.data(), from, to.size());
        return {};
    }
    [[nodiscard]] Loaded<void> fill(void* to, std::byte value, Bytes size) override {
        std::memset(to, std::to_integer<int>(value), size.value());
        return {};
    }
    [[nodiscard]] std::string_view route() const override { return "pretended"; }

private:
    Ledger& ledger_;
};

struct PretendedPool {
    explicit PretendedPool(std::optional<Bytes> cap) : pool(std::make_unique<PretendDevice>(ledger), cap) {}
    PretendDevice::Ledger ledger{};
    DevicePool pool;
};

std::string text_of(const InputError& error) { return to_string(error); }

TEST(DevicePool, Counts_what_it_gave_and_takes_it_back) {
    PretendedPool pretended(Bytes{kMiB});
    {
        const auto block = pretended.pool.allocate(Bytes(1000), "offsets");
        ASSERT_TRUE(block) << text_of(block.error());
        EXPECT_EQ(block->size(), Bytes(1000));
        EXPECT_EQ(pretended.pool.held(), Bytes(1024));
        EXPECT_EQ(pretended.ledger.given(), 1024U);
    }
    EXPECT_EQ(pretended.pool.held(), Bytes(0));
    EXPECT_EQ(pretended.pool.held_max(), Bytes(1024));
    EXPECT_TRUE(pretended.ledger.blocks.empty());
}

TEST(DevicePool, Refuses_beyond_the_cap_and_goes_on) {
    PretendedPool pretended(Bytes{kMiB});
    const auto first = pretended.pool.allocate(Bytes(kMiB / 2), "graph");
    ASSERT_TRUE(first);
    EXPECT_TRUE(pretended.pool.has_room_for(Bytes(kMiB / 2)));
    EXPECT_FALSE(pretended.pool.has_room_for(Bytes(kMiB / 2 + 1)));
    const auto refused = pretended.pool.allocate(Bytes(kMiB / 2 + 1), "hit queue");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, InputErrorKind::Unavailable);
    EXPECT_EQ(
        text_of(refused.error()),
        "cuda: device memory: hit queue: 524289 bytes asked, 524288 bytes held, and the cap is 1048576 bytes; "
        "allowed: a larger budget, or less work at once");
    EXPECT_EQ(pretended.ledger.blocks.size(), 1U);
    // The very last byte can be had.
    EXPECT_TRUE(pretended.pool.allocate(Bytes(kMiB / 2), "hit queue"));
    // And now that it has been given back, again.
    EXPECT_TRUE(pretended.pool.allocate(Bytes(kMiB / 2), "hit queue"));
}

TEST(DevicePool, A_device_that_is_full_before_the_cap_says_so_and_nothing_is_counted) {
    PretendedPool pretended(std::nullopt);
    pretended.ledger.total = 4096;
    const auto block = pretended.pool.allocate(Bytes(4096), "graph");
    ASSERT_TRUE(block);
    const auto refused = pretended.pool.allocate(Bytes(1), "flags");
    ASSERT_FALSE(refused);
    EXPECT_EQ(text_of(refused.error()),
              "cuda: pretended: flags: 1 bytes asked, 4096 bytes held, and the cap is none: out of memory");
    EXPECT_EQ(pretended.pool.held(), Bytes(4096));
}

TEST(DevicePool, Sizes_that_leave_the_type_are_refused) {
    PretendedPool pretended(std::nullopt);
    EXPECT_FALSE(pretended.pool.allocate(Bytes::max(), "all"));
    EXPECT_FALSE(pretended.pool.has_room_for(Bytes::max()));
    const auto refused =
        pretended.pool.buffer<std::uint64_t>(std::numeric_limits<std::size_t>::max() / 8 + 1, "distances");
    ASSERT_FALSE(refused);
    EXPECT_NE(text_of(refused.error()).find("distances: 2305843009213693952 values of 8 bytes"),
              std::string::npos);
    EXPECT_TRUE(pretended.ledger.blocks.empty());
}

TEST(DevicePool, Nothing_costs_nothing) {
    PretendedPool pretended(Bytes{0});
    auto empty = pretended.pool.buffer<int>(0, "nothing");
    ASSERT_TRUE(empty);
    EXPECT_EQ(empty->data(), nullptr);
    EXPECT_TRUE(empty->fill_bytes(std::byte{1}));
    EXPECT_TRUE(empty->upload({}));
    EXPECT_FALSE(pretended.pool.allocate(Bytes(1), "something"));
}

TEST(DevicePool, Buffers_move_and_keep_the_pool_alive) {
    PretendDevice::Ledger ledger;
    DeviceBuffer<std::uint32_t> kept;
    {
        DevicePool pool(std::make_unique<PretendDevice>(ledger), Bytes(kMiB));
        auto made = pool.buffer<std::uint32_t>(16, "queue");
        ASSERT_TRUE(made);
        auto replaced = pool.buffer<std::uint32_t>(4, "queue");
        ASSERT_TRUE(replaced);
        kept = std::move(*replaced);
        kept = std::move(*made);
        EXPECT_EQ(made->size(), 0U);
        EXPECT_EQ(ledger.blocks.size(), 1U);
    }
    EXPECT_FALSE(ledger.destroyed);
    EXPECT_EQ(kept.size(), 16U);
    EXPECT_TRUE(kept.fill_bytes(std::byte{0xFF}));
    kept = {};
    EXPECT_TRUE(ledger.destroyed);
    EXPECT_TRUE(ledger.blocks.empty());
}

TEST(DevicePool, Copies_stay_inside_their_buffer) {
    PretendedPool pretended(Bytes{kMiB});
    auto buffer = pretended.pool.buffer<std::uint32_t>(8, "queue");
    ASSERT_TRUE(buffer && buffer->fill_bytes(std::byte{0}));
    const std::vector<std::uint32_t> values{1, 2, 3};
    EXPECT_TRUE(buffer->upload(values, 5));
    const auto beyond = buffer->upload(values, 6);
    ASSERT_FALSE(beyond);
    EXPECT_EQ(text_of(beyond.error()),
              "cuda: device memory: a copy of 12 bytes from byte 24 on of a block; allowed: bytes 0 to 32");
    std::vector<std::uint32_t> copied(8);
    EXPECT_TRUE(buffer->download(copied));
    EXPECT_EQ(copied, (std::vector<std::uint32_t>{0, 0, 0, 0, 0, 1, 2, 3}));
    EXPECT_FALSE(buffer->download(copied, 1));
}

TEST(DevicePool, Many_threads_never_pass_the_cap) {
    constexpr std::uint64_t kCap = 64 * 512;
    PretendedPool pretended(Bytes{kCap});
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            for (int round = 0; round < 2000; ++round) {
                auto one = pretended.pool.allocate(Bytes(17 * 512), "one");
                auto two = pretended.pool.allocate(Bytes(9 * 512), "two");
                EXPECT_LE(pretended.pool.held(), Bytes{kCap});
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(pretended.pool.held(), Bytes(0));
    EXPECT_LE(pretended.pool.held_max(), Bytes{kCap});
}

TEST(CoTenantAllocations, Follow_what_is_wanted_to_the_byte) {
    PretendedPool pretended(Bytes{64 * kMiB});
    CoTenantAllocations others(pretended.pool);
    EXPECT_EQ(others.block(), CoTenantAllocations::kBlockMin);
    for (const std::uint64_t wanted : {std::uint64_t{0}, 5 * kMiB, 5 * kMiB + 1024, 46 * kMiB, 46 * kMiB,
                                       64 * kMiB, kMiB, 2 * kMiB, std::uint64_t{512}, std::uint64_t{0}}) {
        const auto held = others.hold(Bytes(wanted));
        ASSERT_TRUE(held) << text_of(held.error());
        EXPECT_EQ(*held, Bytes(wanted));
        EXPECT_EQ(others.held(), Bytes(wanted));
        EXPECT_EQ(pretended.pool.held(), Bytes(wanted));
        EXPECT_EQ(pretended.ledger.blocks.size(), div_ceil<std::uint64_t>(wanted, 2 * kMiB));
    }
}

TEST(CoTenantAllocations, Get_what_the_work_leaves_them) {
    PretendedPool pretended(Bytes{16 * kMiB});
    const auto graph = pretended.pool.allocate(Bytes(9 * kMiB), "graph");
    ASSERT_TRUE(graph);
    CoTenantAllocations others(pretended.pool);
    const auto refused = others.hold(Bytes(12 * kMiB));
    ASSERT_FALSE(refused);
    EXPECT_NE(text_of(refused.error()).find("co-tenants: 2097152 bytes asked, 15728640 bytes held"),
              std::string::npos)
        << text_of(refused.error());
    EXPECT_EQ(others.held(), Bytes(6 * kMiB));
    EXPECT_TRUE(others.hold(Bytes(2 * kMiB)));
    EXPECT_TRUE(pretended.pool.allocate(Bytes(5 * kMiB), "frontier"));
}

TEST(CoTenantAllocations, Take_few_blocks_of_a_large_card) {
    PretendedPool pretended(Bytes{std::uint64_t{141} << 30});
    const CoTenantAllocations others(pretended.pool);
    EXPECT_EQ(others.block(), Bytes(36 * kMiB));
}

/// As in the simulator, where others have what they ask for: so is the pressure that a policy sees.
TEST(CoTenantProcess, Counts_for_what_it_asks_for_where_the_pool_has_no_room) {
    PretendedPool pretended(Bytes{16 * kMiB});
    auto graph = pretended.pool.allocate(Bytes(9 * kMiB), "graph");
    ASSERT_TRUE(graph);
    for (const std::uint64_t wanted : {5 * kMiB, 40 * kMiB}) {
        MemorySettings settings;
        settings.co_tenants = {MemoryRamp{SimTime(0), SimTime(1), Bytes(wanted), Bytes(wanted)}};
        std::uint64_t told = 0;
        CoTenantProcess others(settings, 1, pretended.pool, [&](Bytes held) { told = held.value(); });
        others.start();
        EXPECT_EQ(told, wanted);
        EXPECT_EQ(others.held(), Bytes(wanted));
        EXPECT_LE(pretended.pool.held(), Bytes(16 * kMiB));
        EXPECT_GE(pretended.pool.held(), Bytes(14 * kMiB));
    }
    EXPECT_EQ(pretended.pool.held(), Bytes(9 * kMiB));
}

TEST(DevicePool, What_is_left_behind_is_given_to_nobody_and_counts_as_held) {
    PretendedPool pretended(Bytes(4 * kMiB));
    {
        auto block = pretended.pool.allocate(Bytes(3 * kMiB), "a kernel that cannot be ended");
        ASSERT_TRUE(block);
        block->abandon();
        EXPECT_EQ(block->address(), nullptr);
    }
    EXPECT_EQ(pretended.pool.held(), Bytes(3 * kMiB));
    EXPECT_FALSE(pretended.pool.allocate(Bytes(2 * kMiB), "the next"));
    EXPECT_TRUE(pretended.pool.allocate(Bytes(kMiB), "a small one"));
}

TEST(CudaCheck, Tells_a_lost_context_from_a_refused_call) {
    EXPECT_TRUE(cuda_check(0, "cudaMalloc"));
    constexpr int kInvalidValue = 1;
    const auto refused = cuda_check(kInvalidValue, "cudaMemcpyAsync");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, InputErrorKind::Unavailable);
    EXPECT_EQ(refused.error().key, "cudaMemcpyAsync");
    EXPECT_FALSE(cuda_context_lost());
    EXPECT_TRUE(cuda_usable());
    if (cuda_failure(kInvalidValue) == CudaFailure::NoDevice) {
        GTEST_SKIP() << "this build has no CUDA parts";
    }
    EXPECT_EQ(text_of(refused.error()), "cuda: cudaMemcpyAsync: cudaErrorInvalidValue: invalid argument");
    constexpr int kMemoryAllocation = 2;
    EXPECT_EQ(cuda_failure(kMemoryAllocation), CudaFailure::OutOfMemory);
    constexpr int kNoDevice = 100;
    EXPECT_EQ(cuda_failure(kNoDevice), CudaFailure::NoDevice);
}

/// In a process of its own, since a lost context is remembered.
TEST(CudaCheckDeathTest, After_a_fault_everything_names_the_fault) {
    constexpr int kIllegalAddress = 700;
    if (cuda_failure(kIllegalAddress) != CudaFailure::ContextLost) {
        GTEST_SKIP() << "this build has no CUDA parts";
    }
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            const auto fault = cuda_check(kIllegalAddress, "cudaStreamSynchronize");
            const auto later = cuda_check(kIllegalAddress, "cudaMalloc");
            std::fprintf(stderr, "%s\n%s\n", text_of(fault.error()).c_str(), text_of(later.error()).c_str());
            const auto usable = cuda_usable();
            const auto pool = DevicePool::on_device(std::nullopt);
            const bool refused =
                !usable && !pool && text_of(usable.error()) == text_of(pool.error()) &&
                text_of(usable.error()).find("lost its CUDA context by cudaStreamSynchronize") !=
                    std::string::npos;
            std::exit(cuda_context_lost() && refused ? 0 : 1);
        },
        testing::ExitedWithCode(0),
        "cuda: cudaStreamSynchronize: cudaErrorIllegalAddress: .*the CUDA context is lost; allowed: the "
        "backends sim "
        "and threads in this process; CUDA in a new one\n"
        "cuda: cudaMalloc: cudaErrorIllegalAddress: .*after the CUDA context was lost by "
        "cudaStreamSynchronize");
}

/// A pool on the card, or the reason why the test is skipped.
Loaded<DevicePool> pool_on_the_card(std::uint64_t cap) { return DevicePool::on_device(Bytes(cap)); }

TEST(DevicePoolOnTheCard, Keeps_its_cap_and_copies) {
    auto pool = pool_on_the_card(64 * kMiB);
    if (!pool) {
        GTEST_SKIP() << text_of(pool.error());
    }
    std::printf("[ measured ] memory by: %s\n", std::string(pool->route()).c_str());
    auto half = pool->buffer<std::uint32_t>(8 * kMiB, "half");
    ASSERT_TRUE(half) << text_of(half.error());
    std::vector<std::uint32_t> values(half->size());
    std::iota(values.begin(), values.end(), 7U);
    ASSERT_TRUE(half->upload(values));
    EXPECT_FALSE(pool->allocate(Bytes(32 * kMiB + 1), "too much"));
    auto rest = pool->allocate(Bytes(32 * kMiB), "the rest");
    EXPECT_TRUE(rest) << text_of(rest.error());
    std::vector<std::uint32_t> copied(values.size());
    ASSERT_TRUE(half->download(copied));
    EXPECT_EQ(copied, values);
}

TEST(DevicePoolOnTheCard, Memory_in_pieces_can_be_had_again_as_one) {
    auto pool = pool_on_the_card(256 * kMiB);
    if (!pool) {
        GTEST_SKIP() << text_of(pool.error());
    }
    std::vector<DeviceBlock> pieces;
    while (auto piece = pool->allocate(Bytes(4 * kMiB), "piece")) {
        pieces.push_back(std::move(*piece));
    }
    EXPECT_EQ(pieces.size(), 64U);
    pieces.clear();
    const auto whole = pool->allocate(Bytes(256 * kMiB), "whole");
    EXPECT_TRUE(whole) << text_of(whole.error());
}

TEST(DevicePoolOnTheCard, Co_tenants_take_and_give_real_memory) {
    auto pool = pool_on_the_card(1024 * kMiB);
    if (!pool) {
        GTEST_SKIP() << text_of(pool.error());
    }
    CoTenantAllocations others(*pool);
    using Clock = std::chrono::steady_clock;
    for (const char* const pass : {"first", "second"}) {
        const auto start = Clock::now();
        const auto held = others.hold(Bytes(900 * kMiB));
        const auto grown = Clock::now();
        ASSERT_TRUE(held) << text_of(held.error());
        EXPECT_FALSE(pool->allocate(Bytes(125 * kMiB), "work"));
        ASSERT_TRUE(others.hold(Bytes(0)));
        const auto freed = Clock::now();
        const auto micros = [](auto span) { return std::chrono::duration<double, std::micro>(span).count(); };
        std::printf("[ measured ] %s pass: 450 blocks of 2 MiB taken in %.1f us, freed in %.1f us\n", pass,
                    micros(grown - start), micros(freed - grown));
    }
    const auto work = pool->allocate(Bytes(1000 * kMiB), "work");
    EXPECT_TRUE(work) << text_of(work.error());
}

TEST(DevicePoolOnTheCard, A_refusal_of_the_card_itself_leaves_all_usable) {
    auto pool = DevicePool::on_device(std::nullopt);
    if (!pool) {
        GTEST_SKIP() << text_of(pool.error());
    }
    auto kept = pool->buffer<std::uint32_t>(1024, "kept");
    ASSERT_TRUE(kept && kept->fill_bytes(std::byte{3}));
    const auto refused = pool->allocate(Bytes(std::uint64_t{64} << 40), "64 TiB");
    ASSERT_FALSE(refused);
    std::printf("[ measured ] %s\n", text_of(refused.error()).c_str());
    EXPECT_FALSE(cuda_context_lost());
    std::vector<std::uint32_t> copied(1024);
    ASSERT_TRUE(kept->download(copied));
    EXPECT_EQ(copied[1023], 0x0303'0303U);
    EXPECT_TRUE(pool->allocate(Bytes(kMiB), "more"));
}

}  // namespace
}  // namespace megabed
