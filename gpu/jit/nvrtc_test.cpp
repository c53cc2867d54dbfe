#include "gpu/jit/nvrtc.h"

#include "gpu/jit/embedded_headers.h"
#include "gpu/jit/kernel_compiler.h"
#include "gpu/jit/testing/kernel_programs.h"
#include "gpu/jit/testing/pretend_compiler.h"
#include "policy/bandit.h"
#include "policy/reference_policy.h"
#include "sim/ring/ring_layout.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace megabed {
namespace {

const JitArchitecture kHopper{90, false};

double milliseconds(SimTime time) { return static_cast<double>(time.value()) / 1e6; }

#define LOAD_NVRTC_OR_SKIP(name)                   \
    const auto name = load_nvrtc();                \
    if (!(name)) {                                 \
        GTEST_SKIP() << to_string((name).error()); \
    }

const char* const kAdd = R"(
#include <cstdint>
extern "C" __global__ void add(const std::uint32_t* left, const std::uint32_t* right, std::uint32_t* sum,
                               std::uint32_t count) {
    const std::uint32_t at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) {
        sum[at] = left[at] + right[at];
    }
}
)";

JitRequest add_request() { return {.program = "add", .source = kAdd, .entry = "add"}; }

TEST(Nvrtc, Compiles_a_cubin_and_ptx) {
    LOAD_NVRTC_OR_SKIP(nvrtc);
    for (const JitArchitecture architecture :
         {kHopper, JitArchitecture{75, true}, JitArchitecture{75, false}}) {
        const auto start = std::chrono::steady_clock::now();
        const auto image = (*nvrtc)->compile(add_request(), architecture, embedded_headers());
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
        ASSERT_TRUE(image) << to_string(image.error());
        std::printf("[ measured ] %s, %s: %.1f ms, %zu bytes\n", (*nvrtc)->version().c_str(),
                    architecture.name().c_str(), took.count(), image->code.size());
        EXPECT_EQ(image->symbol, "add");
        EXPECT_EQ(image->log, "");
        if (architecture.ptx) {
            EXPECT_NE(image->code.find(".target sm_75"), std::string::npos);
            EXPECT_NE(image->code.back(), '\0');
        } else {
            EXPECT_EQ(image->code.substr(1, 3), "ELF");
        }
    }
}

TEST(Nvrtc, Every_embedded_header_compiles_alone) {
    LOAD_NVRTC_OR_SKIP(nvrtc);
    ASSERT_GT(embedded_headers().size(), 20U);
    for (const JitHeader& header : embedded_headers()) {
        const JitRequest request{
            .program = "alone",
            .source = fmt::format("#include <{}>\n__global__ void kernel() {{}}\n", header.name),
            .entry = "kernel"};
        const auto image = (*nvrtc)->compile(request, {75, true}, embedded_headers());
        EXPECT_TRUE(image) << header.name << ": " << to_string(image.error());
        if (image) {
            EXPECT_EQ(image->log, "") << header.name;
        }
    }
}

TEST(Nvrtc, Every_policy_compiles_into_a_kernel) {
    LOAD_NVRTC_OR_SKIP(nvrtc);
    JitRequest request{.program = "policy",
                       .source = R"(
#include "policy/bandit.h"
#include "policy/cugraph_rule.h"
#include "policy/gap_rule.h"
#include "policy/gswitch_rule.h"
#include "policy/gunrock_rule.h"
#include "policy/hardened_policy.h"
#include "policy/reference_policy.h"
#include "policy/vyre_driver_rule.h"
using namespace megabed;
static_assert(reference::recommend({}, LaunchRequest::direct(1000, 8, 256)).has_value());
__global__ void decide(const LaunchPolicyParameters* parameters, const Observation* observation,
                       const PolicyState* state, const bandit::Losses* losses, LaunchRecommendation* out) {
    const auto answer = DECIDE;
    if (answer) {
        *out = (*answer).recommendation;
    }
}
)",
                       .entry = "decide"};
    for (const char* const decide :
         {"reference::recommend(*parameters, observation->request, state->previous_topology())",
          "hardened::recommend(*parameters, observation->request, *state)",
          "field::recommend<field::Gap>(*parameters, *observation, *state)",
          "field::recommend<field::Cugraph>(*parameters, *observation, *state)",
          "field::recommend<field::Gunrock>(*parameters, *observation, *state)",
          "field::recommend<field::Gswitch>(*parameters, *observation, *state)",
          "field::recommend<field::VyreDriver>(*parameters, *observation, *state)",
          "bandit::recommend(*parameters, *losses, *observation, *state)"}) {
        request.defines = {{"DECIDE", decide}};
        const auto start = std::chrono::steady_clock::now();
        const auto image = (*nvrtc)->compile(request, kHopper, embedded_headers());
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
        ASSERT_TRUE(image) << decide << ": " << to_string(image.error());
        std::printf("[ measured ] %s: %.1f ms, %zu bytes\n", decide, took.count(), image->code.size());
    }
}

TEST(Nvrtc, The_programs_of_the_tests_on_a_card_compile) {
    LOAD_NVRTC_OR_SKIP(nvrtc);
    for (const char* const entry : {"add", "wait_for_flag", "fault"}) {
        const JitRequest request{.program = "small", .source = kSmallKernels, .entry = entry};
        const auto image = (*nvrtc)->compile(request, kHopper, embedded_headers());
        EXPECT_TRUE(image) << to_string(image.error());
    }
    const JitRequest request{.program = "decide", .source = kDecideProgram, .entry = "decide"};
    const auto image = (*nvrtc)->compile(request, kHopper, embedded_headers());
    EXPECT_TRUE(image) << to_string(image.error());
}

/// Values are copied between the host, whose std:: is libstdc++, and kernels, whose std:: is device_std/.
TEST(Nvrtc, Host_and_kernel_lay_values_out_alike) {
    LOAD_NVRTC_OR_SKIP(nvrtc);
    JitRequest request{.program = "layout",
                       .source = R"(
#include "policy/bandit.h"
#include "policy/reference_policy.h"
#include "sim/ring/ring_layout.h"
using namespace megabed;
)",
                       .entry = "kernel"};
#define SAME_SIZE(type)                                                                                 \
    request.source += fmt::format("static_assert(sizeof({0}) == {1} && alignof({0}) == {2});\n", #type, \
                                  sizeof(type), alignof(type));
#define SAME_PLACE(type, member) \
    request.source +=            \
        fmt::format("static_assert(offsetof({0}, {1}) == {2});\n", #type, #member, offsetof(type, member));
    SAME_SIZE(LaunchPolicyParameters)
    SAME_SIZE(Observation)
    SAME_SIZE(PolicyState)
    SAME_SIZE(Decision)
    SAME_SIZE(reference::Answer)
    SAME_SIZE(Error)
    SAME_SIZE(bandit::Losses)
    SAME_SIZE(LaunchRequest)
    SAME_PLACE(LaunchRequest, requested_worker_groups)
    SAME_PLACE(LaunchRequest, hot_opcode_count)
    SAME_PLACE(LaunchRequest, graph_node_count)
    SAME_PLACE(LaunchRequest, memory_pressure)
    SAME_PLACE(LaunchRequest, device_memory_budget)
    SAME_SIZE(TraversalTelemetry)
    SAME_PLACE(TraversalTelemetry, pull_ran)
    SAME_PLACE(TraversalTelemetry, unvisited_with_arcs)
    SAME_SIZE(LaunchRecommendation)
    SAME_PLACE(LaunchRecommendation, worker_groups)
    SAME_PLACE(LaunchRecommendation, topology)
    SAME_PLACE(LaunchRecommendation, estimated_peak_device_bytes)
    SAME_PLACE(LaunchRecommendation, device_memory_budget)
    SAME_SIZE(RingSlot)
    SAME_SIZE(RingControl)
    SAME_SIZE(RingView)
    SAME_PLACE(RingControl, queues)
    SAME_PLACE(RingView, worker_count)
#undef SAME_SIZE
#undef SAME_PLACE
    request.source += "__global__ void kernel() {}\n";
    const auto image = (*nvrtc)->compile(request, {75, true}, embedded_headers());
    EXPECT_TRUE(image) << to_string(image.error());
}

TEST(Nvrtc, The_standard_headers_keep_their_promises) {
    LOAD_NVRTC_OR_SKIP(nvrtc);
    // Checked by the compiler; a wrong one is an error with its line.
    const JitRequest request{.program = "standard",
                             .source = R"(
#include <algorithm>
#include <array>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>
using L8 = std::numeric_limits<std::int8_t>;
using L64 = std::numeric_limits<std::int64_t>;
static_assert(L8::max() == 127 && L8::min() == -128 && L8::digits == 7);
static_assert(std::numeric_limits<std::uint8_t>::max() == 255 && std::numeric_limits<std::uint8_t>::min() == 0);
static_assert(L64::max() == 0x7FFF'FFFF'FFFF'FFFF && L64::min() == -L64::max() - 1 && L64::digits == 63);
static_assert(std::numeric_limits<std::uint64_t>::max() == ~0ULL && std::numeric_limits<bool>::max());
static_assert(std::numeric_limits<std::uint64_t>::digits == 64);
static_assert(std::min(2, 1) == 1 && std::max({1, 3, 2}) == 3 && std::min({2, 1, 3}) == 1);
static_assert(std::clamp(5, 1, 3) == 3 && std::clamp(0, 1, 3) == 1 && std::clamp(2, 1, 3) == 2);
static_assert(std::bit_width(0U) == 0 && std::bit_width(255U) == 8 && std::bit_width(1ULL << 63) == 64);
static_assert(std::countl_zero(1U) == 31 && std::countr_zero(8U) == 3 && std::countr_zero(0U) == 32);
static_assert(std::popcount(0xF0F0U) == 8 && std::has_single_bit(64U) && !std::has_single_bit(0U));
static_assert(std::bit_ceil(5U) == 8 && std::bit_ceil(8U) == 8 && std::bit_cast<std::uint32_t>(1.0F) == 0x3F800000);
constexpr std::optional<int> none;
static_assert(!none && none == std::nullopt && none.value_or(7) == 7 && std::optional(3) == 3 && *std::optional(3) == 3);
static_assert(std::optional<int>(3) != none && sizeof(std::optional<std::uint64_t>) == 16);
static_assert(std::is_trivially_copyable_v<std::optional<std::uint64_t>>);
constexpr std::array<int, 3> values{1, 2, 3};
static_assert(values == std::array{1, 2, 3} && values != std::array{1, 2, 4} && values.size() == 3 && values.back() == 3);
static_assert(std::span<const int>(values).subspan(1)[1] == 3);
struct Both { int a; int b; constexpr auto operator<=>(const Both&) const = default; };
static_assert(Both{1, 2} < Both{2, 1} && Both{1, 2} == Both{1, 2} && Both{2, 0} >= Both{1, 9} && (1 <=> 2) < 0);
static_assert(std::string_view("ab") == "ab" && !(std::string_view("ab") == "abc"));
using Either = tl::expected<std::uint64_t, std::uint32_t>;
static_assert(*Either(7) == 7 && !Either(tl::unexpected(std::uint32_t{3})) && sizeof(Either) == 16);
static_assert(Either(tl::unexpected(std::uint32_t{3})).error() == 3 && Either(tl::in_place).has_value());
static_assert(std::is_same_v<std::remove_cvref_t<const int&>, int> && std::is_unsigned_v<std::uint8_t>);
static_assert(std::is_same_v<std::underlying_type_t<std::byte>, unsigned char> && std::is_signed_v<long>);
struct Pair { std::uint8_t a; std::array<std::uint64_t, 2> b; };
static_assert(offsetof(Pair, b) == 8 && offsetof(Pair, a) == 0);
__global__ void kernel() {}
)",
                             .entry = "kernel"};
    const auto image = (*nvrtc)->compile(request, {75, true}, embedded_headers());
    EXPECT_TRUE(image) << to_string(image.error());
}

TEST(Nvrtc, An_instance_of_a_template_can_be_the_entry) {
    LOAD_NVRTC_OR_SKIP(nvrtc);
    JitRequest request{.program = "wave",
                       .source = R"(
#include "wave.cuh"
)",
                       .entry = "waves::expand<KIND, PULL>"};
    request.headers = {{"wave.cuh",
                        "namespace waves {\ntemplate <int kKind, bool kPull>\n"
                        "__global__ void expand(int* out) { *out = kPull ? kKind : -kKind; }\n}\n"}};
    request.define("KIND", 3).define("PULL", true);
    EXPECT_EQ(JitRequest{}.define("BELOW", -1).defines[0].second, "-1");
    std::vector<JitHeader> headers = request.headers;
    const auto image = (*nvrtc)->compile(request, {75, true}, headers);
    ASSERT_TRUE(image) << to_string(image.error());
    EXPECT_NE(image->code.find(image->symbol), std::string::npos);
    EXPECT_NE(image->symbol.find("expandILi3ELb1E"), std::string::npos) << image->symbol;
}

TEST(Nvrtc, An_error_names_its_line_and_brings_the_log) {
    LOAD_NVRTC_OR_SKIP(nvrtc);
    const JitRequest request{
        .program = "broken.cu",
        .source = "__global__ void kernel(int* out) {\n    int unused = 3;\n    *out = missing;\n}\n",
        .entry = "kernel"};
    const auto image = (*nvrtc)->compile(request, kHopper, {});
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().kind, InputErrorKind::Invalid);
    EXPECT_EQ(image.error().line, 3U);
    const std::string text = to_string(image.error());
    EXPECT_TRUE(text.starts_with("broken.cu:3: NVRTC: ")) << text;
    EXPECT_NE(text.find("identifier \"missing\" is undefined"), std::string::npos) << text;
    EXPECT_EQ(text.find("\\x0a"), std::string::npos) << text;
}

TEST(Nvrtc, An_error_in_a_header_names_the_header) {
    LOAD_NVRTC_OR_SKIP(nvrtc);
    const JitRequest request{
        .program = "good.cu", .source = "#include \"bad.h\"\n__global__ void kernel() {}\n", .entry = "kernel"};
    const std::array headers{JitHeader{"bad.h", "\n\n__device__ int broken = missing;\n"}};
    const auto image = (*nvrtc)->compile(request, kHopper, headers);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().where, "bad.h") << to_string(image.error());
    EXPECT_EQ(image.error().line, 3U);
}

TEST(Nvrtc, What_is_wrong_with_a_request_is_said) {
    LOAD_NVRTC_OR_SKIP(nvrtc);
    JitRequest no_entry = add_request();
    no_entry.entry = "subtract";
    const auto entry = (*nvrtc)->compile(no_entry, kHopper, embedded_headers());
    ASSERT_FALSE(entry);
    EXPECT_NE(to_string(entry.error()).find("subtract"), std::string::npos) << to_string(entry.error());
    JitRequest no_header = add_request();
    no_header.source = "#include \"no/such.h\"\n";
    const auto header = (*nvrtc)->compile(no_header, kHopper, embedded_headers());
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().line, 1U);
    EXPECT_NE(to_string(header.error()).find("no/such.h"), std::string::npos);
    JitRequest no_option = add_request();
    no_option.options = {"-no-such-option"};
    const auto option = (*nvrtc)->compile(no_option, kHopper, embedded_headers());
    ASSERT_FALSE(option);
    EXPECT_NE(to_string(option.error()).find("-no-such-option"), std::string::npos)
        << to_string(option.error());
    const auto architecture = (*nvrtc)->compile(add_request(), {13, false}, embedded_headers());
    EXPECT_FALSE(architecture);
}

TEST(Nvrtc, A_card_newer_than_the_compiler_gets_ptx) {
    LOAD_NVRTC_OR_SKIP(nvrtc);
    const auto hopper = (*nvrtc)->architecture_for(90);
    ASSERT_TRUE(hopper);
    EXPECT_EQ(*hopper, kHopper);
    const auto future = (*nvrtc)->architecture_for(999);
    ASSERT_TRUE(future);
    EXPECT_TRUE(future->ptx);
    EXPECT_TRUE((*nvrtc)->compile(add_request(), *future, embedded_headers()));
    const auto past = (*nvrtc)->architecture_for(30);
    ASSERT_FALSE(past);
    EXPECT_EQ(past.error().kind, InputErrorKind::Unavailable);
}

TEST(Nvrtc, A_library_that_is_not_there_is_one_clear_message) {
    const auto missing = load_nvrtc("/no/such/folder/libnvrtc.so.13");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, InputErrorKind::Unavailable);
    const std::string text = to_string(missing.error());
    EXPECT_NE(text.find("looked for /no/such/folder/libnvrtc.so.13"), std::string::npos) << text;
    EXPECT_NE(text.find("MEGABED_NVRTC=FILE"), std::string::npos) << text;
}

TEST(Nvrtc, A_file_that_is_no_library_or_another_one_is_told_apart) {
    const TemporaryFolder folder;
    const std::string text_file = (folder.path() / "libnvrtc.so.13").string();
    std::ofstream(text_file) << std::string(4096, 'x');
    const auto no_library = load_nvrtc(text_file);
    ASSERT_FALSE(no_library);
    EXPECT_NE(to_string(no_library.error()).find("invalid ELF header"), std::string::npos)
        << to_string(no_library.error());
    const auto another = load_nvrtc("libm.so.6");
    ASSERT_FALSE(another);
    EXPECT_NE(to_string(another.error()).find("libm.so.6 has no nvrtcVersion"), std::string::npos)
        << to_string(another.error());
}

TEST(Nvrtc, Kernels_of_many_threads_compile_at_once) {
    auto compiler = KernelCompiler::with_nvrtc({});
    if (!compiler) {
        GTEST_SKIP() << to_string(compiler.error());
    }
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            JitRequest request = add_request();
            request.define("VARIANT", static_cast<std::uint64_t>(thread % 2));
            const auto kernel = compiler->compile(request, kHopper);
            EXPECT_TRUE(kernel) << to_string(kernel.error());
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

TEST(Nvrtc, What_each_way_of_getting_a_kernel_costs) {
    const TemporaryFolder folder;
    const auto get = [&](KernelCompiler& compiler, JitOrigin expected) {
        const auto kernel = compiler.compile(add_request(), kHopper);
        ASSERT_TRUE(kernel) << to_string(kernel.error());
        EXPECT_EQ(kernel->origin, expected);
        std::printf("[ measured ] from %s: %.3f ms\n", std::string(to_string(kernel->origin)).c_str(),
                    milliseconds(kernel->elapsed));
    };
    const auto start = std::chrono::steady_clock::now();
    auto first = KernelCompiler::with_nvrtc({.folder = folder.path()});
    if (!first) {
        GTEST_SKIP() << to_string(first.error());
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::printf("[ measured ] loading NVRTC, or finding it loaded: %.3f ms\n", took.count());
    get(*first, JitOrigin::Compiled);
    get(*first, JitOrigin::Memory);
    auto second = KernelCompiler::with_nvrtc({.folder = folder.path()});
    ASSERT_TRUE(second);
    get(*second, JitOrigin::Disk);
}

/// The files that are embedded include nothing of the project that is not.
TEST(EmbeddedHeaders, Are_all_that_they_include) {
    for (const JitHeader& header : embedded_headers()) {
        std::istringstream lines{std::string(header.content)};
        for (std::string line; std::getline(lines, line);) {
            if (!line.starts_with("#include ")) {
                continue;
            }
            const std::size_t first = line.find_first_of("<\"") + 1;
            const std::string name = line.substr(first, line.find_first_of(">\"", first) - first);
            EXPECT_TRUE(std::any_of(embedded_headers().begin(), embedded_headers().end(),
                                    [&](const JitHeader& other) { return other.name == name; }))
                << header.name << " includes " << name << ", which gpu/jit/CMakeLists.txt does not list";
        }
    }
}

TEST(EmbeddedHeaders, Are_the_files_byte_for_byte) {
    for (const JitHeader& header : embedded_headers()) {
        const std::string name(header.name);
        const bool of_the_project =
            name.starts_with("policy/") || name.starts_with("sim/") || name.starts_with("gpu/");
        std::ifstream file(std::string(MEGABED_SOURCE_DIR) + (of_the_project ? "/" : "/gpu/jit/device_std/") +
                           name);
        ASSERT_TRUE(file) << name;
        const std::string content{std::istreambuf_iterator<char>(file), {}};
        EXPECT_EQ(content, header.content) << name;
    }
}

}  // namespace
}  // namespace megabed
