#include "properties/conformance.h"

#include "gpu/device_policy.h"

#include <gtest/gtest.h>
#include <filesystem>
#include <map>
#include <string>

namespace megabed {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = fs::path(MEGABED_SOURCE_DIR) / "properties" / "golden";

Loaded<ConformanceReport> check_text(const std::string& text) {
    auto file = GoldenFile::from_reader(LineReader::from_text("rows.csv", text).value());
    if (!file) {
        return Refusal(file.error());
    }
    return check_conformance(*std::move(file), reference_on_host());
}

TEST(Conformance, Every_golden_row_agrees) {
    const std::map<std::string, std::uint64_t> expected_rows{{"autotune_hit_capacity_multiplier", 1500},
                                                             {"autotune_workgroup_size", 1500},
                                                             {"cache", 3000},
                                                             {"calculate_optimal_grid", 1500},
                                                             {"default_worker_groups_from_limits", 1500},
                                                             {"diffuse_priority", 1500},
                                                             {"dispatch_grid_for", 1500},
                                                             {"launch", 20'000},
                                                             {"natural_gradient_step", 750},
                                                             {"padded_slot_count", 1500},
                                                             {"requeue_accounting", 375},
                                                             {"sequence", 12'800},
                                                             {"worker_workgroup_size", 1500}};
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(kGolden)) {
        const auto report = check_conformance(entry.path());
        ASSERT_TRUE(report) << to_string(report.error());
        ASSERT_TRUE(expected_rows.contains(report->kind)) << report->kind;
        EXPECT_EQ(report->rows, expected_rows.at(report->kind)) << report->kind;
        EXPECT_EQ(report->mismatches, 0U) << report->kind << ": " << report->examples.front();
        ++files;
    }
    EXPECT_EQ(files, expected_rows.size());
}

TEST(Conformance, A_wrong_row_is_counted_and_shown) {
    const auto report = check_text("worker_count,max_workgroup_size_x,result\n723,35,35\n723,35,36\n");
    ASSERT_TRUE(report);
    EXPECT_EQ(report->rows, 2U);
    EXPECT_EQ(report->mismatches, 1U);
    ASSERT_EQ(report->examples.size(), 1U);
    EXPECT_NE(report->examples[0].find("rows.csv:3"), std::string::npos) << report->examples[0];
}

struct BadGolden {
    const char* text;
    const char* message;
};

TEST(Conformance, A_broken_file_is_refused_with_line_and_column) {
    const BadGolden cases[] = {
        {"", "rows.csv: is empty"},
        {"slot_count,workgroup_size_x,result\n", "rows.csv: holds no row"},
        {"a,b\n1,2\n", "rows.csv:1: the header is that of no golden file"},
        {"worker_count,max_workgroup_size_x,result\n1,2\n", "rows.csv:2: the row has 2 cells; allowed: the 3"},
        {"worker_count,max_workgroup_size_x,result\n-1,2,3\n", "rows.csv:2: worker_count: is '-1'"},
        {"worker_count,max_workgroup_size_x,result\n4294967296,2,3\n",
         "worker_count: is '4294967296'; allowed: 0 to"},
        {"current_size,candidate_sizes,costs,result\n1,2,zz,1\n", "costs: is 'zz'; allowed: 16 hexadecimal"},
        {"op,requeue_count,aged_promotions,max_priority_age,age_ticks,outcome,new_requeue_count,"
         "new_aged_promotions,new_max_priority_age\nfly,0,0,0,0,ok,1,0,0\n",
         "op: is 'fly'; allowed: record_requeue, record_aged_promotion"},
    };
    for (const BadGolden& bad : cases) {
        const auto report = check_text(bad.text);
        ASSERT_FALSE(report) << bad.text;
        EXPECT_NE(to_string(report.error()).find(bad.message), std::string::npos) << to_string(report.error());
    }
}

TEST(Conformance, Device_rows_without_a_device_are_refused_as_unavailable) {
    const auto name = cuda_device_name();
    if (name) {
        GTEST_SKIP() << "this machine has " << *name;
    }
    const auto report = check_conformance(kGolden / "launch.csv.gz", reference_on_device());
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().kind, InputErrorKind::Unavailable);
}

}  // namespace
}  // namespace megabed
