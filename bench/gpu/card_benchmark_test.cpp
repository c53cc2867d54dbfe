#include "bench/gpu/card_benchmark.h"
#include "bench/gpu/card_context.h"
#include "gpu/device_policy.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace megabed {
namespace {

TEST(CardContext, Folders_are_the_cards_names_in_small_letters_without_the_maker) {
    EXPECT_EQ(results_folder_of("NVIDIA H200"), "h200");
    EXPECT_EQ(results_folder_of("NVIDIA GeForce RTX 4090"), "geforce-rtx-4090");
    EXPECT_EQ(results_folder_of("NVIDIA A100-SXM4-80GB"), "a100-sxm4-80gb");
    EXPECT_EQ(results_folder_of("Tesla T4"), "tesla-t4");
    EXPECT_EQ(results_folder_of("../NVIDIA/ "), "nvidia");
    EXPECT_EQ(results_folder_of(""), "card");
}

TEST(CardContext, The_middle_of_values) {
    EXPECT_EQ(middle_of({5}), 5U);
    EXPECT_EQ(middle_of({3, 1, 2}), 2U);
    EXPECT_EQ(middle_of({4, 1, 2, 3}), 3U);
}

TEST(CardContext, On_a_card_it_tells_everything_that_a_record_needs) {
    if (const auto device = cuda_device_name(); !device) {
        GTEST_SKIP() << to_string(device.error());
    }
    CardClocks clocks;
    const auto context = card_context(clocks);
    ASSERT_TRUE(context) << to_string(context.error());
    for (const char* const name :
         {"card", "driver", "cuda_runtime", "cuda_compiler", "date_utc", "git_revision"}) {
        ASSERT_TRUE(context->contains(name)) << name;
        EXPECT_FALSE(context->at(name).empty()) << name;
    }
    EXPECT_EQ(clocks.context().at("clock_source").rfind("CUDA attributes", 0), 0U) << "nothing was looked at";
    clocks.look();
    clocks.look();  // too early: not counted
    const CardContext seen = clocks.context();
    EXPECT_GT(std::stoi(seen.at("sm_clock_mhz")), 100);
    EXPECT_GT(std::stoi(seen.at("memory_clock_mhz")), 100);
    if (seen.contains("clock_looks")) {
        EXPECT_EQ(seen.at("clock_looks"), "1");
    }
    for (const auto& [name, value] : seen) {
        RecordProperty(name, value);
    }
}

void add_what_was_seen() { benchmark::AddCustomContext("seen_at_the_end", "42"); }

TEST(DeferredJson, Its_context_has_what_is_known_only_after_the_rows) {
    std::ostringstream text;
    DeferredJson json(&add_what_was_seen);
    json.SetOutputStream(&text);
    ASSERT_TRUE(json.ReportContext(benchmark::BenchmarkReporter::Context()));
    for (const char* const name : {"one", "two"}) {
        benchmark::BenchmarkReporter::Run run;
        run.run_name.function_name = name;
        json.ReportRuns({run});
    }
    EXPECT_EQ(text.str(), "");
    json.Finalize();
    const auto document = nlohmann::json::parse(text.str());
    EXPECT_EQ(document["context"]["seen_at_the_end"], "42");
    ASSERT_EQ(document["benchmarks"].size(), 2U);
    EXPECT_EQ(document["benchmarks"][1]["name"], "two");
}

}  // namespace
}  // namespace megabed
