#include "sim/engine/thread_team.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace megabed {
namespace {

/// Waits until the value is another one: first awake, because the next round is mostly near, then asleep.
template <class Value>
void wait_while(const std::atomic<Value>& value, Value old) {
    constexpr int kAwake = 1000;
    for (int turn = 0; turn < kAwake; ++turn) {
        if (value.load(std::memory_order_acquire) != old) {
            return;
        }
#if defined(__x86_64__)
        _mm_pause();
#endif
    }
    value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadTeam::~ThreadTeam() {
    call_ = nullptr;
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
}

void ThreadTeam::run_erased(Call call, const void* work) {
    call_ = call;
    work_ = work;
    busy_.store(size_ - 1, std::memory_order_relaxed);
    const std::uint32_t round = round_.load(std::memory_order_relaxed);
    round_.store(round + 1, std::memory_order_release);
    round_.notify_all();
    for (auto number = static_cast<unsigned>(threads_.size()) + 1; number < size_; ++number) {
        threads_.emplace_back([this, number] { serve(number); });
    }
    call(work, 0);
    for (unsigned busy = busy_.load(std::memory_order_acquire); busy != 0;
         busy = busy_.load(std::memory_order_acquire)) {
        wait_while(busy_, busy);
    }
}

void ThreadTeam::serve(unsigned number) {
    // A thread is started in the first round, after its work was set: round 0 is never served.
    for (std::uint32_t seen = 0;;) {
        wait_while(round_, seen);
        seen = round_.load(std::memory_order_acquire);
        if (call_ == nullptr) {
            return;
        }
        call_(work_, number);
        if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            busy_.notify_one();
        }
    }
}

}  // namespace megabed
