#include "gpu/jit/jit_cache.h"

#include "gpu/jit/testing/pretend_compiler.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace megabed {
namespace {

namespace fs = std::filesystem;

const JitKey kKey{0x0123'4567'89AB'CDEF, 0xFEDC'BA98'7654'3210};

CachedImage entry_of(std::string code) {
    return {{"kernel", std::move(code), "a warning"}, SimTime(11'000'000)};
}

std::string content_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void overwrite(const fs::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

TEST(JitCacheEntry, Every_cut_and_every_flipped_bit_is_noticed) {
    const std::string bytes = encode_entry(kKey, entry_of("code of the kernel"));
    const auto whole = decode_entry(kKey, bytes);
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->image.symbol, "kernel");
    EXPECT_EQ(whole->image.code, "code of the kernel");
    EXPECT_EQ(whole->image.log, "a warning");
    EXPECT_EQ(whole->compile_time, SimTime(11'000'000));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_entry(kKey, bytes.substr(0, size))) << size;
    }
    EXPECT_FALSE(decode_entry(kKey, bytes + '\0'));
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
        EXPECT_FALSE(decode_entry(kKey, flipped)) << bit;
    }
    EXPECT_FALSE(decode_entry(JitKey{kKey.high, kKey.low + 1}, bytes));
}

TEST(JitCacheEntry, Lengths_that_wrap_around_are_noticed) {
    std::string bytes = encode_entry(kKey, entry_of(""));
    constexpr std::size_t kSymbolLength = 40;
    bytes.replace(kSymbolLength, 8, 8, '\xFF');
    EXPECT_FALSE(decode_entry(kKey, bytes));
}

TEST(JitCacheFolder, Gives_back_what_was_stored) {
    const TemporaryFolder temporary;
    const JitCacheFolder folder(temporary.path() / "deep" / "jit");
    EXPECT_FALSE(folder.find(kKey));
    ASSERT_TRUE(folder.store(kKey, entry_of("code")));
    EXPECT_EQ(folder.path_of(kKey).filename(), "0123456789abcdeffedcba9876543210.kernel");
    const auto found = folder.find(kKey);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->image.code, "code");
}

TEST(JitCacheFolder, Removes_what_is_cut_foreign_or_damaged) {
    const TemporaryFolder temporary;
    const JitCacheFolder folder(temporary.path());
    const fs::path path = folder.path_of(kKey);
    ASSERT_TRUE(folder.store(kKey, entry_of("code")));
    const std::string good = content_of(path);
    std::string damaged = good;
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    const JitKey other{1, 2};
    for (const std::string& bad :
         {std::string(), good.substr(0, good.size() / 2), damaged, encode_entry(other, entry_of("code")),
          std::string("\x7F"
                      "ELF and so on")}) {
        overwrite(path, bad);
        EXPECT_FALSE(folder.find(kKey));
        EXPECT_FALSE(fs::exists(path));
    }
    ASSERT_TRUE(folder.store(kKey, entry_of("code")));
    EXPECT_TRUE(folder.find(kKey));
}

TEST(JitCacheFolder, A_folder_in_the_place_of_an_entry_is_no_entry) {
    const TemporaryFolder temporary;
    const JitCacheFolder folder(temporary.path());
    fs::create_directory(folder.path_of(kKey));
    EXPECT_FALSE(folder.find(kKey));
    EXPECT_FALSE(folder.store(kKey, entry_of("code")));
    EXPECT_TRUE(fs::is_directory(folder.path_of(kKey)));
}

TEST(JitCacheFolder, Drops_what_was_used_longest_ago) {
    const TemporaryFolder temporary;
    const JitCacheFolder folder(temporary.path(), Bytes(1000));
    const std::string code(200, 'x');  // 279 bytes an entry: three fit
    for (std::uint64_t number = 1; number <= 3; ++number) {
        ASSERT_TRUE(folder.store(JitKey{0, number}, entry_of(code)));
        fs::last_write_time(folder.path_of(JitKey{0, number}),
                            fs::file_time_type::clock::now() - std::chrono::minutes(10 - number));
    }
    EXPECT_TRUE(folder.find(JitKey{0, 1}));  // used now
    const fs::path abandoned = folder.path_of(JitKey{0, 9}).string() + ".ab12cd";
    const fs::path recent = folder.path_of(JitKey{0, 9}).string() + ".ab12ce";
    const fs::path foreign = temporary.path() / "readme.txt";
    for (const fs::path& path : {abandoned, recent, foreign}) {
        overwrite(path, "x");
    }
    fs::last_write_time(abandoned, fs::file_time_type::clock::now() - std::chrono::hours(2));
    fs::last_write_time(foreign, fs::file_time_type::clock::now() - std::chrono::hours(2));
    ASSERT_TRUE(folder.store(JitKey{0, 4}, entry_of(code)));
    EXPECT_TRUE(folder.find(JitKey{0, 1}));
    EXPECT_FALSE(folder.find(JitKey{0, 2}));
    EXPECT_TRUE(folder.find(JitKey{0, 3}));
    EXPECT_TRUE(folder.find(JitKey{0, 4}));
    EXPECT_FALSE(fs::exists(abandoned));
    EXPECT_TRUE(fs::exists(recent));
    EXPECT_TRUE(fs::exists(foreign));
    // One that is larger than the whole folder may be is not kept.
    ASSERT_TRUE(folder.store(JitKey{0, 5}, entry_of(std::string(2000, 'x'))));
    EXPECT_FALSE(folder.find(JitKey{0, 5}));
}

TEST(JitKey, Depends_on_everything_but_the_name) {
    PretendCompiler compiler;
    const JitArchitecture hopper{90, false};
    const std::string content = "#define THREE 3\n";
    const std::array headers{JitHeader{"three.h", content}};
    const JitRequest request{
        .program = "p", .source = "source", .defines = {{"A", "1"}, {"B", "2"}}, .entry = "e"};
    const JitKey key = jit_key(compiler, request, hopper, headers);
    EXPECT_EQ(jit_key(compiler, request, hopper, headers), key);
    JitRequest renamed = request;
    renamed.program = "q";
    EXPECT_EQ(jit_key(compiler, renamed, hopper, headers), key);

    std::set<JitKey> keys{key};
    const auto expect_new = [&](const JitKey& other) { EXPECT_TRUE(keys.insert(other).second); };
    JitRequest changed = request;
    changed.source += ' ';
    expect_new(jit_key(compiler, changed, hopper, headers));
    changed = request;
    changed.entry = "f";
    expect_new(jit_key(compiler, changed, hopper, headers));
    changed = request;
    changed.defines = {{"A", "1B"}, {"", "2"}};  // the same letters, divided in another way
    expect_new(jit_key(compiler, changed, hopper, headers));
    changed = request;
    changed.defines.pop_back();
    expect_new(jit_key(compiler, changed, hopper, headers));
    changed = request;
    changed.options = {"-lineinfo"};
    expect_new(jit_key(compiler, changed, hopper, headers));
    expect_new(jit_key(compiler, request, {90, true}, headers));
    expect_new(jit_key(compiler, request, {75, false}, headers));
    const std::string edited = "#define THREE 4\n";
    expect_new(jit_key(compiler, request, hopper, std::array{JitHeader{"three.h", edited}}));
    expect_new(jit_key(compiler, request, hopper, std::array{JitHeader{"drei.h", content}}));
    expect_new(jit_key(compiler, request, hopper, {}));
    compiler.version_text = "pretended 2";
    expect_new(jit_key(compiler, request, hopper, headers));
}

}  // namespace
}  // namespace megabed
