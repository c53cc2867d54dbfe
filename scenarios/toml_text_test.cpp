#include "scenarios/ascii_text.h"

#include "scenarios/section_reader.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>

namespace megabed {
namespace {

TEST(Units_of_files, Are_whole_numbers_of_known_units) {
    EXPECT_EQ(parse_time_ns("3 us"), 3000);
    EXPECT_EQ(parse_time_ns("0.5us"), 500);
    EXPECT_EQ(parse_time_ns("1 s"), 1'000'000'000);
    EXPECT_EQ(parse_time_ns("0.3 ns"), std::nullopt);
    EXPECT_EQ(parse_time_ns("3"), std::nullopt);
    EXPECT_EQ(parse_time_ns("-1 us"), std::nullopt);
    EXPECT_EQ(parse_time_ns("1e300 s"), std::nullopt);
    EXPECT_EQ(parse_time_ns("nan s"), std::nullopt);
    EXPECT_EQ(parse_time_ns("3 GiB"), std::nullopt);
    EXPECT_EQ(parse_bytes("2 GiB"), 2'147'483'648);
    EXPECT_EQ(parse_bytes("2 GB"), std::nullopt);
}

TEST(AsciiText, Only_comments_may_hold_other_letters) {
    const std::string letter = "\xC3\xA9";
    EXPECT_EQ(ascii_document("# " + letter + "\na = '#'"), "# ??\na = '#'");
    EXPECT_EQ(ascii_document("\xEF\xBB\xBF" + std::string("a = 1")), "a = 1");
    for (const std::string& refused :
         {"\na = '" + letter + "'", "\na = '# " + letter + "'", "\na = \"\\\"# " + letter + "\"",
          "\na = \"\"\"# \"" + letter + "\"\"\"", "\nb" + letter + " = 1", "\na = '\\' " + letter}) {
        const auto document = ascii_document(refused);
        ASSERT_FALSE(document) << refused;
        EXPECT_EQ(document.error(), 2U) << refused;
    }
}

}  // namespace
}  // namespace megabed
