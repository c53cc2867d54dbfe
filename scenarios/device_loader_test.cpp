#include "scenarios/device_loader.h"

#include "scenarios/catalog.h"
#include "scenarios/section_reader.h"

#include <gtest/gtest.h>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>

namespace megabed {
namespace {

TEST(DeviceLoader, Refuses_what_is_wrong) {
    const auto h200 = read_text_file(catalog_directory() / "devices" / "h200.toml");
    ASSERT_TRUE(h200);
    ASSERT_TRUE(parse_device(*h200, "d.toml"));
    const auto broken = [&](const std::string& from, const std::string& to) {
        std::string text = *h200;
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        text.replace(at, from.size(), to);
        const auto device = parse_device(text, "d.toml");
        EXPECT_FALSE(device);
        return to_string(device.error());
    };
    EXPECT_NE(broken("multiprocessors = 132", "multiprocessors = 0").find("limits.multiprocessors: is 0"),
              std::string::npos);
    EXPECT_NE(broken("multiprocessors = 132\n", "").find("limits.multiprocessors: is missing"),
              std::string::npos);
    EXPECT_NE(
        broken("footprint = \"32 MiB\"", "footprint = \"1 MiB\"").find("rates.gather.footprint: is not above"),
        std::string::npos);
    EXPECT_NE(broken("blocks = 264", "blocks = 132").find("costs.barrier.blocks: is not above"),
              std::string::npos);
    EXPECT_NE(broken("[tiles]", "[tile]").find("did you mean tiles?"), std::string::npos);
}

TEST(DeviceLoader, Every_constant_must_be_there_with_where_it_comes_from) {
    std::ifstream file(std::string(MEGABED_SOURCE_DIR) + "/scenarios/devices/h200.toml");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    ASSERT_TRUE(parse_device(text, "d.toml"));
    for (const std::string key : {"warp_step = ", "stream_overlap_bps = 1", "row_bytes = ", "tile_items = "}) {
        std::string without = text;
        const std::size_t at = without.find(key);
        ASSERT_NE(at, std::string::npos) << key;
        without.erase(at, without.find('\n', at) + 1 - at);
        const auto refused = parse_device(without, "d.toml");
        ASSERT_FALSE(refused) << key;
        EXPECT_NE(to_string(refused.error()).find("is missing"), std::string::npos)
            << to_string(refused.error());
    }
    std::string unfounded = text;
    unfounded.replace(unfounded.find("estimate: opcode"), 8, "guesswork");
    const auto refused = parse_device(unfounded, "d.toml");
    ASSERT_FALSE(refused);
    EXPECT_NE(to_string(refused.error()).find("provenance.costs.interpreter_dispatch"), std::string::npos)
        << to_string(refused.error());
}

}  // namespace
}  // namespace megabed
