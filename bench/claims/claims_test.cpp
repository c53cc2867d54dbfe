#include "bench/claims/check_claims.h"
#include "bench/claims/claims_file.h"
#include "bench/study/testing/scratch_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace megabed {
namespace {

using ::testing::HasSubstr;
using testing::ScratchFolder;

TEST(Claims, Are_the_same_within_the_tolerance_and_ambiguous_where_measurements_disagree) {
    Claim time;
    time.value = 100;
    time.tolerance = 0.1;
    time.better = Better::Less;
    EXPECT_EQ(judge_claim(time, {95, 101, 140}), ClaimVerdict::Same);
    EXPECT_EQ(judge_claim(time, {50, 51, 60}), ClaimVerdict::Faster);
    EXPECT_EQ(judge_claim(time, {111, 120, 130}), ClaimVerdict::Slower);
    EXPECT_EQ(judge_claim(time, {100, 120, 130}), ClaimVerdict::Ambiguous);
    EXPECT_EQ(judge_claim(time, {50, 80, 100}), ClaimVerdict::Ambiguous);
    EXPECT_EQ(judge_claim(time, {}), ClaimVerdict::Ambiguous);
    Claim rate = time;
    rate.better = Better::More;
    EXPECT_EQ(judge_claim(rate, {50, 51, 60}), ClaimVerdict::Slower);
    EXPECT_EQ(judge_claim(rate, {111, 120, 130}), ClaimVerdict::Faster);
}

TEST(Claims, Without_tolerance_are_held_to_the_digits_they_are_written_with) {
    Claim exact;
    exact.value = 176.46;
    exact.decimals = 2;
    EXPECT_EQ(judge_claim(exact, {176.459}), ClaimVerdict::Same);
    EXPECT_EQ(judge_claim(exact, {176.466}), ClaimVerdict::Slower);
    EXPECT_EQ(judge_claim(exact, {176.4}), ClaimVerdict::Faster);
    exact.value = 0.27;  // stated as 0.270
    exact.decimals = 3;
    EXPECT_EQ(judge_claim(exact, {0.2704}), ClaimVerdict::Same);
    EXPECT_EQ(judge_claim(exact, {0.2716}), ClaimVerdict::Slower);
    exact.value = 48'925;
    exact.decimals = 0;
    EXPECT_EQ(judge_claim(exact, {48'925}), ClaimVerdict::Same);
    EXPECT_EQ(judge_claim(exact, {48'926}), ClaimVerdict::Slower);
}

constexpr const char* kClaim = R"([[claim]]
id = "speed"
page = "PAGE.md"
quote = "at {} GTEPS"
unit = "GTEPS"
better = "more"
record = "record.json"
row = "bfs/22"
read = "/GTEPS"
)";

TEST(Claims, Are_read_from_their_record) {
    const ScratchFolder folder;
    (void)folder.write("PAGE.md", "It runs at\n641 GTEPS on the card.\n");
    (void)folder.write("record.json", R"({"benchmarks": [{"name": "bfs/22", "GTEPS": 641.3}]})");
    auto claims = load_claims(folder.write("claims.toml", kClaim), folder.path());
    ASSERT_TRUE(claims) << to_string(claims.error());
    ClaimChecker checker(folder.path());
    const ClaimReport report = checker.check(claims->front());
    EXPECT_EQ(report.verdict, ClaimVerdict::Same);
    EXPECT_EQ(report.source, "record.json");
    (void)folder.write("record.json", R"({"benchmarks": [{"name": "bfs/22", "GTEPS": 600}]})");
    EXPECT_EQ(checker.check(claims->front()).verdict, ClaimVerdict::Slower);
    (void)folder.write("record.json", R"({"benchmarks": []})");
    const ClaimReport gone = checker.check(claims->front());
    EXPECT_EQ(gone.verdict, ClaimVerdict::Ambiguous);
    EXPECT_THAT(gone.note, HasSubstr("no row bfs/22"));
}

TEST(Claims, Are_quotients_where_two_figures_are_named) {
    const ScratchFolder folder;
    (void)folder.write("PAGE.md", "It takes 0.250 of the time.\n");
    (void)folder.write("record.json", R"({"ours": 10, "theirs": 40, "nothing": 0})");
    const std::string claim =
        "[[claim]]\nid = \"time\"\npage = \"PAGE.md\"\nquote = \"takes {} of\"\n"
        "better = \"less\"\nrecord = \"record.json\"\nread = \"/ours\"\n";
    ClaimChecker checker(folder.path());
    auto claims = load_claims(folder.write("claims.toml", claim + "over = \"/theirs\"\n"), folder.path());
    ASSERT_TRUE(claims) << to_string(claims.error());
    EXPECT_EQ(checker.check(claims->front()).verdict, ClaimVerdict::Same);
    (void)folder.write("PAGE.md", "It takes 75 of 100 ns off.\n");
    claims = load_claims(folder.write("claims.toml", claim + "over = \"/theirs\"\nminus = 1\nscale = -100\n"),
                         folder.path());
    ASSERT_TRUE(claims) << to_string(claims.error());
    EXPECT_EQ(checker.check(claims->front()).measured, std::vector<double>{75});
    claims = load_claims(folder.write("claims.toml", claim + "over = \"/nothing\"\n"), folder.path());
    ASSERT_TRUE(claims) << to_string(claims.error());
    EXPECT_EQ(checker.check(claims->front()).note, "/nothing is 0");
}

TEST(Claims, Are_refused_where_the_page_says_something_else) {
    const ScratchFolder folder;
    (void)folder.write("PAGE.md", "It runs at full speed, 640 GTEPS, on the card.\n");
    const std::string claim = kClaim;
    const auto replaced = [&](const std::string& from, const std::string& to) {
        std::string text = claim;
        text.replace(text.find(from), from.size(), to);
        return text;
    };
    const std::vector<std::pair<std::string, std::string>> bad{
        {claim, "PAGE.md: 'at {} GTEPS' is not in it"},
        {replaced("at {}", "speed, {}") + replaced("at {}", "speed, {}"), "is there twice"},
        {replaced("at {}", "speed, 640"), "has not one {}"},
        {replaced("unit", "value = 3\nunit"), "is no key of a claim"},
        {replaced("better = \"more\"", "better = \"bigger\""), "more or less"},
        {replaced("record = \"record.json\"\n", ""), "command, program or record"},
        {replaced("read = \"/GTEPS\"", "read = \"GTEPS\""), "JSON pointer"},
        {replaced("unit", "units"), "is no key of a claim"},
        {replaced("PAGE.md", "NO-PAGE.md"), "NO-PAGE.md"},
        {"claim = 3\n", "[[claim]] tables"},
    };
    for (const auto& [text, words] : bad) {
        const auto claims = load_claims(folder.write("claims.toml", text), folder.path());
        ASSERT_FALSE(claims) << text;
        EXPECT_THAT(to_string(claims.error()), HasSubstr(words)) << text;
    }
}

}  // namespace
}  // namespace megabed
