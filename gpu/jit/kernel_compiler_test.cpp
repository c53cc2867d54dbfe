#include "gpu/jit/kernel_compiler.h"

#include "gpu/jit/testing/pretend_compiler.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace megabed {
namespace {

namespace fs = std::filesystem;

const JitArchitecture kHopper{90, false};

JitRequest request_of(std::string source) {
    return {.program = "test", .source = std::move(source), .entry = "kernel"};
}

struct Compilation {
    explicit Compilation(KernelCompilerSettings settings)
        : pretended(std::make_shared<PretendCompiler>()), compiler(pretended, std::move(settings)) {}
    std::shared_ptr<PretendCompiler> pretended;
    KernelCompiler compiler;
};

JitOrigin origin_of(KernelCompiler& compiler, const std::string& source) {
    const auto kernel = compiler.compile(request_of(source), kHopper);
    EXPECT_TRUE(kernel) << to_string(kernel.error());
    EXPECT_EQ(kernel->image->code, "sm_90:" + source);
    EXPECT_GE(kernel->compile_time, SimTime(20'000'000));
    return kernel->origin;
}

TEST(KernelCompiler, Memory_then_disk_then_compiler) {
    const TemporaryFolder folder;
    Compilation first({.folder = folder.path()});
    EXPECT_EQ(origin_of(first.compiler, "a"), JitOrigin::Compiled);
    EXPECT_EQ(origin_of(first.compiler, "a"), JitOrigin::Memory);
    EXPECT_EQ(origin_of(first.compiler, "b"), JitOrigin::Compiled);
    Compilation second({.folder = folder.path()});
    EXPECT_EQ(origin_of(second.compiler, "a"), JitOrigin::Disk);
    EXPECT_EQ(origin_of(second.compiler, "a"), JitOrigin::Memory);
    EXPECT_EQ(second.pretended->compilations, 0);
    EXPECT_EQ(to_string(JitOrigin::Disk), "disk");
}

TEST(KernelCompiler, A_damaged_entry_is_compiled_again) {
    const TemporaryFolder folder;
    Compilation first({.folder = folder.path()});
    EXPECT_EQ(origin_of(first.compiler, "a"), JitOrigin::Compiled);
    for (const auto& entry : fs::directory_iterator(folder.path())) {
        fs::resize_file(entry.path(), fs::file_size(entry.path()) - 1);
    }
    Compilation second({.folder = folder.path()});
    EXPECT_EQ(origin_of(second.compiler, "a"), JitOrigin::Compiled);
    Compilation third({.folder = folder.path()});
    EXPECT_EQ(origin_of(third.compiler, "a"), JitOrigin::Disk);
}

TEST(KernelCompiler, Memory_is_bounded_and_forgets_what_was_used_longest_ago) {
    Compilation one({.folder = {}, .memory_limit = Bytes(30)});  // 13 bytes a kernel: two fit
    EXPECT_EQ(origin_of(one.compiler, "a"), JitOrigin::Compiled);
    EXPECT_EQ(origin_of(one.compiler, "b"), JitOrigin::Compiled);
    EXPECT_EQ(origin_of(one.compiler, "a"), JitOrigin::Memory);
    EXPECT_EQ(origin_of(one.compiler, "c"), JitOrigin::Compiled);
    EXPECT_EQ(origin_of(one.compiler, "a"), JitOrigin::Memory);
    EXPECT_EQ(origin_of(one.compiler, "b"), JitOrigin::Compiled);
    EXPECT_EQ(origin_of(one.compiler, std::string(100, 'x')), JitOrigin::Compiled);
    EXPECT_EQ(origin_of(one.compiler, std::string(100, 'x')), JitOrigin::Compiled);
}

TEST(KernelCompiler, Many_threads_that_ask_for_one_kernel_compile_it_once) {
    const TemporaryFolder folder;
    Compilation one({.folder = folder.path()});
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&] { (void)origin_of(one.compiler, "a"); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(one.pretended->compilations, 1);
}

TEST(KernelCompiler, Many_threads_that_ask_for_a_bad_kernel_are_all_refused) {
    Compilation one({});
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] { EXPECT_FALSE(one.compiler.compile(request_of("bad"), kHopper)); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(origin_of(one.compiler, "good"), JitOrigin::Compiled);
}

TEST(KernelCompiler, Many_processes_share_a_folder) {
    const TemporaryFolder folder;
    std::vector<pid_t> children;
    for (int child = 0; child < 4; ++child) {
        children.push_back(::fork());
        ASSERT_GE(children.back(), 0);
        if (children.back() == 0) {
            bool good = true;
            for (int round = 0; round < 5; ++round) {
                Compilation one({.folder = folder.path(), .disk_limit = Bytes(400)});
                for (const char* const source : {"a", "b", "c", "d", "e"}) {
                    const auto kernel = one.compiler.compile(request_of(source), kHopper);
                    good = good && kernel && kernel->image->code == std::string("sm_90:") + source;
                }
            }
            ::_exit(good ? 0 : 1);
        }
    }
    for (const pid_t child : children) {
        int status = -1;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    std::uintmax_t total = 0;
    for (const auto& entry : fs::directory_iterator(folder.path())) {
        EXPECT_EQ(entry.path().extension(), ".kernel") << "a temporary file was left: " << entry.path();
        total += entry.file_size();
    }
    EXPECT_LE(total, 400U);
    EXPECT_GT(total, 0U);
}

TEST(KernelCompiler, A_folder_that_cannot_be_written_is_said_once) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "file") << "not a folder";
    std::vector<std::string> notices;
    KernelCompilerSettings settings{.folder = folder.path() / "file" / "jit"};
    settings.notice = [&](std::string_view text) { notices.emplace_back(text); };
    Compilation one(std::move(settings));
    EXPECT_EQ(origin_of(one.compiler, "a"), JitOrigin::Compiled);
    EXPECT_EQ(origin_of(one.compiler, "b"), JitOrigin::Compiled);
    EXPECT_EQ(origin_of(one.compiler, "a"), JitOrigin::Memory);
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(notices[0], "compiled kernels are not kept on disk: " +
                              (folder.path() / "file" / "jit").string() + ": cannot be made: Not a directory");
}

TEST(KernelCompiler, A_header_of_the_request_goes_before_an_embedded_one) {
    Compilation one({});
    JitRequest request = request_of("a");
    const auto plain = one.compiler.compile(request, kHopper);
    const std::string content = "#pragma once\n";
    request.headers = {{"policy/units.h", content}};
    const auto replaced = one.compiler.compile(request, kHopper);
    const std::string edited = content + " ";
    request.headers = {{"policy/units.h", edited}};
    const auto again = one.compiler.compile(request, kHopper);
    ASSERT_TRUE(plain && replaced && again);
    EXPECT_NE(plain->key, replaced->key);
    EXPECT_NE(again->key, replaced->key);
    EXPECT_EQ(one.pretended->compilations, 3);
}

TEST(KernelCompiler, The_folder_is_the_one_that_the_user_chose) {
    const char* const before = std::getenv("MEGABED_CACHE_DIR");
    const std::string kept = before == nullptr ? "" : before;
    ::setenv("MEGABED_CACHE_DIR", "/somewhere", 1);
    EXPECT_EQ(KernelCompilerSettings::of_this_user().folder, fs::path("/somewhere/jit"));
    if (before == nullptr) {
        ::unsetenv("MEGABED_CACHE_DIR");
    } else {
        ::setenv("MEGABED_CACHE_DIR", kept.c_str(), 1);
    }
}

}  // namespace
}  // namespace megabed
