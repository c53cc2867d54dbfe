#include "bench/study/study_file.h"
#include "bench/study/study_points.h"
#include "bench/study/testing/scratch_folder.h"
#include "bench/study/tune_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ScratchFolder;

constexpr std::string_view kSmall = R"(format = 1
summary = "a study"
scenarios = ["defects"]
policies = ["reference"]
)";

Loaded<Study> load(const std::string& text) {
    const ScratchFolder folder;
    return load_study(folder.write("study.toml", text));
}

TEST(StudyFile, Crosses_everything_in_a_fixed_order) {
    const auto study = load(R"(format = 1
summary = "all of it"
question = "why"
method = "how"
baseline = "second"
seeds = [5, 3]
backends = ["sim", "threads"]
set = "device.kernels_cached=false"
scenarios = [{ file = "social", runs = ["slashdot"] }, "around-memory"]
policies = ["reference", { label = "second", policy = "gap", set = ["policy.gap.alpha=9"] }]
[[parameter]]
name = "threshold"
key = "policy.dense_frontier_threshold_bps"
values = [3000, 4000]
[[parameter]]
name = "amount"
set = "faults=[{signal='density', kind='corrupt', amount={}}]"
from = 10
to = 30
step = 20
)");
    ASSERT_TRUE(study) << to_string(study.error());
    EXPECT_EQ(study->runs(), 2U * 2 * 4 * 2 * 2);
    EXPECT_EQ(study->baseline, "second");
    EXPECT_THAT(study->seeds, ElementsAre(5, 3));
    ASSERT_EQ(study->variants.size(), 4U);
    EXPECT_EQ(study->variants[1].label, "threshold=3000, amount=30");
    EXPECT_THAT(study->variants[1].settings,
                ElementsAre("policy.dense_frontier_threshold_bps=3000",
                            "faults=[{signal='density', kind='corrupt', amount=30}]"));
    EXPECT_EQ(study->variants[1].values[1].number, 30.0);

    const StudyPoints points(*study);
    const PointSpec second = points.spec(2);
    EXPECT_EQ(second.seed, 3U);  // the seed runs fastest
    EXPECT_EQ(second.run, "slashdot");
    EXPECT_FALSE(second.timeline);
    EXPECT_TRUE(points.spec(1).timeline);
    const PointSpec last = points.spec(study->runs());
    EXPECT_EQ(last.run, "rise-and-fall");
    EXPECT_EQ(last.policy, "gap");
    EXPECT_EQ(last.backend, "threads");
    EXPECT_THAT(last.settings, ElementsAre("device.kernels_cached=false", "policy.gap.alpha=9",
                                           "policy.dense_frontier_threshold_bps=4000",
                                           "faults=[{signal='density', kind='corrupt', amount=30}]"));
}

TEST(StudyFile, Numbers_and_points_are_the_same_thing) {
    const auto study = load(std::string(kSmall) +
                            "seeds = 7\n[[parameter]]\nkey = \"policy.saturated_waves\"\n"
                            "values = [1, 2, 3]\n");
    ASSERT_TRUE(study) << to_string(study.error());
    std::set<std::array<std::size_t, 5>> seen;
    for (std::uint64_t id = 1; id <= study->runs(); ++id) {
        const StudyPoint point = study->point(id);
        EXPECT_EQ(point.id, id);
        EXPECT_TRUE(
            seen.insert({point.scenario, point.policy, point.variant, point.backend, point.seed}).second);
    }
    EXPECT_EQ(seen.size(), 5U * 3 * 7);
}

TEST(StudyFile, Levels_have_settings_of_their_own) {
    const auto study = load(std::string(kSmall) + R"([[parameter]]
name = "fault"
values = [{ label = "none" }, { label = "late", set = ["faults=[{signal='density', kind='delay', amount=2}]"] }]
)");
    ASSERT_TRUE(study) << to_string(study.error());
    ASSERT_EQ(study->variants.size(), 2U);
    EXPECT_EQ(study->variants[1].label, "fault=late");
    EXPECT_TRUE(study->variants[0].settings.empty());
    EXPECT_THAT(study->variants[1].settings, ElementsAre(HasSubstr("kind='delay'")));
    EXPECT_FALSE(study->variants[1].values[0].number);
}

TEST(StudyFile, Its_digest_depends_on_everything_that_is_run) {
    const ScratchFolder folder;
    const std::string scenario =
        "format = 1\nsummary = \"s\"\n[[run]]\nname = \"r\"\n[run.requests]\nlist = [{}]\n";
    const std::string text =
        "format = 1\nsummary = \"a\"\nscenarios = [\"own.toml\"]\n"
        "policies = [{ policy = \"gap\", settings = \"own-settings.toml\" }]\n";
    const auto path = folder.write("study.toml", text);
    const auto digest = [&](const std::string& own, const std::string& settings) {
        (void)folder.write("own.toml", own);
        (void)folder.write("own-settings.toml", settings);
        const auto study = load_study(path);
        EXPECT_TRUE(study) << to_string(study.error());
        return study ? study->digest : "";
    };
    const std::string first = digest(scenario, "[policy.gap]\nalpha = 9\n");
    EXPECT_EQ(digest(scenario, "[policy.gap]\nalpha = 9\n"), first);
    EXPECT_NE(digest(scenario + "# a remark\n", "[policy.gap]\nalpha = 9\n"), first);
    EXPECT_NE(digest(scenario, "[policy.gap]\nalpha = 8\n"), first);
}

struct BadStudy {
    std::string_view text;
    std::string_view key;
    std::string_view problem;
    std::string_view allowed;
};

TEST(StudyFile, Bad_input_is_refused_with_key_value_and_what_is_allowed) {
    constexpr std::string_view kHead = "format = 1\nsummary = \"s\"\n";
    constexpr std::string_view kAxes = "scenarios = [\"defects\"]\npolicies = [\"reference\"]\n";
    const std::vector<BadStudy> bad{
        {"summary = \"s\"\n", "format", "is missing", "1"},
        {"format = 2\nsummary = \"s\"\n", "format", "is 2", "1"},
        {"format = 1\n", "summary", "is missing", "a text"},
        {"policies = [\"reference\"]\n", "scenarios", "is missing", "a list"},
        {"scenarios = [\"defects\"]\n", "policies", "is missing", "a list"},
        {"scenarios = []\npolicies = [\"reference\"]\n", "scenarios", "is an array", "a list"},
        {"scenarios = [7]\npolicies = [\"reference\"]\n", "scenarios", "holds 7", "names of the catalog"},
        {"scenarios = [\"no-such\"]\npolicies = [\"reference\"]\n", "scenarios", "", ""},
        {"scenarios = [\"defects\", \"defects\"]\npolicies = [\"reference\"]\n", "scenarios", "is there twice",
         "each run once"},
        {"scenarios = [{ file = \"social\", runs = [\"nobody\"] }]\npolicies = [\"reference\"]\n", "scenarios",
         "'nobody' is no run of social.toml", "slashdot"},
        {"scenarios = [{ file = \"social\", run = [\"slashdot\"] }]\npolicies = [\"reference\"]\n",
         "scenarios.", "is no key of a scenario", "did you mean runs"},
        {"scenarios = [\"defects\"]\npolicies = [\"reference\", \"reference\"]\n", "policies", "twice",
         "label"},
        {"scenarios = [\"defects\"]\npolicies = [\"referenz\"]\n", "", "referenz", "reference"},
        {"scenarios = [\"defects\"]\npolicies = [{ policy = \"gap\", set = \"policy.gap.alpa=3\" }]\n", "alpa",
         "", "alpha"},
        {"scenarios = [\"defects\"]\npolicies = [{ policy = \"gap\", settings = \"not-there.toml\" }]\n", "",
         "", ""},
        {"seeds = 0\n", "seeds", "is 0", "1 to 1000000"},
        {"seeds = [1, -1]\n", "seeds", "holds -1", "0 to"},
        {"seeds = [4, 4]\n", "seeds", "holds 4 twice", "differ"},
        {"backends = [\"simm\"]\n", "backends", "simm", "sim, threads, cuda"},
        {"baseline = \"gap\"\n", "baseline", "'gap' is no policy of it", "reference"},
        {"sceanrios = 3\n", "sceanrios", "is no key of a study", "did you mean scenarios"},
        {"[parameter]\nkey = \"seed\"\n", "parameter", "is a table", "double brackets"},
        {"[[parameter]]\nvalues = [1]\n", "parameter", "has no key", "key = "},
        {"[[parameter]]\nkey = \"seed\"\nvalues = [{ label = \"a\", set = [\"seed=1\"] }]\n", "parameter",
         "has levels", ""},
        {"[[parameter]]\nvalues = [{ label = \"a\", sets = [\"seed=1\"] }]\n", "parameter.values.", "is no key",
         "did you mean set"},
        {"[[parameter]]\nkey = \"policy.gap.alpha\"\n", "parameter.from", "is missing", "values"},
        {"[[parameter]]\nkey = \"policy.gap.alpha\"\nfrom = 1\nto = 3\nstep = 0\n", "parameter.step", "is 0",
         "1 to"},
        {"[[parameter]]\nkey = \"policy.gap.alpha\"\nfrom = 3\nto = 1\nstep = 1\n", "parameter.to", "is 1",
         "at least"},
        {"[[parameter]]\nkey = \"policy.gap.alpha\"\nvalues = [1, 1]\n", "parameter.values", "holds 1 twice",
         "once"},
        {"[[parameter]]\nkey = \"policy.gap.alpa\"\nvalues = [1]\n", "alpa", "", "alpha"},
    };
    for (const BadStudy& entry : bad) {
        const std::string_view own = entry.text;
        std::string text(own);
        if (!own.starts_with("format") && !own.starts_with("summary")) {
            const bool whole = own.starts_with("scenarios") || own.starts_with("policies");
            text = std::string(kHead) + (whole ? "" : std::string(kAxes)) + std::string(own);
        }
        const auto study = load(text);
        ASSERT_FALSE(study) << text;
        const std::string message = to_string(study.error());
        EXPECT_THAT(message, HasSubstr(entry.key)) << text;
        EXPECT_THAT(message, HasSubstr(entry.problem)) << text;
        EXPECT_THAT(message, HasSubstr(entry.allowed)) << text;
        EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 0) << message;
    }
}

TEST(TuneFile, Holds_scenarios_apart_and_refuses_the_rest) {
    const ScratchFolder folder;
    const std::string head = "format = 1\nsummary = \"s\"\npolicy = \"arcs\"\n";
    const std::string axes = "scenarios = [\"social\"]\nheld_out = [\"internet\"]\n";
    const std::string parameter = "[[parameter]]\nkey = \"policy.arcs.work_per_lane\"\nfrom = 1\nto = 8\n";
    const auto plan = load_tune_plan(folder.write("t.toml", head + axes + "candidates = 5\n" + parameter));
    ASSERT_TRUE(plan) << to_string(plan.error());
    EXPECT_EQ(plan->tuned_on.policies[kTunedPolicy].name, "arcs");
    EXPECT_EQ(plan->tuned_on.policies[kTuneBaseline].name, "reference");
    EXPECT_EQ(plan->held_out.scenarios.front().label, "internet/caida");
    EXPECT_EQ(plan->candidates, 5U);
    const std::vector<std::pair<std::string, std::string>> bad{
        {head + "scenarios = [\"social\"]\n" + parameter, "held_out: is missing"},
        {head + "scenarios = [\"social\"]\nheld_out = [\"social\"]\n" + parameter, "is tuned on, too"},
        {head + axes, "parameter: is missing"},
        {head + axes + "[[parameter]]\nkey = \"policy.arcs.work_per_lane\"\n", "has no range"},
        {head + axes +
             "[[parameter]]\nkey = \"policy.arcs.work_per_lane\"\nfrom = 0\nto = 5\nscale = \"log\"\n",
         "has no range"},
        {head + axes + "candidates = 0\n" + parameter, "candidates: is 0"},
        {head + axes + "eta = 1\n" + parameter, "eta: is 1"},
        {head + axes + "etta = 1\n" + parameter, "etta"},
        {"format = 1\nsummary = \"s\"\n" + axes + parameter, "policy: is missing"},
    };
    for (const auto& [text, words] : bad) {
        const auto refused = load_tune_plan(folder.write("t.toml", text));
        ASSERT_FALSE(refused) << text;
        EXPECT_THAT(to_string(refused.error()), HasSubstr(words));
    }
}

}  // namespace
}  // namespace megabed
