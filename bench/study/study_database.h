#pragma once

#include "bench/study/point_runner.h"
#include "bench/study/run_outcome.h"
#include "bench/study/study.h"
#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace megabed {

/// One invocation of `megabed study`, as the table `session` keeps it.
struct SessionFacts {
    std::string command;
    unsigned jobs = 1;
    unsigned processes = 1;
};

/// What is in a database of a study.
struct StudyCounts {
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
};

/// What a policy came to in a study, beside the baseline.
struct PolicyVerdict {
    std::string label;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    /// Geometric mean of makespan over the baseline's, over the points that both have done; 0 where there are
    /// none.
    double makespan_ratio = 0;
    double regret_mean = 0;  ///< where it is known; else NaN
    double flaps_mean = 0;
};

/// The database that a study writes (schema.sql): one writer at a time, one transaction a run, so that whatever
/// ends the process leaves whole rows.
class StudyDatabase {
public:
    /// Makes the file, or opens the one that this study has begun.
    /// Errors: it belongs to another study, or to another state of the same; another revision of megabed began
    /// it, unless `any_revision`; another process writes it; it is no such database.
    [[nodiscard]] static Loaded<StudyDatabase> open(const std::filesystem::path& path, const Study& study,
                                                    bool any_revision = false);

    StudyDatabase(StudyDatabase&&) noexcept;
    StudyDatabase& operator=(StudyDatabase&&) noexcept;
    ~StudyDatabase();

    /// Numbers of the runs that are still to do, ascending. With `failed`, those that failed are forgotten
    /// first.
    [[nodiscard]] Loaded<std::vector<std::uint64_t>> missing(const Study& study, bool retry_failed);
    [[nodiscard]] Loaded<void> begin_session(const SessionFacts& facts);
    [[nodiscard]] Loaded<void> store(const Study& study, RunOutcome& outcome);
    [[nodiscard]] Loaded<void> end_session();
    [[nodiscard]] Loaded<StudyCounts> counts() const;
    /// In the study's order.
    [[nodiscard]] Loaded<std::vector<PolicyVerdict>> verdicts() const;

private:
    struct State;
    explicit StudyDatabase(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// A stored run with what it takes to do it again.
struct StoredRun {
    PointSpec spec;
    std::string digest;
};

/// What `megabed study --check` needs of a database.
struct StoredSample {
    std::string revision;  ///< that began the study
    std::uint64_t runs_done = 0;
    std::vector<StoredRun> runs;
};

/// Up to `count` runs of the simulator, evenly spread over those that were done. Opens the file read-only.
/// Errors: no such file; not a study's database.
[[nodiscard]] Loaded<StoredSample> sample_runs(const std::filesystem::path& path, std::uint64_t count);

}  // namespace megabed
