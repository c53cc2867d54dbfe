#include "bench/study/study_workers.h"

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

namespace megabed {

StudyWorkers::StudyWorkers(unsigned threads, std::stop_token stop)
    : threads_(threads),
      stop_(stop),
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

bool StudyWorkers::run_all(std::span<const PointSpec> specs,
                           const std::function<void(RunOutcome)>& on_outcome) {
    constexpr std::chrono::microseconds kIdle(200);
    std::size_t given = 0;
    std::size_t finished = 0;
    while (given != specs.size() || in_flight_ != 0) {
        if (stop_.stop_requested()) {
            specs = specs.first(given);
        }
        while (given != specs.size() && hungry()) {
            give(specs[given++]);
        }
        bool any = false;
        while (auto outcome = take()) {
            on_outcome(*std::move(outcome));
            ++finished;
            any = true;
        }
        if (!any) {
            std::this_thread::sleep_for(kIdle);
        }
    }
    return finished == specs.size() && !stop_.stop_requested();
}

}  // namespace megabed
