#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

// Rules of the tree itself. `MEGABED_SOURCE_DIR` is the checkout.
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = MEGABED_SOURCE_DIR;
constexpr std::array kFolders{"policy", "sim", "gpu", "scenarios", "properties", "bench"};

std::string content_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

int rank_of(const std::string& folder) {
    const auto* const found = std::find(kFolders.begin(), kFolders.end(), folder);
    return found == kFolders.end() ? -1 : static_cast<int>(found - kFolders.begin());
}

std::string folder_of(const fs::path& file) { return fs::relative(file, kRoot).begin()->string(); }

/// Source files of the six folders.
std::vector<fs::path> sources() {
    const std::set<std::string> extensions{".h", ".cpp", ".cu", ".cuh"};
    std::vector<fs::path> files;
    for (const char* folder : kFolders) {
        for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
            if (extensions.contains(entry.path().extension().string())) {
                files.push_back(entry.path());
            }
        }
    }
    return files;
}

TEST(Style, A_folder_includes_only_what_stands_left_of_it) {
    const std::regex include(R"re(#include\s+["<]([a-z]+)/)re");
    const auto files = sources();
    ASSERT_GT(files.size(), 50U);
    for (const fs::path& file : files) {
        const std::string text = content_of(file);
        for (std::sregex_iterator match(text.begin(), text.end(), include), end; match != end; ++match) {
            const int included = rank_of((*match)[1].str());
            EXPECT_LE(included, rank_of(folder_of(file))) << file << " includes " << (*match)[1].str();
        }
    }
}

TEST(Style, The_policy_folder_does_no_input_output_and_reads_no_clock) {
    const std::regex banned(R"(#include\s+<(chrono|cstdio|fstream|iostream|filesystem|random|thread|mutex)>)");
    for (const fs::path& file : sources()) {
        if (folder_of(file) == "policy" && file.string().find("_test.cpp") == std::string::npos) {
            const std::string text = content_of(file);
            std::smatch match;
            EXPECT_FALSE(std::regex_search(text, match, banned)) << file << ": " << match.str();
        }
    }
}

TEST(Style, Every_header_is_guarded_and_every_source_is_built) {
    for (const fs::path& file : sources()) {
        if (file.extension() == ".h" || file.extension() == ".cuh") {
            EXPECT_EQ(content_of(file).find("#pragma once"), 0U) << file;
            continue;
        }
        // Built: named in the nearest CMakeLists.txt up the tree; fuzz targets are named without `fuzz_`.
        fs::path folder = file.parent_path();
        while (!fs::exists(folder / "CMakeLists.txt")) {
            folder = folder.parent_path();
        }
        const std::string list = content_of(folder / "CMakeLists.txt");
        const std::string name = std::regex_replace(file.stem().string(), std::regex("^fuzz_"), "");
        EXPECT_NE(list.find(name), std::string::npos) << file << " is not in " << folder;
    }
}

TEST(Style, Every_scenario_is_registered_with_its_digest) {
    const std::string digests = content_of(kRoot / "scenarios" / "digests.txt");
    std::size_t scenarios = 0;
    for (const auto& entry : fs::directory_iterator(kRoot / "scenarios")) {
        if (entry.path().extension() == ".toml") {
            ++scenarios;
            EXPECT_NE(digests.find(entry.path().filename().string() + " "), std::string::npos)
                << entry.path() << " is not in scenarios/digests.txt";
        }
    }
    EXPECT_GE(scenarios, 8U);
}

TEST(Style, No_name_says_nothing) {
    const std::regex banned("(util|helper|manager|misc|_v2)s?[._]");
    for (const fs::path& file : sources()) {
        const std::string name = file.filename().string();
        EXPECT_FALSE(std::regex_search(name, banned)) << file;
    }
}

TEST(Style, Sources_are_formatted) {
    if (std::system("clang-format --version 2>/dev/null | grep -q 'version 14\\.'") != 0) {
        GTEST_SKIP() << "clang-format 14 is not here; other versions differ in small things";
    }
    std::string command = "clang-format --dry-run --Werror";
    for (const fs::path& file : sources()) {
        command += " '" + file.string() + "'";
    }
    EXPECT_EQ(std::system((command + " >/dev/null 2>&1").c_str()), 0) << "clang-format -i mends it";
}

}  // namespace
