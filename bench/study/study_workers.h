#pragma once

#include "bench/study/point_runner.h"
#include "bench/study/run_outcome.h"

#include <tbb/concurrent_queue.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>

namespace megabed {

/// Threads that carry runs of a study out. One thread gives runs and takes outcomes; it takes no part in the
/// work.
class StudyWorkers {
public:
    StudyWorkers(unsigned threads, std::stop_token stop);
    StudyWorkers(const StudyWorkers&) = delete;
    StudyWorkers& operator=(const StudyWorkers&) = delete;
    /// Waits for the runs that are under way.
    ~StudyWorkers();

    /// Whether another run keeps the threads from waiting, also while the outcomes before it are being written.
    [[nodiscard]] bool hungry() const { return in_flight_ < std::size_t{64} * threads_; }
    void give(PointSpec spec);

    /// A finished run, if there is one. Runs that were interrupted are dropped.
    [[nodiscard]] std::optional<RunOutcome> take();
    [[nodiscard]] std::size_t in_flight() const { return in_flight_; }

    /// Carries all of them out and hands over each outcome, in any order. False: a stop came before the last.
    [[nodiscard]] bool run_all(std::span<const PointSpec> specs,
                               const std::function<void(RunOutcome)>& on_outcome);

private:
    unsigned threads_;
    std::stop_token stop_;
    PointRunner runner_;
    tbb::global_control parallelism_;  // by default it is one a core, the calling thread included
    tbb::task_arena arena_;
    tbb::task_group group_;
    tbb::concurrent_queue<std::optional<RunOutcome>> finished_;
    std::size_t in_flight_ = 0;
};

}  // namespace megabed
