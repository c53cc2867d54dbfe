#pragma once

#include "sim/ring/ring_protocol.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>

namespace megabed {

/// The ring's atomics on host threads, and a hook between its steps by which tests shake the order of events.
class HostAtomics {
public:
    using Hook = std::function<void(RingPoint)>;

    HostAtomics() = default;
    /// `hook` may be null; else it outlives this, and is called from every thread.
    explicit HostAtomics(const Hook* hook) : hook_(hook) {}

    template <class Word>
    [[nodiscard]] static Word load(Word& word) {
        return std::atomic_ref<Word>(word).load(std::memory_order_acquire);
    }
    template <class Word>
    static void store(Word& word, Word value) {
        std::atomic_ref<Word>(word).store(value, std::memory_order_release);
    }
    template <class Word>
    [[nodiscard]] static Word load_relaxed(Word& word) {
        return std::atomic_ref<Word>(word).load(std::memory_order_relaxed);
    }
    template <class Word>
    static void store_relaxed(Word& word, Word value) {
        std::atomic_ref<Word>(word).store(value, std::memory_order_relaxed);
    }
    template <class Word>
    static Word add_relaxed(Word& word, Word amount) {
        return std::atomic_ref<Word>(word).fetch_add(amount, std::memory_order_relaxed);
    }
    template <class Word>
    static void note(Word& word, Word amount) {
        std::atomic_ref<Word>(word).fetch_add(amount, std::memory_order_relaxed);
    }
    template <class Word>
    static void note_after(Word& word, Word amount) {
        std::atomic_ref<Word>(word).fetch_add(amount, std::memory_order_release);
    }
    template <class Word>
    static Word add_acquire(Word& word, Word amount) {
        return std::atomic_ref<Word>(word).fetch_add(amount, std::memory_order_acquire);
    }
    template <class Word>
    static Word add(Word& word, Word amount) {
        return std::atomic_ref<Word>(word).fetch_add(amount, std::memory_order_acq_rel);
    }
    template <class Word>
    static Word subtract(Word& word, Word amount) {
        return std::atomic_ref<Word>(word).fetch_sub(amount, std::memory_order_acq_rel);
    }
    template <class Word>
    static void set_bits(Word& word, Word bits) {
        std::atomic_ref<Word>(word).fetch_or(bits, std::memory_order_acq_rel);
    }
    template <class Word>
    static void clear_bits(Word& word, Word bits) {
        std::atomic_ref<Word>(word).fetch_and(static_cast<Word>(~bits), std::memory_order_acq_rel);
    }
    /// On failure `expected` is what was found.
    template <class Word>
    [[nodiscard]] static bool exchange_if(Word& word, Word& expected, Word desired) {
        return std::atomic_ref<Word>(word).compare_exchange_strong(expected, desired, std::memory_order_acq_rel,
                                                                   std::memory_order_acquire);
    }

    /// Somebody else is between two steps. On a busy machine it may have lost its core there.
    static void pause(std::uint32_t round) {
        constexpr std::uint32_t kSpins = 64;
        if (round >= kSpins) {
            std::this_thread::yield();
        }
    }
    template <class Word>
    [[nodiscard]] static bool exchange_if_relaxed(Word& word, Word& expected, Word desired) {
        return std::atomic_ref<Word>(word).compare_exchange_strong(expected, desired, std::memory_order_relaxed,
                                                                   std::memory_order_relaxed);
    }
    template <class Word>
    [[nodiscard]] static bool exchange_if_release(Word& word, Word& expected, Word desired) {
        return std::atomic_ref<Word>(word).compare_exchange_strong(expected, desired, std::memory_order_release,
                                                                   std::memory_order_relaxed);
    }

    void at(RingPoint point) const {
        if (hook_ != nullptr && *hook_) {
            (*hook_)(point);
        }
    }

private:
    const Hook* hook_ = nullptr;
};

using HostRing = Ring<HostAtomics>;

/// Waits of a thread that found nothing to do: as a device would, doubling from 32 ns to 4 us, for some 30 us
/// in all; after that it sleeps, since a host has other things to do than to poll. It sleeps rather than
/// yields: on a busy machine who yields waits for everybody's time slice, and who sleeps is woken in time.
class HostBackoff {
public:
    void reset() { round_ = 0; }
    void wait() {
        if (round_ >= kSleepFrom) {
            std::this_thread::sleep_for(kSleep);
            return;
        }
        const auto end = Clock::now() + std::chrono::nanoseconds(backoff_ns(round_++));
        while (Clock::now() < end) {
        }
    }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::uint32_t kSleepFrom = 14;
    static constexpr std::chrono::microseconds kSleep{25};
    std::uint32_t round_ = 0;
};

}  // namespace megabed
