#include "sim/threads/worker_pool.h"

#include <fmt/format.h>
#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace megabed {

void sleep_precisely() {
#ifdef __linux__
    (void)prctl(PR_SET_TIMERSLACK, 1UL);  // ns; the default of 50 us is longer than most items
#endif
}

/// What the workers need, kept alive by each of them.
struct WorkerPool::State {
    State(const RingSize& size, std::shared_ptr<TileHandler> tile_handler,
          const WorkerPoolOptions& pool_options)
        : options(pool_options),
          storage(size),
          ring(storage.view(), HostAtomics(&options.ring_hook)),
          handler(std::move(tile_handler)),
          exited(options.threads) {}

    [[nodiscard]] std::uint64_t now() const {
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start)
                .count());
    }

    void work(unsigned me);
    void serve(const ClaimedSlot& claimed, unsigned me);

    WorkerPoolOptions options;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    RingStorage storage;
    HostRing ring;
    std::shared_ptr<TileHandler> handler;
    std::vector<std::atomic<bool>> exited;
};

void WorkerPool::State::work(unsigned me) {
    constexpr std::uint64_t kBatchMax = 8;
    sleep_precisely();
    HostBackoff backoff;
    ClaimedSlot claimed[kBatchMax];
    while (!ring.shutting_down()) {
        const std::uint32_t wanted_workers = ring.workers_wanted();
        if (me >= wanted_workers) {
            backoff.wait();
            continue;
        }
        // A share of what waits, so that the last items are spread over all.
        const auto batch =
            std::clamp<std::uint64_t>(ring.waiting() / (2 * std::uint64_t{wanted_workers}), 1, kBatchMax);
        const std::uint32_t count = ring.claim(static_cast<std::uint32_t>(batch), claimed);
        if (count == 0) {
            backoff.wait();
            continue;
        }
        backoff.reset();
        for (std::uint32_t at = 0; at < count; ++at) {
            serve(claimed[at], me);
        }
        ring.leave();
    }
    exited[me].store(true, std::memory_order_release);
}

void WorkerPool::State::serve(const ClaimedSlot& claimed, unsigned me) {
    RingSlot& slot = ring.view().slots[claimed.slot];
    ring.note_begin(me, claimed, now());
    const bool finishes = !options.item_hook || options.item_hook(slot.argument[kArgTicket], me);
    // After a long sleep the item may have been given up, or everybody gone.
    if (ring.word(slot.status) != claimed.status.word || ring.shutting_down()) {
        ring.note_end(me);
        return;
    }
    TileResult result = TileResult::Failed;
    try {
        result = handler->run(slot, me);
    } catch (const std::exception&) {
        result = TileResult::Failed;
    }
    ring.note_end(me);
    if (!finishes) {
        return;
    }
    switch (result) {
    case TileResult::Done:
        ring.complete(claimed);
        break;
    case TileResult::PutBack:
        ring.put_back(claimed);
        break;
    case TileResult::Failed:
        ring.fail(claimed, FaultReason::HandlerFailed);
        break;
    }
}

WorkerPool::WorkerPool(const RingSize& size, std::shared_ptr<TileHandler> handler,
                       const WorkerPoolOptions& options)
    : state_(std::make_shared<State>(size, std::move(handler), options)) {
    for (unsigned worker = 0; worker < options.threads; ++worker) {
        workers_.emplace_back([state = state_, worker] { state->work(worker); });
    }
}

WorkerPool::~WorkerPool() {
    state_->ring.shut_down();
    const SimTime until = now() + state_->options.deadline;
    HostBackoff backoff;
    for (unsigned worker = 0; worker < workers_.size(); ++worker) {
        while (!state_->exited[worker].load(std::memory_order_acquire) && now() < until) {
            backoff.wait();
        }
        if (state_->exited[worker].load(std::memory_order_acquire)) {
            workers_[worker].join();
        } else {
            workers_[worker].detach();
        }
    }
}

HostRing& WorkerPool::ring() { return state_->ring; }
const HostRing& WorkerPool::ring() const { return state_->ring; }
unsigned WorkerPool::threads() const { return static_cast<unsigned>(workers_.size()); }
SimTime WorkerPool::now() const { return SimTime(static_cast<std::int64_t>(state_->now())); }

std::chrono::steady_clock::time_point WorkerPool::start() const { return state_->start; }

void WorkerPool::open(unsigned workers, std::uint32_t claims) {
    progress_time_ = now();
    ring().open(std::clamp(workers, 1U, threads()), claims);
}

bool WorkerPool::publish(const RingItem& item) {
    HostBackoff backoff;
    while (!failure_) {
        const PublishResult result = ring().publish(item);
        if (result != PublishResult::Full) {
            return result == PublishResult::Published;
        }
        if (!watch()) {
            return false;
        }
        backoff.wait();
    }
    return false;
}

bool WorkerPool::drain() {
    HostBackoff backoff;
    // In flight first: what is put back afterwards was in flight, so that equality is exact.
    for (std::uint64_t in_flight = ring().in_flight(); in_flight != ring().deferred();
         in_flight = ring().in_flight()) {
        if (!watch()) {
            return false;
        }
        backoff.wait();
    }
    return close();
}

bool WorkerPool::close() {
    ring().close();
    HostBackoff backoff;
    while (ring().busy() != 0) {
        if (!watch()) {
            return false;
        }
        backoff.wait();
    }
    return watch();
}

bool WorkerPool::watch() {
    if (failure_) {
        return false;
    }
    if (ring().faults() != 0) {
        return fail();
    }
    const SimTime time = now();
    const SimTime deadline = state_->options.deadline;
    if (ring().give_up_stuck(static_cast<std::uint64_t>(time.value()),
                             static_cast<std::uint64_t>(deadline.value())) != 0) {
        return fail();
    }
    const std::uint64_t progress = ring().progress();
    if (progress != progress_seen_) {
        progress_seen_ = progress;
        progress_time_ = time;
    } else if (time - progress_time_ > deadline) {
        progress_time_ = time;
        if (ring().give_up_any()) {
            return fail();
        }
    }
    return true;
}

/// Names the slot, and waits for the workers that are not stuck, so that what they have is accounted.
bool WorkerPool::fail() {
    HostBackoff backoff;
    ring().close();
    const FaultRecord fault = [&] {
        while (true) {
            if (const FaultRecord record = ring().first_fault(); record.reason != 0) {
                return record;
            }
            backoff.wait();
        }
    }();
    failure_ = fmt::format("slot {} (opcode {} {}, tenant {}, ticket {}): {}; the deadline is {} ms",
                           fault.slot, fault.opcode, state_->handler->opcode_name(fault.opcode), fault.tenant,
                           fault.ticket, to_string(static_cast<FaultReason>(fault.reason)),
                           static_cast<double>(state_->options.deadline.value()) / 1e6);
    const SimTime until = now() + state_->options.deadline;
    const auto stuck = [&] {
        const RingView& view = ring().view();
        std::uint32_t count = 0;
        for (std::uint32_t worker = 0; worker < view.worker_count; ++worker) {
            const std::uint64_t item = ring().word(view.workers[worker].item);
            const auto slot = static_cast<std::uint32_t>(item >> 32);
            count += item != 0 && SlotStatus{ring().word(view.slots[slot].status)}.state() == SlotState::Fault
                         ? 1U
                         : 0U;
        }
        return count;
    };
    while (ring().busy() > stuck() && now() < until) {
        backoff.wait();
    }
    return false;
}

}  // namespace megabed
