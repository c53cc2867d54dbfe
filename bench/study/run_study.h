#pragma once

#include "bench/study/message_link.h"
#include "bench/study/study.h"
#include "bench/study/study_database.h"
#include "sim/input_error.h"

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace megabed {

struct StudyOptions {
    std::filesystem::path database;
    std::string command;        ///< as it was typed, for the record
    unsigned jobs = 1;          ///< threads of this process
    bool retry_failed = false;  ///< do runs again that have failed
    bool any_revision = false;
    bool show_progress = false;
    std::stop_token stop{};
};

/// What became of a study.
struct StudyResult {
    std::uint64_t runs = 0;     ///< of the whole study
    std::uint64_t skipped = 0;  ///< were in the database already
    StudyCounts counts{};       ///< in the database now
    bool interrupted = false;
    double seconds = 0;
    std::vector<PolicyVerdict> verdicts{};
};

/// Does the runs of a study that its database does not have, on this process's threads and on the other
/// processes of `link`, if there is one. This process writes. Errors: of the database; a process of the link
/// that cannot take part.
[[nodiscard]] Loaded<StudyResult> run_study(const Study& study, const StudyOptions& options, MessageLink* link);

/// Does runs for the first process of the link until it has no more.
void serve_study(const Study& study, const StudyOptions& options, MessageLink& link);

/// Tells the first process why this one cannot take part.
void decline_study(const std::string& reason, MessageLink& link);

/// Tells all others that there is nothing to do. For the first process, where it cannot begin.
void dismiss_others(MessageLink& link);

/// What a study will take, from a few runs that are tried. Nothing is stored.
struct StudyEstimate {
    std::uint64_t tried = 0;
    double seconds_of_one = 0;  ///< mean over the runs tried, on one thread
};
[[nodiscard]] StudyEstimate estimate_study(const Study& study, std::stop_token stop);

}  // namespace megabed
