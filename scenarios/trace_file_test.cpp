#include "scenarios/trace_file.h"

#include <gtest/gtest.h>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace megabed {
namespace {

TEST(TraceFile, Reads_columns_by_name_and_refuses_time_that_goes_back) {
    const std::string path = ::testing::TempDir() + "megabed-trace.csv";
    const auto load = [&](const std::string& text) {
        std::ofstream(path) << text;
        return load_arrival_trace(path);
    };
    const auto good = load("work_ns,time_ns,note\n5,10,a\n0,10,b\n7,30,c\n");
    ASSERT_TRUE(good) << to_string(good.error());
    ASSERT_EQ(good->size(), 3U);
    EXPECT_EQ((*good)[2].time, SimTime(30));
    EXPECT_EQ((*good)[0].work, SimTime(5));
    const std::vector<std::pair<std::string, std::string>> bad{
        {"", "is empty"},
        {"opcode\n1\n", ":1: has no column time_ns"},
        {"time_ns,opcode,opcode\n1,2,3\n", ":1: has two columns opcode; allowed: one"},
        {"time_ns\n", "has no rows"},
        {"time_ns\n10\n9\n", ":3: time_ns is 9, before the row above; allowed: 10 or later"},
        {"time_ns,opcode\n10\n", ":2: has 1 cells; allowed: 2"},
        {"time_ns\n-4\n", ":2: time_ns is '-4'"},
        {"time_ns,opcode\n1,4294967296\n", ":2: opcode is 4294967296"},
    };
    for (const auto& [text, problem] : bad) {
        const auto refused = load(text);
        ASSERT_FALSE(refused) << text;
        EXPECT_NE(to_string(refused.error()).find(problem), std::string::npos) << to_string(refused.error());
    }
    std::ofstream(path) << "launch,density_bps\n0,500\n1,10001\n";
    const auto dense = load_density_trace(path);
    ASSERT_FALSE(dense);
    EXPECT_NE(
        to_string(dense.error()).find(":3: density_bps is '10001'; allowed: a whole number from 0 to 10000"),
        std::string::npos);
}

}  // namespace
}  // namespace megabed
