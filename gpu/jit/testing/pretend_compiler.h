#pragma once

#include "gpu/jit/nvrtc.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace megabed {

/// A folder of a test's own, gone afterwards.
class TemporaryFolder {
public:
    TemporaryFolder() {
        const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
        path_ = std::filesystem::temp_directory_path() /
                ("megabed-jit-" + std::string(test->name()) + "-" + std::to_string(::getpid()));
        std::filesystem::remove_all(path_);
        std::filesystem::create_directories(path_);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code code;
        std::filesystem::remove_all(path_, code);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// Compiles by copying the source, slowly enough that two at once meet.
class PretendCompiler final : public JitCompiler {
public:
    [[nodiscard]] std::string version() const override { return version_text; }
    [[nodiscard]] std::vector<std::string> options() const override { return {"-std=c++20"}; }
    [[nodiscard]] Loaded<JitArchitecture> architecture_for(std::uint32_t capability) const override {
        return JitArchitecture{capability, false};
    }
    [[nodiscard]] Loaded<JitImage> compile(const JitRequest& request, JitArchitecture architecture,
                                           std::span<const JitHeader> /*headers*/) const override {
        ++compilations;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        if (request.source == "bad") {
            return Refusal(
                InputError{.where = request.program, .line = 1, .key = {}, .problem = "bad", .allowed = {}});
        }
        return JitImage{request.entry, architecture.name() + ":" + request.source, ""};
    }

    std::string version_text = "pretended 1";
    mutable std::atomic<int> compilations = 0;
};

}  // namespace megabed
