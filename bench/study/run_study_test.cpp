#include "bench/study/run_study.h"
#include "bench/study/check_study.h"
#include "bench/study/study_file.h"
#include "bench/study/study_messages.h"
#include "bench/study/testing/scratch_folder.h"
#include "bench/study/tune.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <cmath>
#include <deque>
#include <filesystem>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace megabed {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ScratchFolder;

/// Two scenarios of which one does not take a threshold of the second combination.
constexpr std::string_view kStudy = R"(format = 1
summary = "small"
seeds = 3
scenarios = [{ file = "around-dense", runs = ["inside-the-band", "walk"] }, "memory-ramp"]
policies = ["reference", "stateless", "hindsight", { label = "narrow", policy = "gap", set = "memory.budget='1 KiB'" }]
[[parameter]]
name = "dense"
key = "policy.dense_frontier_threshold_bps"
values = [4000, 900]
)";

/// Everything but who did it and when.
std::string content(const fs::path& path) {
    SQLite::Database database(path.string(), SQLite::OPEN_READONLY);
    std::string text;
    for (const char* const table : {"study", "scenario_file", "scenario", "policy", "variant", "variant_value",
                                    "run", "topology_share", "timeline"}) {
        SQLite::Statement rows(database, std::string("SELECT * FROM ") + table + " ORDER BY 1, 2, 3");
        while (rows.executeStep()) {
            for (int column = 0; column < rows.getColumnCount(); ++column) {
                text += rows.getColumn(column).getString() + '|';
            }
            text += '\n';
        }
    }
    return text;
}

std::int64_t scalar(const fs::path& path, const std::string& question) {
    SQLite::Database database(path.string(), SQLite::OPEN_READONLY);
    return database.execAndGet(question).getInt64();
}

class StudyRuns : public ::testing::Test {
protected:
    StudyRuns() : study_(*load_study(folder_.write("small.toml", kStudy))) {}

    StudyOptions options(const std::string& database, unsigned jobs) const {
        StudyOptions options;
        options.database = folder_.path() / database;
        options.command = "a test";
        options.jobs = jobs;
        return options;
    }
    fs::path path(const std::string& database) const { return folder_.path() / database; }

    ScratchFolder folder_;
    Study study_;
};

TEST_F(StudyRuns, Have_a_row_each_whatever_becomes_of_them) {
    const auto result = run_study(study_, options("a.db", 2), nullptr);
    ASSERT_TRUE(result) << to_string(result.error());
    EXPECT_EQ(result->counts.done + result->counts.failed, study_.runs());
    EXPECT_GT(result->counts.failed, 0U);
    EXPECT_GT(result->counts.done, 0U);
    EXPECT_FALSE(result->interrupted);
    // A budget that nothing fits into, and a threshold below the sparse one, fail with their reasons.
    EXPECT_EQ(scalar(path("a.db"), "SELECT count(*) FROM run WHERE (status = 'failed') <> (error IS NOT NULL)"),
              0);
    EXPECT_EQ(scalar(path("a.db"),
                     "SELECT count(*) FROM run r JOIN policy p ON p.id = policy_id "
                     "WHERE p.label = 'narrow' AND status = 'done'"),
              0);
    EXPECT_EQ(scalar(path("a.db"),
                     "SELECT count(*) FROM run WHERE status = 'done' AND "
                     "(makespan_ns IS NULL OR digest IS NULL OR regret IS NULL)"),
              0);
    EXPECT_EQ(scalar(path("a.db"), "SELECT count(*) FROM run WHERE length(error) < 10"), 0);
    // The plan in hindsight has no regret where nobody else takes memory.
    EXPECT_EQ(scalar(path("a.db"),
                     "SELECT count(*) FROM run r JOIN policy p ON p.id = policy_id JOIN scenario s ON "
                     "s.id = scenario_id WHERE p.label = 'hindsight' AND status = 'done' AND "
                     "s.label LIKE 'around-dense/%' AND regret <> 0"),
              0);
    EXPECT_EQ(scalar(path("a.db"), "SELECT count(*) FROM execution"), static_cast<std::int64_t>(study_.runs()));
    // Shares and timelines add up to the makespan.
    EXPECT_EQ(scalar(path("a.db"),
                     "SELECT count(*) FROM (SELECT sum(s.time_ns) AS time, makespan_ns, waiting_ns FROM run r "
                     "JOIN topology_share s ON s.run_id = r.id WHERE status = 'done' GROUP BY r.id) "
                     "WHERE time + waiting_ns <> makespan_ns"),
              0);
    EXPECT_GT(scalar(path("a.db"), "SELECT count(*) FROM timeline"), 0);
    EXPECT_FALSE(fs::exists(path("a.db-wal")));
}

TEST_F(StudyRuns, Count_what_a_launch_cache_would_have_served) {
    ASSERT_TRUE(run_study(study_, options("a.db", 2), nullptr));
    EXPECT_EQ(scalar(path("a.db"), "SELECT count(*) FROM run WHERE cache_hits IS NOT NULL"), 0);
    // A square wave asks the same few things again and again; a random walk hardly ever.
    const auto counted = load_study(folder_.write("cache.toml", R"(format = 1
summary = "s"
launch_cache = true
scenarios = [{ file = "around-dense", runs = ["inside-the-band", "walk"] }]
policies = ["stateless"]
)"));
    ASSERT_TRUE(counted) << to_string(counted.error());
    ASSERT_TRUE(run_study(*counted, options("b.db", 2), nullptr));
    EXPECT_EQ(scalar(path("b.db"), "SELECT count(*) FROM run WHERE cache_hits + cache_misses <> launches"), 0);
    EXPECT_EQ(scalar(path("b.db"), "SELECT cache_misses FROM run WHERE id = 1"), 2);
    EXPECT_GT(scalar(path("b.db"), "SELECT cache_misses FROM run WHERE id = 2"), 20);
}

TEST_F(StudyRuns, Give_the_same_content_for_any_number_of_threads) {
    ASSERT_TRUE(run_study(study_, options("one.db", 1), nullptr));
    ASSERT_TRUE(run_study(study_, options("four.db", 4), nullptr));
    EXPECT_EQ(content(path("one.db")), content(path("four.db")));
}

TEST_F(StudyRuns, Go_on_after_a_stop_without_repeating_or_losing_a_run) {
    ASSERT_TRUE(run_study(study_, options("whole.db", 2), nullptr));
    std::uint64_t stopped = 0;
    for (int tries = 0; tries < 200; ++tries) {
        std::stop_source source;
        StudyOptions stopping = options("parts.db", 2);
        stopping.stop = source.get_token();
        const std::jthread stopper([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20 + 5 * tries));
            source.request_stop();
        });
        const auto result = run_study(study_, stopping, nullptr);
        ASSERT_TRUE(result) << to_string(result.error());
        stopped += result->interrupted ? 1 : 0;
        if (!result->interrupted) {
            break;
        }
    }
    EXPECT_GT(stopped, 0U);
    EXPECT_EQ(content(path("whole.db")), content(path("parts.db")));
    EXPECT_EQ(scalar(path("parts.db"), "SELECT count(*) FROM execution"),
              static_cast<std::int64_t>(study_.runs()));
}

TEST_F(StudyRuns, That_failed_are_done_again_when_asked) {
    ASSERT_TRUE(run_study(study_, options("a.db", 2), nullptr));
    const std::string before = content(path("a.db"));
    const auto again = run_study(study_, options("a.db", 2), nullptr);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->skipped, study_.runs());
    EXPECT_EQ(scalar(path("a.db"), "SELECT count(*) FROM session"), 1);
    StudyOptions retry = options("a.db", 2);
    retry.retry_failed = true;
    const auto retried = run_study(study_, retry, nullptr);
    ASSERT_TRUE(retried);
    EXPECT_EQ(retried->skipped, again->counts.done);
    EXPECT_EQ(content(path("a.db")), before);
}

TEST_F(StudyRuns, Are_refused_a_database_that_is_not_theirs) {
    ASSERT_TRUE(run_study(study_, options("a.db", 2), nullptr));
    Study other = study_;
    other.digest = "0123456789abcdef";
    const auto refused = run_study(other, options("a.db", 2), nullptr);
    ASSERT_FALSE(refused);
    EXPECT_THAT(to_string(refused.error()), HasSubstr("is another now"));
    (void)folder_.write("text.db", "this is no database, and stays as it is");
    const auto text = run_study(study_, options("text.db", 2), nullptr);
    ASSERT_FALSE(text);
    {
        SQLite::Database foreign((path("foreign.db")).string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        foreign.exec("CREATE TABLE own (value INTEGER)");
    }
    const auto foreign = run_study(study_, options("foreign.db", 2), nullptr);
    ASSERT_FALSE(foreign);
    EXPECT_THAT(to_string(foreign.error()), HasSubstr("something else"));
    const auto folder = run_study(study_, options(".", 2), nullptr);
    ASSERT_FALSE(folder);
    {
        SQLite::Database older((path("a.db")).string(), SQLite::OPEN_READWRITE);
        older.exec("UPDATE study SET revision = 'earlier'");
    }
    const auto revision = run_study(study_, options("a.db", 2), nullptr);
    ASSERT_FALSE(revision);
    EXPECT_THAT(to_string(revision.error()), HasSubstr("--any-revision"));
    StudyOptions any = options("a.db", 2);
    any.any_revision = true;
    EXPECT_TRUE(run_study(study_, any, nullptr));
}

TEST_F(StudyRuns, Have_one_writer_at_a_time) {
    const auto database = StudyDatabase::open(path("a.db"), study_);
    ASSERT_TRUE(database) << to_string(database.error());
    const auto second = StudyDatabase::open(path("a.db"), study_);
    ASSERT_FALSE(second);
    EXPECT_THAT(to_string(second.error()), HasSubstr("another megabed study"));
}

TEST_F(StudyRuns, Are_checked_by_doing_them_again) {
    ASSERT_TRUE(run_study(study_, options("a.db", 2), nullptr));
    auto sample = sample_runs(path("a.db"), 10);
    ASSERT_TRUE(sample) << to_string(sample.error());
    EXPECT_EQ(sample->runs.size(), 10U);
    const auto same = check_sample(*sample, 2, {});
    ASSERT_TRUE(same);
    EXPECT_EQ(same->checked, 10U);
    EXPECT_TRUE(same->different.empty());
    sample->runs[3].digest = "0000000000000000";
    const auto different = check_sample(*sample, 2, {});
    ASSERT_TRUE(different);
    ASSERT_EQ(different->different.size(), 1U);
    EXPECT_EQ(different->different[0].id, sample->runs[3].spec.id);
    const auto all = sample_runs(path("a.db"), 1'000'000);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->runs.size(), all->runs_done);
    EXPECT_FALSE(sample_runs(path("nothing.db"), 1));
}

TEST_F(StudyRuns, Cost_about_what_the_estimate_says) {
    const StudyEstimate estimate = estimate_study(study_, {});
    EXPECT_EQ(estimate.tried, 24U);
    EXPECT_GT(estimate.seconds_of_one, 0);
    EXPECT_LT(estimate.seconds_of_one, 60);
}

TEST_F(StudyRuns, Travel_between_processes_unchanged) {
    RunOutcome outcome;
    outcome.id = 7;
    outcome.error = "an error";
    outcome.makespan_ns = 42;
    outcome.regret = 0.25;
    outcome.shares.push_back({"sparse", 1, 2, 3});
    outcome.timeline.push_back({"dense", 1, 2, 3, 4, {}});
    WorkerMessage message;
    message.outcomes = {outcome};
    message.wants = 3;
    const auto there = unpacked<WorkerMessage>(packed(message));
    ASSERT_EQ(there.outcomes.size(), 1U);
    EXPECT_EQ(there.wants, 3U);
    EXPECT_EQ(packed(there), packed(message));
    EXPECT_EQ(*there.outcomes[0].makespan_ns, 42);
    EXPECT_FALSE(there.outcomes[0].digest);
    EXPECT_FALSE(there.outcomes[0].timeline[0].density_max_bps);
}

/// Mailboxes in one process, in place of MPI.
class Mail {
public:
    explicit Mail(int size) : boxes_(static_cast<std::size_t>(size)) {}
    void send(int from, int to, std::string bytes) {
        const std::scoped_lock lock(mutex_);
        boxes_[static_cast<std::size_t>(to)].push_back({from, std::move(bytes)});
    }
    std::optional<MessageLink::Message> poll(int rank) {
        const std::scoped_lock lock(mutex_);
        auto& box = boxes_[static_cast<std::size_t>(rank)];
        if (box.empty()) {
            return std::nullopt;
        }
        auto message = std::move(box.front());
        box.pop_front();
        return message;
    }
    [[nodiscard]] int size() const { return static_cast<int>(boxes_.size()); }

private:
    std::mutex mutex_;
    std::vector<std::deque<MessageLink::Message>> boxes_;
};

class LocalLink final : public MessageLink {
public:
    LocalLink(Mail& mail, int rank) : mail_(mail), rank_(rank) {}
    [[nodiscard]] int rank() const override { return rank_; }
    [[nodiscard]] int size() const override { return mail_.size(); }
    [[nodiscard]] int size_on_this_machine() const override { return mail_.size(); }
    void send(int to, const std::string& bytes) override { mail_.send(rank_, to, bytes); }
    [[nodiscard]] std::optional<Message> poll() override { return mail_.poll(rank_); }

private:
    Mail& mail_;
    int rank_;
};

TEST_F(StudyRuns, Give_the_same_content_on_three_processes) {
    ASSERT_TRUE(run_study(study_, options("one.db", 2), nullptr));
    Mail mail(3);
    LocalLink first(mail, 0);
    std::vector<std::jthread> others;
    for (const int rank : {1, 2}) {
        others.emplace_back([&, rank] {
            LocalLink link(mail, rank);
            serve_study(study_, options("unused.db", 1), link);
        });
    }
    const auto result = run_study(study_, options("three.db", 1), &first);
    ASSERT_TRUE(result) << to_string(result.error());
    others.clear();
    EXPECT_EQ(content(path("one.db")), content(path("three.db")));
    EXPECT_EQ(scalar(path("three.db"), "SELECT count(*) FROM (SELECT DISTINCT process FROM execution)"), 3);
    EXPECT_EQ(scalar(path("three.db"), "SELECT processes FROM session"), 3);
    EXPECT_FALSE(fs::exists(path("unused.db")));
}

TEST_F(StudyRuns, End_where_a_process_has_other_files) {
    Mail mail(3);
    LocalLink first(mail, 0);
    Study other = study_;
    other.digest = "fedcba9876543210";
    const std::jthread differs([&] {
        LocalLink link(mail, 1);
        serve_study(other, options("unused.db", 1), link);
    });
    const std::jthread declines([&] {
        LocalLink link(mail, 2);
        decline_study("no graph here", link);
    });
    const auto result = run_study(study_, options("a.db", 1), &first);
    ASSERT_FALSE(result);
    EXPECT_THAT(to_string(result.error()), ::testing::AnyOf(HasSubstr("process 1: has other files"),
                                                            HasSubstr("process 2: no graph here")));
}

TEST(Tune, Finds_the_planted_best_and_says_what_it_is_worth_elsewhere) {
    const ScratchFolder folder;
    // Of these, only a small weight pulls in time on a social network; a huge one never pulls.
    const auto plan = load_tune_plan(folder.write("t.toml", R"(format = 1
summary = "arcs"
policy = "arcs"
set = "policy.arcs.push_weight_hundredths=1"
scenarios = ["social"]
held_out = ["internet"]
candidates = 20
[[parameter]]
key = "policy.arcs.work_per_lane"
from = 1
to = 100000
scale = "log"
)"));
    ASSERT_TRUE(plan) << to_string(plan.error());
    TuneOptions two;
    two.jobs = 2;
    const auto result = tune(*plan, two);
    ASSERT_TRUE(result) << to_string(result.error());
    EXPECT_GE(result->tuned_on.speedup(), result->defaults_tuned_on.speedup());
    EXPECT_EQ(result->rungs.front().candidates, 20U);
    EXPECT_EQ(result->rungs.back().points, 2U);
    ASSERT_EQ(result->verdict.size(), 1U);
    EXPECT_NEAR(result->verdict[0].tuned, result->held_out.speedup(), 1e-9);
    const auto again = tune(*plan, {});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->best, result->best);
    EXPECT_EQ(again->held_out.makespan_ns, result->held_out.makespan_ns);
}

TEST(Tune, Takes_a_better_parameter_over_a_bad_default) {
    const ScratchFolder folder;
    const auto plan = load_tune_plan(folder.write("t.toml", R"(format = 1
summary = "a rule whose direction is wrong by default"
policy = "gap"
scenarios = [{ file = "social", runs = ["slashdot"] }]
held_out = ["internet"]
candidates = 12
[[parameter]]
key = "policy.jit_queue_len_threshold"
values = [0, 64, 4096, 4294967295]
[[parameter]]
key = "policy.gap.alpha"
from = 1
to = 1000
scale = "log"
)"));
    ASSERT_TRUE(plan) << to_string(plan.error());
    const auto result = tune(*plan, {});
    ASSERT_TRUE(result) << to_string(result.error());
    EXPECT_GT(result->tuned_on.speedup(), result->defaults_tuned_on.speedup());
    EXPECT_EQ(result->best.size(), 2U);
    EXPECT_GT(result->runs, 12U);
}

}  // namespace
}  // namespace megabed
