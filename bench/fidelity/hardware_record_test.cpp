#include "bench/fidelity/hardware_record.h"

#include "scenarios/catalog.h"
#include "sim/file_output.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <filesystem>
#include <string>
#include <system_error>

namespace megabed {
namespace {

namespace fs = std::filesystem;

class HardwareRecords : public testing::Test {
public:
    HardwareRecords(const HardwareRecords&) = delete;
    HardwareRecords& operator=(const HardwareRecords&) = delete;

protected:
    HardwareRecords() : folder_(fs::temp_directory_path() / ("megabed-record-" + std::to_string(::getpid()))) {}
    ~HardwareRecords() override {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }

    static HardwareRecord small() {
        return {{{"card", "a card"}, {"driver", "1"}},
                {{"road/edge", "gap", {300, 310, 305}, {{"sparse", 1, 100}, {"dense", 40, 205}}},
                 {"road/edge", "arcs", {200}, {{"hybrid", 1, 200}}}}};
    }
    [[nodiscard]] std::string refused() const {
        const auto loaded = load_record(folder_);
        return loaded ? "it was taken" : to_string(loaded.error());
    }
    void spoil(const std::string& from, const std::string& to) const {
        std::string text = read_text_file(folder_ / "record.json").value();
        text.replace(text.find(from), from.size(), to);
        ASSERT_TRUE(write_file(folder_ / "record.json", text));
    }

    fs::path folder_;
};

TEST_F(HardwareRecords, What_was_written_is_read_and_the_same_record_gives_the_same_bytes) {
    ASSERT_TRUE(write_record(folder_, small()));
    const std::string waves = read_text_file(folder_ / "waves.csv.gz").value();
    const auto loaded = load_record(folder_);
    ASSERT_TRUE(loaded) << to_string(loaded.error());
    EXPECT_EQ(*loaded, small());
    EXPECT_EQ(load_record(folder_ / "record.json").value(), small());
    ASSERT_TRUE(write_record(folder_, small()));
    EXPECT_EQ(read_text_file(folder_ / "waves.csv.gz").value(), waves);
}

TEST_F(HardwareRecords, A_damaged_record_is_refused_with_file_and_reason) {
    ASSERT_TRUE(write_record(folder_, small()));
    spoil("300", "-300");
    EXPECT_NE(refused().find("runs[0].busy_ns"), std::string::npos) << refused();
    ASSERT_TRUE(write_record(folder_, small()));
    spoil("\"format\": 1", "\"format\": 7");
    EXPECT_NE(refused().find("format"), std::string::npos) << refused();
    ASSERT_TRUE(write_record(folder_, small()));
    fs::resize_file(folder_ / "waves.csv.gz", fs::file_size(folder_ / "waves.csv.gz") / 2);
    EXPECT_NE(refused().find("waves.csv.gz"), std::string::npos) << refused();
    fs::remove(folder_ / "waves.csv.gz");
    EXPECT_NE(refused().find("waves.csv.gz"), std::string::npos) << refused();
}

TEST_F(HardwareRecords, A_folder_without_a_record_is_refused) {
    EXPECT_NE(refused().find(folder_.string()), std::string::npos) << refused();
}

}  // namespace
}  // namespace megabed
