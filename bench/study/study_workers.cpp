#include "bench/study/study_workers.h"

#include <memory>
#include <utility>

namespace megabed {

StudyWorkers::StudyWorkers(unsigned threads, std::stop_token stop)
    : threads_(threads),
      runner_(threads, std::move(stop)),
      parallelism_(tbb::global_control::max_allowed_parallelism, threads + 1),
      arena_(static_cast<int>(threads), 0) {
    arena_.initialize();
}

StudyWorkers::~StudyWorkers() {
    arena_.execute([this] { group_.wait(); });
}

void StudyWorkers::give(PointSpec spec) {
    ++in_flight_;
    arena_.enqueue(group_.defer([this, own = std::move(spec)] { finished_.push(runner_.run(own)); }));
}

std::optional<RunOutcome> StudyWorkers::take() {
    std::optional<RunOutcome> outcome;
    while (finished_.try_pop(outcome)) {
        --in_flight_;
        if (outcome) {
            return outcome;
        }
    }
    return std::nullopt;
}

}  // namespace megabed
