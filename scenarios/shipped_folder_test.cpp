#include "scenarios/shipped_folder.h"

#include "scenarios/scenario_loader.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

// That an installation may be moved is tested with one: Package.FindPackage.
namespace megabed {
namespace {

namespace fs = std::filesystem;

/// A folder that goes with the test.
class ShippedFolders : public testing::Test {
protected:
    ~ShippedFolders() override {
        std::error_code code;
        fs::remove_all(folder_, code);
    }
    ShippedFolders() { fs::create_directories(folder_); }

    const fs::path folder_ = fs::temp_directory_path() / ("megabed-shipped-" + std::to_string(::getpid()));
};

TEST_F(ShippedFolders, The_environment_comes_first_then_the_checkout_then_where_it_was_to_be_installed) {
    constexpr const char* kVariable = "MEGABED_TEST_OF_A_SHIPPED_FOLDER";
    ShippedFolder shipped{.variable = kVariable, .name = "nothing", .source = folder_, .installed = "/there"};
    ::unsetenv(kVariable);
    EXPECT_EQ(find_shipped(shipped), folder_);
    shipped.source = folder_ / "gone";
    EXPECT_EQ(find_shipped(shipped), "/there");
    ::setenv(kVariable, "/chosen", 1);
    EXPECT_EQ(find_shipped(shipped), "/chosen");
    ::setenv(kVariable, "", 1);
    EXPECT_EQ(find_shipped(shipped), "/there");
}

TEST_F(ShippedFolders, A_profile_in_devices_beside_the_scenario_goes_before_the_catalogs) {
    const std::string text =
        "format = 1\nsummary = 's'\n[[run]]\nname = 'r'\ngraph = 'mesh:rows=2,columns=2'\n";
    const auto multiprocessors = [&] {
        const auto file = parse_scenario(text, folder_ / "own.toml");
        EXPECT_TRUE(file) << to_string(file.error());
        return file ? file->runs.front().device.multiprocessors : 0;
    };
    EXPECT_EQ(multiprocessors(), 132U);
    fs::create_directories(folder_ / "devices");
    std::ifstream catalog(MEGABED_SOURCE_DIR "/scenarios/devices/h200.toml");
    std::string profile(std::istreambuf_iterator<char>(catalog), {});
    const std::size_t at = profile.find("= 132");
    ASSERT_NE(at, std::string::npos);
    std::ofstream(folder_ / "devices" / "h200.toml") << profile.replace(at, 5, "= 131");
    EXPECT_EQ(multiprocessors(), 131U);
}

}  // namespace
}  // namespace megabed
