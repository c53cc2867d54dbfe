#include "bench/study/run_study.h"

#include "bench/progress_line.h"
#include "bench/study/study_messages.h"
#include "bench/study/study_points.h"
#include "bench/study/study_workers.h"
#include "bench/summary_table.h"
#include "bench/version.h"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <set>
#include <thread>
#include <utility>

namespace megabed {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds kIdle(500);

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What all processes of a study must have in common.
std::string identity_of(const Study& study) {
    return fmt::format("{} {} {}", study.digest, version(), revision());
}

/// The first process: hands out runs, stores outcomes.
class StudyWriter {
public:
    StudyWriter(const Study& study, const StudyOptions& options, StudyDatabase& database, MessageLink* link,
                std::vector<std::uint64_t> missing)
        : study_(study),
          points_(study),
          stop_(options.stop),
          database_(database),
          link_(link),
          pending_(missing.begin(), missing.end()),
          to_do_(missing.size()),
          workers_(options.jobs, options.stop),
          progress_(options.show_progress, study.name) {
        for (int rank = 1; link_ != nullptr && rank < link_->size(); ++rank) {
            others_.insert(rank);
        }
    }

    Loaded<void> run() {
        while (!pending_.empty() || workers_.in_flight() != 0 || !others_.empty()) {
            if (stop_.stop_requested() || error_) {
                pending_.clear();
            }
            bool busy = false;
            while (!pending_.empty() && workers_.hungry()) {
                workers_.give(points_.spec(next()));
                busy = true;
            }
            busy = take_own() || busy;
            busy = hear_others() || busy;
            show_progress();
            if (!busy) {
                std::this_thread::sleep_for(kIdle);
            }
        }
        return error_ ? Loaded<void>(Refusal(*error_)) : Loaded<void>();
    }

private:
    std::uint64_t next() {
        const std::uint64_t id = pending_.front();
        pending_.pop_front();
        return id;
    }

    void store(RunOutcome& outcome) {
        if (error_) {
            return;
        }
        ++stored_;
        failed_ += outcome.error ? 1 : 0;
        if (const auto stored = database_.store(study_, outcome); !stored) {
            error_ = stored.error();
        }
    }

    bool take_own() {
        bool any = false;
        while (auto outcome = workers_.take()) {
            store(*outcome);
            any = true;
        }
        return any;
    }

    bool hear_others() {
        bool any = false;
        while (link_ != nullptr && !others_.empty()) {
            const auto message = link_->poll();
            if (!message) {
                break;
            }
            any = true;
            answer(message->from, unpacked<WorkerMessage>(message->bytes));
        }
        return any;
    }

    void answer(int from, WorkerMessage message) {
        for (RunOutcome& outcome : message.outcomes) {
            outcome.process = from;
            store(outcome);
        }
        if (message.finished) {
            others_.erase(from);
        }
        const bool other_study = !message.identity.empty() && message.identity != identity_of(study_);
        if ((!message.error.empty() || other_study) && !error_) {
            error_ =
                InputError{.where = fmt::format("process {}", from),
                           .line = {},
                           .key = {},
                           .problem = other_study ? "has other files or another megabed than the first process"
                                                  : message.error,
                           .allowed = other_study ? "the same on every machine" : ""};
            pending_.clear();
        }
        if (message.wants == 0 || message.finished) {
            return;
        }
        RootMessage reply;
        while (!pending_.empty() && reply.ids.size() < message.wants) {
            reply.ids.push_back(next());
        }
        reply.finish = pending_.empty();
        link_->send(from, packed(reply));
    }

    void show_progress() {
        const double seconds = seconds_since(start_);
        if (stored_ == 0 || seconds <= 0) {
            progress_.show(fmt::format("0 of {} runs", with_commas(to_do_)));
            return;
        }
        const double rate = static_cast<double>(stored_) / seconds;
        const auto left = static_cast<std::int64_t>(static_cast<double>(to_do_ - stored_) / rate);
        progress_.show(fmt::format("{} of {} runs, {} failed, {:.1f} a second, {} min {:02} s left",
                                   with_commas(stored_), with_commas(to_do_), with_commas(failed_), rate,
                                   left / 60, left % 60));
    }

    const Study& study_;
    StudyPoints points_;
    std::stop_token stop_;
    StudyDatabase& database_;
    MessageLink* link_;
    std::deque<std::uint64_t> pending_;
    std::uint64_t to_do_;
    std::uint64_t stored_ = 0;
    std::uint64_t failed_ = 0;
    std::optional<InputError> error_;
    std::set<int> others_;  ///< processes that have not finished
    StudyWorkers workers_;
    ProgressLine progress_;
    Clock::time_point start_ = Clock::now();
};

}  // namespace

Loaded<StudyResult> run_study(const Study& study, const StudyOptions& options, MessageLink* link) {
    const auto start = Clock::now();
    auto database = StudyDatabase::open(options.database, study, options.any_revision);
    const auto give_up = [link](const InputError& error) {
        if (link != nullptr) {
            dismiss_others(*link);
        }
        return Refusal(error);
    };
    if (!database) {
        return give_up(database.error());
    }
    auto missing = database->missing(study, options.retry_failed);
    if (!missing) {
        return give_up(missing.error());
    }
    StudyResult result;
    result.runs = study.runs();
    result.skipped = study.runs() - missing->size();
    const auto processes = static_cast<unsigned>(link == nullptr ? 1 : link->size());
    if (!missing->empty()) {
        if (const auto begun = database->begin_session({options.command, options.jobs, processes}); !begun) {
            return give_up(begun.error());
        }
        const auto ran = StudyWriter(study, options, *database, link, *std::move(missing)).run();
        if (!ran) {
            return Refusal(ran.error());
        }
        if (const auto ended = database->end_session(); !ended) {
            return Refusal(ended.error());
        }
    } else if (link != nullptr) {
        dismiss_others(*link);
    }
    const auto counts = database->counts();
    auto verdicts = database->verdicts();
    if (!counts || !verdicts) {
        return Refusal(counts ? verdicts.error() : counts.error());
    }
    result.counts = *counts;
    result.verdicts = *std::move(verdicts);
    result.interrupted = result.counts.done + result.counts.failed < result.runs;
    result.seconds = seconds_since(start);
    return result;
}

void serve_study(const Study& study, const StudyOptions& options, MessageLink& link) {
    constexpr std::chrono::milliseconds kBatch(50);
    const StudyPoints points(study);
    StudyWorkers workers(options.jobs, options.stop);
    std::deque<std::uint64_t> pending;
    WorkerMessage message;
    message.identity = identity_of(study);
    message.wants = std::uint64_t{4} * options.jobs;
    link.send(0, packed(message));
    message = {};
    bool asked = true;
    bool finishing = false;
    auto sent = Clock::now();
    while (true) {
        while (const auto answer = link.poll()) {
            asked = false;
            const auto runs = unpacked<RootMessage>(answer->bytes);
            pending.insert(pending.end(), runs.ids.begin(), runs.ids.end());
            finishing = finishing || runs.finish;
        }
        while (!pending.empty()) {
            workers.give(points.spec(pending.front()));
            pending.pop_front();
        }
        while (auto outcome = workers.take()) {
            message.outcomes.push_back(*std::move(outcome));
        }
        if (finishing && workers.in_flight() == 0) {
            message.finished = true;
            link.send(0, packed(message));
            return;
        }
        const bool low = workers.in_flight() < std::size_t{2} * options.jobs;
        const bool due = !message.outcomes.empty() && (low || Clock::now() - sent > kBatch);
        // Runs that were interrupted have no outcome, and the end is still to be heard of.
        const bool lost = !asked && !finishing && workers.in_flight() == 0;
        if (due || lost) {
            message.wants = finishing ? 0 : std::max<std::uint64_t>(1, message.outcomes.size());
            link.send(0, packed(message));
            message = {};
            asked = true;
            sent = Clock::now();
        } else {
            std::this_thread::sleep_for(kIdle);
        }
    }
}

void decline_study(const std::string& reason, MessageLink& link) {
    WorkerMessage message;
    message.error = reason;
    message.finished = true;
    link.send(0, packed(message));
}

void dismiss_others(MessageLink& link) {
    for (int others = link.size() - 1; others != 0;) {
        const auto message = link.poll();
        if (!message) {
            std::this_thread::sleep_for(kIdle);
            continue;
        }
        const auto heard = unpacked<WorkerMessage>(message->bytes);
        if (heard.finished) {
            --others;
        } else if (heard.wants != 0) {
            link.send(message->from, packed(RootMessage{{}, true}));
        }
    }
}

StudyEstimate estimate_study(const Study& study, std::stop_token stop) {
    constexpr std::uint64_t kTriedMax = 24;
    constexpr double kSecondsMax = 10;
    const auto start = Clock::now();
    const StudyPoints points(study);
    PointRunner runner(1, std::move(stop));
    StudyEstimate estimate;
    double seconds = 0;
    const std::uint64_t count = std::min(kTriedMax, study.runs());
    for (std::uint64_t at = 0; at < count && seconds_since(start) < kSecondsMax; ++at) {
        // The middle of each of `count` equal parts of the study.
        const auto outcome = runner.run(points.spec((2 * at + 1) * study.runs() / (2 * count) + 1));
        if (!outcome) {
            break;
        }
        ++estimate.tried;
        seconds += static_cast<double>(outcome->wall_ns) * 1e-9;
    }
    estimate.seconds_of_one = estimate.tried == 0 ? 0 : seconds / static_cast<double>(estimate.tried);
    return estimate;
}

}  // namespace megabed
